"""Rows as Postgres writes them in JSON, read as cells of the model."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.types import base_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Schema, Table

#: Types whose numbers are binary fractions, or JSON's own: nothing is lost where Python reads them as float.
_INEXACT: Final = frozenset({"real", "double precision", "json", "jsonb"})


def parse_rows(text: str) -> dict[str, dict[str, Any]]:
    """Parse rows by name; numbers with a fraction stay exact until ``CellReader`` knows their column."""
    rows: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return rows


class CellReader:
    """Reads the rows of one table; what its columns' types are is looked up once."""

    def __init__(self, table: Table, schema: Schema) -> None:
        self._columns = [(column.name, _choose(base_type(column.type, schema))) for column in table.columns]

    def read(self, row: Mapping[str, Any]) -> dict[str, Cell]:
        """Return the cells in table order: exact numbers as text that keeps every digit, the rest as JSON has it."""
        return {name: read(row[name]) for name, read in self._columns}


def _choose(base: str) -> Callable[[Any], Cell]:
    """Return what reads a column of the type *base*, in which no domain is left."""
    element = base.rstrip("[]")
    if element in _INEXACT:
        return _loosen
    return _write_numeric if element.startswith("numeric") else _write_exact


def _loosen(value: Any) -> Cell:
    """Fractions as float, inside arrays and JSON values too."""
    return _map(value, lambda number: float(number) if isinstance(number, Decimal) else number)


def _write_exact(value: Any) -> Cell:
    """Fractions as text; in a composite value, whose attributes' types are not known here, they may be exact."""
    return _map(value, lambda number: str(number) if isinstance(number, Decimal) else number)


def _write_numeric(value: Any) -> Cell:
    """Every number as text, also where it has no fraction."""
    return _map(value, lambda number: None if number is None else str(number))


def _map(value: Any, change: Callable[[Any], Cell]) -> Cell:
    """Return *value* with *change* made to all that is neither array nor object."""
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _map(item, change) for name, item in value.items()}
    return change(value)
