"""Rows as Postgres writes them in JSON, read as cells of the model."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Table


def parse_rows(text: str) -> dict[str, dict[str, Any]]:
    """Parse rows by name; numbers with a fraction stay exact until ``read_cells`` knows their column."""
    rows: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return rows


def read_cells(row: Mapping[str, Any], table: Table) -> dict[str, Cell]:
    """Return the cells in table order: ``numeric`` as text that keeps every digit, the rest as JSON has it."""
    return {column.name: _read_cell(row[column.name], column.type) for column in table.columns}


def _read_cell(value: Any, kind: str) -> Cell:
    if kind.startswith("numeric") and isinstance(value, (int, Decimal)):
        return str(value)
    return _loosen(value)


def _loosen(value: Any) -> Cell:
    """Give up exactness where the column's type has none, inside JSON values too."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_loosen(item) for item in value]
    if isinstance(value, dict):
        return {name: _loosen(item) for name, item in value.items()}
    cell: Cell = value
    return cell
