"""JSON on its way into Postgres, and rows that come back as JSON, read as cells of the model."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_atdm.core.expressions.casting import INTEGER_RANGES, TEXT_TYPES, parse_type
from pytest_atdm.core.types import base_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Schema, Table

#: Types whose numbers are binary fractions, or JSON's own: nothing is lost where Python reads them as float.
_INEXACT: Final = frozenset({"real", "double precision", "json", "jsonb"})
#: Types whose values never have a fraction in JSON: cells as they are.
_PLAIN: Final = frozenset({*TEXT_TYPES, *INTEGER_RANGES, "boolean", "date", "uuid", "bytea"})


#: A third of the time of json.loads.
_ROWS: Final = msgspec.json.Decoder(dict[str, dict[str, Any]], float_hook=Decimal)
_ROW: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder()


def dump_json(value: object) -> str:
    """Return JSON values (also within mappings and tuples) as the text that a parameter of type json takes."""
    return _encoder.encode(value).decode()


def parse_rows(text: str) -> dict[str, dict[str, Any]]:
    """Parse rows by name; numbers with a fraction stay exact until ``CellReader`` knows their column."""
    return _ROWS.decode(text)


def parse_row(text: str) -> dict[str, Any]:
    """Parse one row, as ``parse_rows`` does."""
    return _ROW.decode(text)


class CellReader:
    """Reads the rows of one table; what its columns' types are is looked up once."""

    def __init__(self, table: Table, schema: Schema) -> None:
        chosen = ((column.name, _choose(base_type(column.type, schema))) for column in table.columns)
        self._changing = tuple((name, change) for name, change in chosen if change is not None)

    def read(self, row: dict[str, Any]) -> dict[str, Cell]:
        """Return the cells of *row*, changed in place: exact numbers as text of all digits, the rest as JSON has it."""
        for name, change in self._changing:
            row[name] = _map(row[name], change)
        return row


def _choose(base: str) -> Callable[[Any], Cell] | None:
    """Return what becomes of the values of a column of the type *base*, in which no domain is left."""
    element = parse_type(base).name
    if element in _PLAIN:
        return None
    if element in _INEXACT:
        return _loosen
    return _write_number if element == "numeric" else _write_fraction


def _loosen(value: Any) -> Cell:
    """A fraction as float."""
    return float(value) if isinstance(value, Decimal) else value


def _write_number(value: Any) -> Cell:
    """Every number as text, also where it has no fraction."""
    return None if value is None else str(value)


def _write_fraction(value: Any) -> Cell:
    """A fraction as text: of a composite value the attributes' types are not known here, and may be exact."""
    return str(value) if isinstance(value, Decimal) else value


def _map(value: Any, change: Callable[[Any], Cell]) -> Cell:
    """Return *value* with *change* made to all that is neither array nor object."""
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _map(item, change) for name, item in value.items()}
    return change(value)
