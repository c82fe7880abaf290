"""Rows that refer to one another, as a scope for expressions: the planner's drafts and the gate's plan alike."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from pytest_atdm.core.expressions import SOME, UNDECIDED, EvaluationError, compile_expression, parse
from pytest_atdm.core.types import to_operand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_atdm.core.expressions import Evaluator, Parts, Scope, Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, ForeignKey, Table


class ExistingLike(Protocol):
    """What a reference row, a planned row and a draft have in common."""

    @property
    def name(self) -> str:
        """The row's name, unique in the situation."""

    @property
    def table(self) -> str:
        """The table's id."""

    @property
    def values(self) -> Mapping[str, Cell]:
        """Cells by column."""


class RowLike(ExistingLike, Protocol):
    """A row that is to be inserted."""

    @property
    def keys(self) -> Mapping[str, str]:
        """Columns whose value the database allots, with ``row.column`` of the owner."""


class Situation:
    """Looks up values across rows. The planner's rows grow while it looks; rows that do not are read once.

    *typed* holds, by row name, the cells that have been read already; what else is looked up joins them.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        as_of: datetime.date,
        rows: Iterable[RowLike],
        existing: Iterable[ExistingLike],
        typed: Mapping[str, dict[str, Value]] | None = None,
    ) -> None:
        self.rulebook = rulebook
        self.as_of = as_of
        self.rows = {row.name: row for row in rows}
        self.existing = {row.name: row for row in existing}
        self._by_table: dict[str, list[RowLike | ExistingLike]] = {}
        for row in (*self.rows.values(), *self.existing.values()):
            self._by_table.setdefault(row.table, []).append(row)
        self._typed = typed or {}

    def scope(self, row: RowLike) -> Scope:
        """Return the scope of a rule over *row*: as_of, its columns, and ``relation.column``."""
        table = self.rulebook.schema.tables[row.table]
        typed = self._typed.get(row.name)

        def look_up(parts: Parts) -> Value:
            if len(parts) > 1:
                return self._across(row, table, parts[0], parts[1])
            name = parts[0]
            if typed is not None and name in typed:
                return typed[name]
            value = self.as_of if name == "as_of" else self.value(row, table, name)
            if typed is not None:
                typed[name] = value
            return value

        return look_up

    def value(self, row: RowLike, table: Table, column: str) -> Value:
        """Return the Python value of a cell; SOME or UNDECIDED where the database decides it, None where it is NULL."""
        if column in row.values:
            return read_cell(table.column_by_name[column], row.values[column], self.rulebook)
        if column in row.keys:
            return SOME
        if column not in table.column_by_name:
            return UNDECIDED
        return default_value(table.column_by_name[column], self.as_of)

    def find_parent(self, row: RowLike, key: ForeignKey) -> RowLike | ExistingLike | None:
        """Return the row of this situation that *row* refers to by *key*, or None."""
        wanted = [row.keys.get(column) or row.values.get(column) for column in key.columns]
        if None in wanted:
            return None
        pointer = row.keys.get(key.columns[0])
        owner = self.rows.get(pointer.removesuffix(f".{key.parent_columns[0]}")) if pointer else None
        if owner is not None and owner.table == key.parent and _identify(owner, key) == wanted:
            return owner
        for other in self._by_table.get(key.parent, ()):
            if _identify(other, key) == wanted:
                return other
        return None

    def _across(self, row: RowLike, table: Table, relation: str, column: str) -> Value:
        key = self.rulebook.relations(table).get(relation)
        if key is None:
            return UNDECIDED
        parent = self.find_parent(row, key)
        if parent is None:
            is_set = all(name in row.keys or row.values.get(name) is not None for name in key.columns)
            return UNDECIDED if is_set else None
        if parent.name in self.rows:
            return self.value(self.rows[parent.name], self.rulebook.schema.tables[parent.table], column)
        return self.existing_value(parent, column)

    def existing_value(self, row: ExistingLike, column: str) -> Value:
        """Return the Python value of a reference row's column; UNDECIDED where the catalog does not tell it."""
        table = self.rulebook.schema.tables[row.table]
        if column not in row.values or column not in table.column_by_name:
            return UNDECIDED
        return read_cell(table.column_by_name[column], row.values[column], self.rulebook)


def _identify(row: RowLike | ExistingLike, key: ForeignKey) -> list[Cell]:
    """Return what a row that refers to *row* by *key* has in its own columns: cells, or pointers to allotted keys."""
    keys: Mapping[str, str] = getattr(row, "keys", {})
    return [keys.get(column) or row.values.get(column) for column in key.parent_columns]


def read_cell(column: Column, cell: Cell, rulebook: Rulebook) -> Value:
    """Return *cell* as a Python value; UNDECIDED where it is not one of its type (another validator says so)."""
    try:
        return to_operand(column.type, cell, rulebook.schema)
    except ValueError:
        return UNDECIDED


def read_parameter(value: Value) -> Value:
    """Return a plan's parameter as expressions take it: text that is an ISO date is a date."""
    if isinstance(value, str) and len(value) == 10:
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            return value
    return value


def default_value(column: Column, as_of: datetime.date) -> Value:
    """Return what the database will put where a plan says nothing: NULL, a constant default, SOME or UNDECIDED."""
    unknown = UNDECIDED if column.nullable else SOME
    if column.filled_by_database:
        return unknown
    if column.default is None:
        return None
    try:
        value = _compile_default(column.default)(lambda parts: as_of if parts == ("as_of",) else UNDECIDED)
    except EvaluationError:
        return unknown
    return unknown if value is UNDECIDED else value


@lru_cache(maxsize=4096)
def _compile_default(text: str) -> Evaluator:
    return compile_expression(parse(text))
