"""Values for the drafts: what is given first, then formulas, then what the constraints leave to choose.

A value is looked up before it is drawn: drawing one column may ask for another, of the same row or of another's, and so
on; a circle of formulas is an error.
"""

from __future__ import annotations

import datetime
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Literal
from pytest_atdm.core.errors import CatalogError, OverrideError, PlanImpossible, SchemaMismatch
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, compile_expression, parse
from pytest_atdm.core.model import OVERRIDE, ExistingRow
from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.drawing import Drawing
from pytest_atdm.core.planner.pattern import Copied, Drawn, Given, Notes, Verdict, is_false_of
from pytest_atdm.core.situation import Situation
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.catalog import Formula, Overrides, Scenario
    from pytest_atdm.core.expressions import Parts, Scope, Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.planner.pattern import Place
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Column, ForeignKey, Table
    from pytest_atdm.core.situation import RowLike

#: How often a row is drawn anew when a column finds no value beside the others; the chance that a solvable pair of
#: ordered columns fails halves with each attempt.
MAX_ATTEMPTS: Final = 16


class _Watched(Situation):
    """Notes which cells are looked up, for the steps of a pattern."""

    def __init__(
        self, rulebook: Rulebook, as_of: datetime.date, rows: Sequence[Draft], existing: Sequence[ExistingRow]
    ) -> None:
        super().__init__(rulebook, as_of, rows, existing)
        self._reads: list[set[Place]] = [set()]

    @contextmanager
    def watched(self) -> Iterator[set[Place]]:
        """Yield the set of cells that are looked up within the block, but for blocks within it."""
        self._reads.append(set())
        try:
            yield self._reads[-1]
        finally:
            self._reads.pop()

    def value(self, row: RowLike, table: Table, column: str) -> Value:
        self._reads[-1].add((row.name, column))
        return super().value(row, table, column)


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
    ) -> None:
        self.scenario = scenario
        self.rulebook = rulebook
        self.overrides = overrides
        self.as_of = as_of
        self.situation = _Watched(rulebook, as_of, drafts, existing)
        self.drafts = drafts
        self.notes = Notes()
        self._drawing = Drawing(
            scenario=scenario.id,
            seed=seed,
            as_of=as_of,
            unique_part=unique_part,
            situation=self.situation,
            drafts=drafts,
        )
        self._by_entity: dict[str, list[Draft]] = {}
        for draft in drafts:
            self._by_entity.setdefault(draft.entity, []).append(draft)
        self._existing = {row.entity: row for row in existing}
        self._busy: list[tuple[str, str]] = []
        self._attempt = 0

    def run(self) -> None:
        """Give every draft its cells.

        Raises:
            PlanImpossible: constraints leave no value; they are named.
            CatalogError, OverrideError, SchemaMismatch: a given value cannot be used; file and line or key are named.
        """
        for draft in self.drafts:
            self._fill_links(draft)
        for draft in self.drafts:
            self._fill(draft)

    # -- keys and links

    def _fill_links(self, draft: Draft) -> None:
        for column in draft.shape.columns:
            if column.sequence is not None and column.name not in draft.given:
                draft.keys[column.name] = f"{draft.name}.{column.name}"
            if column.generated and column.name in draft.given:
                given = draft.given[column.name]
                raise SchemaMismatch(
                    f'{given.source}: "{draft.entity}.{column.name}" is computed by the database',
                    hint="remove it; give the columns that it is computed from",
                )
        for key in draft.shape.foreign_keys:
            if key.name in draft.links:
                self._copy_key(draft, key, draft.links[key.name])

    def _copy_key(self, draft: Draft, key: ForeignKey, parent: Draft | ExistingRow) -> None:
        for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
            if isinstance(parent, Draft) and parent_column in parent.keys:
                draft.keys[column] = parent.keys[parent_column]
            elif isinstance(parent, Draft):
                self._value(parent, parent_column)
                if parent_column not in parent.values:  # a default would fill it, but is not known before the insert
                    self._draw(parent, parent.shape.column_by_name[parent_column])
                draft.values[column] = parent.values[parent_column]
                source = frozenset({(parent.name, parent_column)})
                self.notes.steps.append(Copied(row=draft.name, column=column, reads=source))
            else:
                draft.values[column] = parent.values[parent_column]

    # -- one row

    def _fill(self, draft: Draft) -> None:
        before = dict(draft.values)
        for self._attempt in range(MAX_ATTEMPTS):
            try:
                self._fill_columns(draft)
                break
            except PlanImpossible:
                if self._attempt == MAX_ATTEMPTS - 1:
                    raise
                draft.values = dict(before)
                self.notes.is_straight = False
        self._attempt = 0
        draft.values = {c.name: draft.values[c.name] for c in draft.shape.columns if c.name in draft.values}

    def _fill_columns(self, draft: Draft) -> None:
        for name in draft.given:
            self._value(draft, name)
        for column in draft.shape.columns:
            if _is_wanted(column):
                self._value(draft, column.name)
        self._repair(draft)

    def _repair(self, draft: Draft) -> None:
        """Give optional columns a value where a condition is false without one."""
        for condition in self.rulebook.conditions(draft.shape):
            if not self._is_false(condition, draft):
                continue
            for name in sorted(condition.columns):
                column = draft.shape.column_by_name[name]
                if name not in draft.values and name not in draft.keys and not column.filled_by_database:
                    self._draw(draft, column)

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
        elif _is_wanted(column):
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
            one.name for one in draft.shape.columns if one is not column and self._is_open(draft, one.name)
        )
        unique = self._carries_uniqueness(draft, column)
        with self.situation.watched() as reads:
            cell = self._drawing.draw(draft, column, hidden=hidden, unique=unique, attempt=self._attempt)
        draft.values[column.name] = cell
        self.notes.steps.append(
            Drawn(row=draft.name, column=column.name, reads=frozenset(reads), unique=unique, hidden=hidden)
        )

    def _is_open(self, draft: Draft, name: str) -> bool:
        """True where *name* is a column whose value is still to be settled."""
        column = draft.shape.column_by_name.get(name)
        settled = name in draft.values or name in draft.keys
        return column is not None and not settled and (name in draft.given or _is_wanted(column))

    def _carries_uniqueness(self, draft: Draft, column: Column) -> bool:
        """True for a column of a unique set in which nothing else differs between requests: it is drawn per request."""
        for columns in draft.shape.unique_sets:
            if column.name in columns and not any(self._is_run_bound(draft, name) for name in columns):
                return True
        return False

    def _is_run_bound(self, draft: Draft, name: str) -> bool:
        """True where the column's value differs between requests anyway: an allotted key, or a planned parent's."""
        if name in draft.keys:
            return True
        keys = [key for key in draft.shape.foreign_keys if name in key.columns]
        return any(isinstance(draft.links.get(key.name), Draft) for key in keys)


def _is_wanted(column: Column) -> bool:
    return not column.nullable and column.default is None and not column.filled_by_database
