"""Values for the drafts: what is given first, then formulas, then what the constraints leave to choose.

A value is looked up before it is drawn: drawing one column may ask for another, of the same row or of another's, and so
on; a circle of formulas is an error.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Literal
from pytest_atdm.core.errors import CatalogError, OverrideError, PlanImpossible, SchemaMismatch
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, Undecided, compile_expression, parse
from pytest_atdm.core.model import OVERRIDE, ExistingRow
from pytest_atdm.core.planner.advice import NO_ADVICE, LinkNeeded
from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.drawing import Drawing
from pytest_atdm.core.planner.pattern import Copied, Drawn, Given, Notes, Verdict, Watched, is_false_of
from pytest_atdm.core.planner.ties import Ties
from pytest_atdm.core.situation import default_value
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_atdm.core.catalog import Formula, Overrides, Scenario
    from pytest_atdm.core.expressions import Parts, Scope, Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.planner.advice import Advice
    from pytest_atdm.core.planner.ties import Place
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Column

#: How often a row is drawn anew when a column finds no value beside the others; the chance that a solvable pair of
#: ordered columns fails halves with each attempt.
MAX_ATTEMPTS: Final = 16
#: How often all rows are drawn anew when one of them finds no value beside cells that it shares with others.
MAX_ROUNDS: Final = 4
#: How often the conditions of a row are gone through for optional columns: one value may make another necessary.
MAX_REPAIRS: Final = 4
#: So many optional columns are tried together where none is needed for certain.
MAX_TOGETHER: Final = 2


class _SharedCellsError(Exception):
    """A row finds no value beside the cells that it shares with other rows. Never leaves this module."""


class Filling:
    """Fills drafts in the order given; every draft's parents come before it."""

    def __init__(
        self,
        scenario: Scenario,
        rulebook: Rulebook,
        overrides: Overrides,
        *,
        drafts: Sequence[Draft],
        existing: Sequence[ExistingRow],
        seed: int,
        as_of: datetime.date,
        unique_part: tuple[str, str],
        advice: Advice = NO_ADVICE,
    ) -> None:
        self.advice = advice
        self.scenario = scenario
        self.rulebook = rulebook
        self.overrides = overrides
        self.as_of = as_of
        self.situation = Watched(rulebook, as_of, drafts, existing)
        self.drafts = drafts
        self.notes = Notes()
        self.ties = Ties(drafts, namesakes=advice.namesakes)
        self._by_name = {draft.name: draft for draft in drafts}
        self._existing_by_name = {row.name: row for row in existing}
        self._drawing = Drawing(
            scenario=scenario.id,
            seed=seed,
            as_of=as_of,
            unique_part=unique_part,
            situation=self.situation,
            drafts=drafts,
            ties=self.ties,
            number=advice.attempt * MAX_ATTEMPTS * MAX_ROUNDS,
        )
        self._by_entity: dict[str, list[Draft]] = {}
        for draft in drafts:
            self._by_entity.setdefault(draft.entity, []).append(draft)
        self._existing = {row.entity: row for row in existing}
        self._generators = rulebook.generators
        self._busy: list[tuple[str, str]] = []
        self._round = 0
        self._attempt = 0
        self._repairing = False
        self._failed: tuple[Draft, Column] | None = None

    def run(self) -> None:
        """Give every draft its cells.

        Raises:
            PlanImpossible: constraints leave no value; they are named.
            CatalogError, OverrideError, SchemaMismatch: a given value cannot be used; file and line or key are named.
        """
        for draft in self.drafts:
            self._allot_keys(draft)
        keys = [dict(draft.keys) for draft in self.drafts]
        for self._round in range(MAX_ROUNDS):
            try:
                self._fill_all()
                break
            except _SharedCellsError:
                self._draw_again()
                for draft, before in zip(self.drafts, keys, strict=True):
                    draft.values, draft.keys = {}, dict(before)

    def _draw_again(self) -> None:
        self.notes, self._attempt = Notes(is_straight=False), 0
        avoided = {place: list(cells) for place, cells in self._drawing.avoided.items()}
        for draft in self.drafts:
            for name, cell in draft.values.items():
                if len(self.ties.of((draft.name, name))) > 1:
                    avoided.setdefault((draft.name, name), []).append(cell)
        self._drawing = replace(self._drawing, number=self._drawing.number + MAX_ATTEMPTS, avoided=avoided)

    def _fill_all(self) -> None:
        # What the last cell must be may leave the first no choice: every other round begins there.
        for draft in reversed(self.drafts) if self._round % 2 else self.drafts:
            self._fill_links(draft)
        for draft in self.drafts:
            self._fill(draft)

    # -- keys and links

    def _allot_keys(self, draft: Draft) -> None:
        for column in draft.shape.columns:
            if column.sequence is not None and column.name not in draft.given:
                draft.keys[column.name] = f"{draft.name}.{column.name}"
            if column.generated and column.name in draft.given:
                given = draft.given[column.name]
                raise SchemaMismatch(
                    f'{given.source}: "{draft.entity}.{column.name}" is computed by the database',
                    hint="remove it; give the columns that it is computed from",
                )

    def _fill_links(self, draft: Draft) -> None:
        for key in draft.shape.foreign_keys:
            columns = key.columns if key.name in draft.links else ()
            for column in reversed(columns) if self._round % 2 else columns:
                self._settle_linked(self.ties.of((draft.name, column)))
        for shape in draft.shape.columns if self.advice.namesakes else ():
            places = self.ties.of((draft.name, shape.name))
            if len(places) > 1 and self._is_wanted(draft, shape):
                self._settle_tied(places)

    def _settle_linked(self, places: Sequence[Place]) -> None:
        """Settle *places* with optional columns as NULL, else with them open; their rows are filled later."""
        try:
            self._settle_tied(places)
        except PlanImpossible:
            self.notes.is_straight = False
            self._attempt = 1
            try:
                self._settle_tied(places)
            except PlanImpossible:
                if any(self._depends_on_shared(row, column) for row, column in places):
                    raise _SharedCellsError from None
                raise
            self._attempt = 0

    def _settle_tied(self, places: Sequence[Place]) -> None:
        """Give all of *places* the value of the one that has it, or can get it, first.

        A row that stands there decides, then what the scenario gives, then the key that a sequence will allot; else
        the cell that is referred to is drawn under the conditions of all.
        """
        if all(self._is_settled(place) for place in places):
            return
        cell = self._existing_cell(places)
        drafts = [(self._by_name[row], column) for row, column in places if row in self._by_name]
        if cell is None:
            first = self._find_source(drafts)
            if first is None:
                return  # NULL, for all
            self._spread(first, drafts)
            return
        for draft, column in drafts:
            if not draft.shape.column_by_name[column].generated:
                draft.values[column] = cell
                draft.keys.pop(column, None)

    def _is_settled(self, place: Place) -> bool:
        draft = self._by_name.get(place[0])
        return draft is None or place[1] in draft.values or (place[1] in draft.keys and self._is_allotted(place))

    def _is_allotted(self, place: Place) -> bool:
        """True where all that are tied to *place* point to one key."""
        pointers = {self._by_name[row].keys.get(column) for row, column in self.ties.of(place) if row in self._by_name}
        return len(pointers) == 1

    def _existing_cell(self, places: Sequence[Place]) -> Cell:
        rows = ((self._existing_by_name[row], column) for row, column in places if row in self._existing_by_name)
        return next((row.values[column] for row, column in rows if row.values.get(column) is not None), None)

    def _find_source(self, places: Sequence[tuple[Draft, str]]) -> tuple[Draft, str] | None:
        """Settle the first place that can be, and return it."""
        for draft, column in places:
            if column in draft.given:
                self._value(draft, column)
                if draft.values[column] is not None:
                    return draft, column
        for draft, column in places:
            if column in draft.keys:
                return draft, column
        for draft, column in places:
            cell = self._computed_cell(draft, column)
            if cell is not None:
                first, first_column = places[0]
                first.values[first_column] = cell
                return first, first_column
        self._refuse_computed(places)
        draft, column = places[0]
        self._value(draft, column)
        if column not in draft.values:  # a default would fill it, but is not known before the insert
            self._draw(draft, draft.shape.column_by_name[column])
        return (draft, column) if draft.values[column] is not None else None

    def _refuse_computed(self, places: Sequence[tuple[Draft, str]]) -> None:
        for draft, column in places:
            if draft.shape.column_by_name[column].generated:
                raise PlanImpossible(
                    f'{self.scenario.id}: the database computes "{draft.name}.{column}": '
                    "no row can refer to it before it is written",
                    hint="refer to a row that stands there",
                )

    def _computed_cell(self, draft: Draft, column: str) -> Cell:
        """Return what a generated column will hold, where it can be told; None elsewhere."""
        shape = draft.shape.column_by_name[column]
        if not shape.generated:
            return None
        value = self.situation.value(draft, draft.shape, column)
        return None if isinstance(value, Undecided) else to_cell(shape.type, value, self.rulebook.schema)

    def _spread(self, source: tuple[Draft, str], places: Sequence[tuple[Draft, str]]) -> None:
        owner, owner_column = source
        for draft, column in places:
            if (draft is owner and column == owner_column) or draft.shape.column_by_name[column].generated:
                continue
            if owner_column in owner.keys:
                draft.keys[column] = owner.keys[owner_column]
                draft.values.pop(column, None)
                continue
            draft.values[column] = owner.values[owner_column]
            draft.keys.pop(column, None)
            reads = frozenset({(owner.name, owner_column)})
            self.notes.steps.append(Copied(row=draft.name, column=column, reads=reads))

    # -- one row

    def _fill(self, draft: Draft) -> None:
        before = dict(draft.values)
        may_share_others = self._may_share_others(draft)
        for self._attempt in range(MAX_ATTEMPTS):
            is_last = self._attempt == MAX_ATTEMPTS - 1
            try:
                self._fill_columns(draft, accept=is_last and not may_share_others)
                break
            except PlanImpossible:
                if self._is_hopeless(draft):
                    raise
                if is_last and may_share_others:
                    raise _SharedCellsError from None
                if is_last:
                    raise
                draft.values = dict(before)
                self.notes.is_straight = False
        self._attempt = 0
        draft.values = {c.name: draft.values[c.name] for c in draft.shape.columns if c.name in draft.values}

    def _may_share_others(self, draft: Draft) -> bool:
        """Return whether the cells that *draft* shares with other rows may be drawn anew, and others depend on them."""
        return any(self._depends_on_shared(draft.name, name) for name in draft.values)

    def _depends_on_shared(self, row: str, name: str) -> bool:
        """Return whether the cell is drawn, not given or there already, and a condition ties it to others."""
        if self._round == MAX_ROUNDS - 1 or row not in self._by_name:
            return False
        rows = [(self._by_name.get(other), column) for other, column in self.ties.of((row, name))]
        draft = self._by_name[row]
        is_drawn = all(other is not None and column not in other.given for other, column in rows)
        return is_drawn and not self._drawing.is_alone(draft, draft.shape.column_by_name[name])

    def _is_hopeless(self, draft: Draft) -> bool:
        """True where a column of *draft* found no value, whatever the others are: other draws will not help."""
        failed, self._failed = self._failed, None
        return failed is not None and failed[0] is draft and self._drawing.is_alone(*failed)

    def _fill_columns(self, draft: Draft, *, accept: bool) -> None:
        for name in draft.given:
            self._value(draft, name)
        # What the last column must be may leave the first no choice: every other pair of attempts begins there.
        for column in reversed(draft.shape.columns) if self._attempt % 4 > 1 else draft.shape.columns:
            if self._is_wanted(draft, column):
                self._value(draft, column.name)
        self._repair(draft, accept=accept)

    def _repair(self, draft: Draft, *, accept: bool) -> None:
        """Give optional columns a value where a condition is false without one; *accept* leaves others to the gate."""
        broken: list[Condition] = []
        self._repairing = True
        try:
            for _ in range(MAX_REPAIRS):
                broken = [one for one in self.rulebook.conditions(draft.shape) if self._is_false(one, draft)]
                mended = [self._mend(draft, one) for one in broken if self._is_false(one, draft)]  # still
                if not any(mended):
                    break
        finally:
            self._repairing = False
        if broken and not accept and not any(one.columns <= draft.given.keys() for one in broken):
            raise PlanImpossible(
                f'{self.scenario.id}: "{draft.name}": {broken[0].text} ({broken[0].source})', hint=broken[0].fix
            )

    def _mend(self, draft: Draft, condition: Condition) -> bool:
        """Return whether values in the optional columns that *condition* names made it hold; else all is as before."""
        optional = [name for name in sorted(condition.columns) if self._is_optional(draft, name)]
        needed = [name for name in optional if self._is_false_if_null(condition, draft, name, optional)]
        if needed_keys := self._open_keys(draft, needed):
            raise LinkNeeded(draft.table, needed_keys)
        plain = [name for name in optional if not self._is_reference(draft, name)]
        others = [name for name in plain if name not in needed]
        for size in range(min(len(others), MAX_TOGETHER) + 1):
            for more in combinations(others, size):
                if (needed or more) and self._try_columns(draft, condition, (*needed, *more)):
                    return True
        if keys := () if needed else self._open_keys(draft, optional):
            raise LinkNeeded(draft.table, keys[:1])  # last: a further row may need others in its turn
        return False

    def _is_false_if_null(self, condition: Condition, draft: Draft, name: str, unknown: Collection[str]) -> bool:
        """Return whether *condition* cannot hold while *name* is NULL, whatever the others of *unknown* are."""
        scope = self.situation.scope(draft)

        def look_up(parts: Parts) -> Value:
            if len(parts) > 1 or parts[0] not in unknown:
                return scope(parts)
            return None if parts[0] == name else UNDECIDED

        try:
            return condition.evaluate(look_up) is False
        except EvaluationError:
            return False

    def _open_keys(self, draft: Draft, columns: Collection[str]) -> tuple[str, ...]:
        """Return the foreign keys that are not linked and hold some of *columns*."""
        keys = draft.shape.foreign_keys
        return tuple(
            key.name for key in keys if key.name not in draft.links and any(name in columns for name in key.columns)
        )

    def _is_reference(self, draft: Draft, name: str) -> bool:
        return any(name in key.columns for key in draft.shape.foreign_keys)

    def _try_columns(self, draft: Draft, condition: Condition, names: Sequence[str]) -> bool:
        before = dict(draft.values)
        steps = len(self.notes.steps)
        try:
            for name in names:
                self._draw(draft, draft.shape.column_by_name[name])
            if not self._is_false(condition, draft):
                return True
        except PlanImpossible:
            pass
        draft.values = before
        del self.notes.steps[steps:]
        self.notes.is_straight = False
        return False

    def _is_optional(self, draft: Draft, name: str) -> bool:
        column = draft.shape.column_by_name[name]
        return name not in draft.values and name not in draft.keys and not column.filled_by_database

    def _is_false(self, condition: Condition, draft: Draft) -> bool:
        with self.situation.watched() as reads:
            is_false = is_false_of(condition, self.situation, draft)
        self.notes.verdicts.append(
            Verdict(row=draft.name, condition=condition, reads=frozenset(reads), is_false=is_false)
        )
        return is_false

    # -- one value

    def _value(self, draft: Draft, name: str) -> Value:
        column = draft.shape.column_by_name[name]
        if name not in draft.values and name not in draft.keys:
            if (draft.name, name) in self._busy:
                raise self._circle(draft, name)
            self._busy.append((draft.name, name))
            try:
                self._settle(draft, column)
            finally:
                self._busy.pop()
        return self.situation.value(draft, draft.shape, name)

    def _settle(self, draft: Draft, column: Column) -> None:
        given = draft.given.get(column.name)
        if given is not None:
            with self.situation.watched() as reads:
                value = given.value if isinstance(given, Literal) else self._evaluate(draft, given)
            draft.values[column.name] = self._given_cell(draft, column, value, given.source)
            self.notes.steps.append(Given(row=draft.name, column=column.name, reads=frozenset(reads)))
        elif (draft.table, column.name) in self.advice.settled:
            draft.values[column.name] = self.advice.settled[draft.table, column.name]
        elif self._is_wanted(draft, column):
            self._draw(draft, column)

    def _given_cell(self, draft: Draft, column: Column, value: object, source: str) -> Cell:
        try:
            return to_cell(column.type, value, self.rulebook.schema)
        except ValueError as exc:
            error = OverrideError if source == OVERRIDE else CatalogError
            where = f"{self.scenario.id}: " if source == OVERRIDE else f"{source}: "
            raise error(
                f'{where}"{draft.entity}.{column.name}" cannot be {value!r}: {exc}',
                hint=f"give a value of type {column.type}",
            ) from exc

    def _circle(self, draft: Draft, name: str) -> CatalogError:
        chain = " -> ".join(f"{row}.{column}" for row, column in [*self._busy, (draft.name, name)])
        return CatalogError(f"{self.scenario.source}: formulas refer in a circle: {chain}", hint="give one of them")

    def _evaluate(self, draft: Draft, formula: Formula) -> Value:
        try:
            value = compile_expression(parse(formula.text, source=formula.source))(self._formula_scope(draft, formula))
        except EvaluationError as exc:
            raise CatalogError(f'{formula.source}: "{formula.text}": {exc}', hint="mend the expression") from exc
        if value is UNDECIDED:
            raise CatalogError(
                f'{formula.source}: "{formula.text}" cannot be computed before the database has the rows',
                hint="use parameters, as_of, index and columns with given or generated values",
            )
        return value

    def _formula_scope(self, draft: Draft, formula: Formula) -> Scope:
        def look_up(parts: Parts) -> Value:
            first = parts[0]
            if len(parts) == 1:
                return self._plain_name(draft, first, formula)
            if first == draft.entity:
                return self._checked_value(draft, parts[1], formula)
            return self._entity_value(first, parts[1], formula)

        return look_up

    def _plain_name(self, draft: Draft, name: str, formula: Formula) -> Value:
        if name == "as_of":
            return self.as_of
        if name == "index":
            return draft.index
        if name in self.overrides.parameters:
            return self._parameter(name)
        return self._checked_value(draft, name, formula)

    def _parameter(self, name: str) -> Value:
        value = self.overrides.parameters[name]
        if self.scenario.parameters[name].type == "date" and isinstance(value, str):
            return datetime.date.fromisoformat(value)
        return value

    def _checked_value(self, draft: Draft, name: str, formula: Formula) -> Value:
        draft.shape.column(name, where=formula.source)
        return self._value(draft, name)

    def _entity_value(self, entity: str, column: str, formula: Formula) -> Value:
        if entity in self._existing:
            return self.situation.existing_value(self._existing[entity], column)
        rows = self._by_entity.get(entity, [])
        if len(rows) != 1:
            raise CatalogError(
                f'{formula.source}: "{entity}.{column}" means {len(rows)} rows', hint="refer to an entity of one row"
            )
        return self._checked_value(rows[0], column, formula)

    # -- drawing

    def _draw(self, draft: Draft, column: Column) -> None:
        hidden = frozenset(
            one.name for one in draft.shape.columns if one is not column and self._is_hidden(draft, one.name)
        )
        unique = self._carries_uniqueness(draft, column)
        with self.situation.watched() as reads:
            drawer = self._drawing.find_drawer(draft, column, hidden, self._attempt)
            try:
                cell = self._drawing.draw(
                    draft, column, hidden=hidden, unique=unique, attempt=self._attempt, drawer=drawer
                )
            except PlanImpossible:
                self._failed = (draft, column)
                raise
        draft.values[column.name] = cell
        self.notes.steps.append(
            Drawn(
                row=draft.name,
                column=column.name,
                reads=frozenset(reads),
                unique=unique,
                hidden=hidden,
                drawer=drawer,
            )
        )

    def _is_hidden(self, draft: Draft, name: str) -> bool:
        """True where the value of *name* is not known yet.

        An optional column counts as NULL at first; in every other attempt its value is open, for a later repair, and in
        every fourth that of an optional reference is too, also during repairs.
        """
        if self._attempt % 4 == 3 and self._is_optional(draft, name):
            return True
        if self._attempt % 2 and not self._repairing and self._is_optional(draft, name):
            return not self._is_reference(draft, name)
        return self._is_open(draft, name)

    def _is_open(self, draft: Draft, name: str) -> bool:
        """True where *name* is a column whose value is still to be settled."""
        column = draft.shape.column_by_name.get(name)
        settled = name in draft.values or name in draft.keys
        return column is not None and not settled and (name in draft.given or self._is_wanted(draft, column))

    def _is_wanted(self, draft: Draft, column: Column) -> bool:
        """True where the row cannot do without a value of ours, or shall have one."""
        if column.filled_by_database:
            return False
        if self._generators and (draft.table, column.name) in self._generators:
            return True
        if column.default is None:
            if not column.nullable or self._is_required(draft, column.name):
                return True
            full = draft.table in self.advice.full and not any(
                column.name in k.columns for k in draft.shape.foreign_keys
            )
            return full or (draft.table, column.name) in self.advice.settled
        if (draft.table, column.name) in self.advice.settled:
            return True
        # A default that is the same for every row clashes where rows must differ.
        if column.nullable or self._is_reference(draft, column.name) or not self._is_constant(column):
            return False
        return self._carries_uniqueness(draft, column) or self._differs_within(draft, column)

    def _is_required(self, draft: Draft, name: str) -> bool:
        return name in self.rulebook.required(draft.shape) and not self._is_reference(draft, name)

    def _differs_within(self, draft: Draft, column: Column) -> bool:
        """True where a unique key holds *column*, and other rows of the plan are of the same table."""
        has_others = any(other.table == draft.table and other is not draft for other in self.drafts)
        return has_others and any(column.name in columns for columns in draft.shape.unique_sets)

    def _is_constant(self, column: Column) -> bool:
        return not isinstance(default_value(column, self.as_of), Undecided)

    def _carries_uniqueness(self, draft: Draft, column: Column) -> bool:
        """True for a column of a set that must differ in which nothing else differs between requests."""
        places = self.ties.of((draft.name, column.name))
        tied = [(self._by_name[row], name) for row, name in places if row in self._by_name]
        return any(self._decides(one, name) for one, name in tied or ((draft, column.name),))

    def _decides(self, draft: Draft, column: str) -> bool:
        sets = [columns for columns in draft.shape.differing_sets if column in columns]
        return any(not any(self._is_run_bound(draft, name) for name in columns) for columns in sets)

    def _is_run_bound(self, draft: Draft, name: str) -> bool:
        """True where the column's value differs between requests anyway: an allotted key, or a planned parent's."""
        if name in draft.keys:
            return True
        keys = [key for key in draft.shape.foreign_keys if name in key.columns]
        return any(isinstance(draft.links.get(key.name), Draft) for key in keys)
