"""Drawing one value: under the conditions on its column, once everything else that is known has been put in."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, names, rename, substitute
from pytest_atdm.core.situation import read_cell
from pytest_atdm.core.values import Stream

if TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Generator
    from pytest_atdm.core.expressions import Evaluator, Expr, Parts, Scope, Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.planner.drafts import Draft
    from pytest_atdm.core.planner.ties import Place, Ties
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import Column
    from pytest_atdm.core.situation import RowLike, Situation
    from pytest_atdm.core.values import Drawer

#: So many values are looked through for one that a partial unique index does not hold.
_FREE_AMONG: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Draws values for *drafts*, which grow in *situation*; *unique_part* is what tells requests apart.

    *ties* says which cells must satisfy the conditions of others too; *number* makes other draws, and *avoided* are the
    cells of earlier ones that led nowhere: they are taken where there are no others.
    """

    scenario: str
    seed: int
    as_of: datetime.date
    unique_part: tuple[str, str]
    situation: Situation
    drafts: Sequence[Draft]
    ties: Ties
    number: int = 0
    avoided: Mapping[Place, Collection[Cell]] = field(default_factory=dict)

    def find_drawer(self, draft: Draft, column: Column, hidden: Collection[str], attempt: int = 0) -> Drawer:
        """Return what draws values for *column*; the columns *hidden* of the row count as unknown."""
        conditions = self._conditions_on(draft, column, hidden, loosely=self._is_loose(draft, column, attempt))
        return self.situation.rulebook.drawer(draft.shape, column, conditions)

    def draw(
        self,
        draft: Draft,
        column: Column,
        *,
        hidden: Collection[str],
        unique: bool,
        attempt: int = 0,
        drawer: Drawer | None = None,
    ) -> Cell:
        """Return a cell for *column*, drawn by *drawer*, if it is known already.

        Raises:
            PlanImpossible: the conditions leave none; they are named.
        """
        part = self.unique_part if unique else ()
        number = self.number + attempt
        parts = (self.seed, *part, self.scenario, draft.name, column.name, number)
        drawer = drawer or self.find_drawer(draft, column, hidden, attempt)
        avoided = self.avoided.get((draft.name, column.name))
        for others in (avoided, ()) if avoided else ((),):
            found = self._choose(draft, column, drawer, parts, others, unique=unique, again=number > 0)
            if found is not None:
                return found
        generator = self.situation.rulebook.generators.get((draft.table, column.name))
        if generator and column.nullable and drawer.demands_null:
            return None
        conditions = self._conditions_on(draft, column, hidden, loosely=self._is_loose(draft, column, attempt))
        raise PlanImpossible(
            f'{self.scenario}: no value of "{draft.name}.{column.name}" ({column.type}){_say_source(generator)}'
            " satisfies " + ("; ".join(f"{one.text} ({one.source})" for one, _ in conditions) or "its type"),
            hint="give the column in the scenario or as an override, or change what it is tied to"
            + (", or let the catalog give more values" if generator else ""),
        )

    def _choose(
        self,
        draft: Draft,
        column: Column,
        drawer: Drawer,
        parts: Sequence[str | int],
        avoided: Collection[Cell],
        *,
        unique: bool,
        again: bool,
    ) -> Cell:
        """Return the first cell that no other row has; a part of a key may be the same where the others differ."""

        def iter_free(taken: Sequence[Cell]) -> Iterator[Cell]:
            cells = drawer.candidates(Stream(*parts), unique=unique, as_of=self.as_of, again=again, misses=len(avoided))
            return (cell for cell in cells if cell is not None and cell not in taken and cell not in avoided)

        if unique:
            found = self._prefer_free(draft, column, iter_free(self._taken(draft, column)))
            if found is not None or (column.name,) in draft.shape.differing_sets:
                return found
        return next(iter_free(self._taken_beside(draft, column)), None)

    def _is_loose(self, draft: Draft, column: Column, attempt: int) -> bool:
        """Tied cells are drawn before the rest of their rows, and once; others again where they do not fit."""
        return bool(attempt) or len(self.ties.of((draft.name, column.name))) > 1

    def is_alone(self, draft: Draft, column: Column) -> bool:
        """Return whether the values of *column* depend on no other column's."""
        conditions = self.situation.rulebook.conditions(draft.shape)
        return all(one.is_local and len(one.columns) == 1 for one in conditions if column.name in one.columns)

    def _prefer_free(self, draft: Draft, column: Column, cells: Iterator[Cell]) -> Cell:
        """Return the first of *cells* that keeps the row out of a partial unique index, else the first."""
        predicates = self.situation.rulebook.predicates(draft.shape).get(column.name)
        if not predicates:
            return next(cells, None)
        first, *others = (*islice(cells, _FREE_AMONG), None)
        for cell in (first, *others):
            value = read_cell(column, cell, self.situation.rulebook)
            if cell is not None and all(_is_false(one, column.name, value) for one in predicates):
                return cell
        return first

    def _taken(self, draft: Draft, column: Column) -> list[Cell]:
        """Return what *column* holds already, in the catalog's reference rows and in the other rows of this plan."""
        others = [other.values[column.name] for other in self.drafts if _has(other, draft, column)]
        return [*self.situation.rulebook.reference_cells(draft.table, column.name), *others]

    def _taken_beside(self, draft: Draft, column: Column) -> list[Cell]:
        """Return what *column* holds in rows of this plan that are equal in all else that a unique key is made of."""
        found: list[Cell] = []
        for columns in draft.shape.differing_sets:
            if column.name in columns and len(columns) > 1:
                others = [name for name in columns if name != column.name]
                found += [
                    other.values[column.name]
                    for other in self.drafts
                    if _has(other, draft, column) and all(_are_equal(other, draft, name) for name in others)
                ]
        return found

    def _conditions_on(
        self, draft: Draft, column: Column, hidden: Collection[str], *, loosely: bool
    ) -> list[tuple[Condition, Expr]]:
        """Return the conditions that speak of *column* alone, once everything else that is known has been put in.

        With *loosely* also those that speak of unknown columns too: they may rule out a value whatever those will be.
        """
        alone = frozenset({(column.name,)})
        found = []
        for condition in self.situation.rulebook.conditions(draft.shape):
            if column.name not in condition.columns:
                continue
            if condition.is_local and len(condition.columns) == 1:
                found.append((condition, condition.expr))
                continue
            for part in condition.parts_about(column.name):
                expr = substitute(part, self._known_scope(draft, column, hidden))
                if names(expr) == alone or (loosely and alone <= names(expr)):
                    found.append((condition, expr))
        return [*found, *self._tied_conditions(draft, column)]

    def _tied_conditions(self, draft: Draft, column: Column) -> list[tuple[Condition, Expr]]:
        """Return what the columns that will hold the same value are told, said of *column*.

        Other columns of their rows are known where they have a value; they may still rule a value out where not.
        """
        found = []
        for row, name in self.ties.of((draft.name, column.name)):
            other = self.situation.rows.get(row)
            if other is None or (row, name) == (draft.name, column.name):
                continue
            scope, say = self._value_scope(other, name), partial(_say, column.name, name, row)
            shape = self.situation.rulebook.schema.tables[other.table]
            for condition in self.situation.rulebook.conditions(shape):
                parts = condition.parts_about(name) if condition.is_local else ()
                exprs = (substitute(part, scope) for part in parts)
                found += [(condition, rename(expr, say)) for expr in exprs if (name,) in names(expr)]
        return found

    def _value_scope(self, row: RowLike, column: str) -> Scope:
        """Return the scope of the values that *row* has, but for *column*."""
        scope = self.situation.scope(row)
        constants = self._constants(row.table, column)
        return lambda parts: (
            scope(parts) if parts[0] in row.values and parts != (column,) else constants.get(parts[0], UNDECIDED)
        )

    def _constants(self, table: str, column: str) -> Mapping[str, Value]:
        """Return what is known of other columns than *column* before they are drawn."""
        rulebook = self.situation.rulebook
        found = rulebook.constants(rulebook.schema.tables[table])
        return {name: value for name, value in found.items() if name != column} if column in found else found

    def _known_scope(self, draft: Draft, column: Column, hidden: Collection[str]) -> Scope:
        scope = self.situation.scope(draft)
        constants = self._constants(draft.table, column.name)

        def look_up(parts: Parts) -> Value:
            if parts == (column.name,) or (len(parts) == 1 and parts[0] in hidden):
                return constants.get(parts[0], UNDECIDED)
            return scope(parts)

        return look_up


def _say_source(generator: Generator | None) -> str:
    return f" out of {generator}" if generator else ""


def _say(column: str, name: str, row: str, parts: Parts) -> Parts:
    """Call the column *name* of *row* *column*, and its other columns by both names."""
    return (column,) if parts == (name,) else (row, *parts)


def _is_false(predicate: Evaluator, column: str, value: Value) -> bool:
    try:
        return predicate(lambda parts: value if parts == (column,) else UNDECIDED) in (False, None)
    except EvaluationError:
        return False


def _are_equal(one: Draft, other: Draft, column: str) -> bool:
    """Return whether both rows have the same in *column*: a cell, or the key of one row."""
    cells = [row.keys.get(column) or row.values.get(column) for row in (one, other)]
    return cells[0] == cells[1] and cells[0] is not None


def _has(other: Draft, draft: Draft, column: Column) -> bool:
    return column.name in other.values and other is not draft and other.shape.id == draft.shape.id
