"""Postgres types and Python values: what a cell of a plan means, and which cell an object of a test becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from pytest_atdm.core.expressions import UNDECIDED
from pytest_atdm.core.expressions.casting import INTEGER_RANGES, TEXT_TYPES, TypeName, convert, parse_type, to_text
from pytest_atdm.core.expressions.interval import Interval
from pytest_atdm.core.expressions.tree import Label
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Schema

_JSON: Final = frozenset({"json", "jsonb"})
_ADDRESSES: Final = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)
_WRITTEN_AS_TEXT: Final = (date, time, timedelta, Decimal, UUID, bytes, Interval, *_ADDRESSES)
#: The class that ``to_python`` makes values of, by built-in type; ``object`` for JSON. All other types become str.
PYTHON_CLASSES: Final[Mapping[str, type]] = {
    **dict.fromkeys(INTEGER_RANGES, int),
    **dict.fromkeys(("real", "double precision"), float),
    **dict.fromkeys(("timestamp without time zone", "timestamp with time zone"), datetime),
    **dict.fromkeys(("time without time zone", "time with time zone"), time),
    **dict.fromkeys(_JSON, object),
    "numeric": Decimal,
    "boolean": bool,
    "date": date,
    "interval": Interval,
    "uuid": UUID,
    "bytea": bytes,
}


def base_type(type: str, schema: Schema) -> str:
    """Return *type* with domains resolved, also as the elements of an array; modifiers such as ``(10,2)`` stay."""
    if type[-1:] != "]" and type not in schema.domains:
        return type
    element, brackets = _split_array(type)
    while element in schema.domains:
        element, more = _split_array(schema.domains[element].type)
        brackets += more
    return element + brackets


def _split_array(type: str) -> tuple[str, str]:
    if type[-1:] != "]":
        return type, ""
    element = type.rstrip("[]")
    return element, type[len(element) :]


def python_class(type: str, schema: Schema) -> type:
    """Return the class of what ``to_python`` gives for cells of the column type *type*; ``object`` for JSON.

    Arrays are tuples, whose items may be tuples and None. ``infinity``, and dates and times that Python lacks, are str
    all the same.
    """
    base = base_type(type, schema)
    if base in schema.composites:
        return dict
    kind = parse_type(base)
    return tuple if kind.dimensions else PYTHON_CLASSES.get(kind.name, str)


def to_python(type: str, cell: Cell, schema: Schema) -> Value:
    """Return *cell* of the column type *type* as a Python value.

    integer types: int; numeric: Decimal; real and double precision: float; boolean: bool; date, timestamp, time: their
    datetime classes (with time zone: aware); interval: Interval; uuid: UUID; bytea: bytes; arrays: tuple; json and
    jsonb: the JSON; enums, texts and types that ATDM does not know: str. ``infinity`` and dates that Python lacks stay
    text.

    Raises:
        ValueError: *cell* is no value of *type*; the message says why.
    """
    return _plain(to_operand(type, cell, schema))


def to_operand(type: str, cell: Cell, schema: Schema) -> Value:
    """Return what conditions make of *cell*: as ``to_python``, but labels of an enum know their order.

    Raises:
        ValueError: as with ``to_python``.
    """
    if cell is None or (type == "text" and isinstance(cell, str)):
        return cell
    _refuse_numbers_beyond_json(cell)
    return _read(type, cell, schema)


def _plain(value: Value) -> Value:
    match value:
        case Label():
            return str(value)
        case tuple():
            return tuple(map(_plain, value))
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case _:
            return value


def _refuse_numbers_beyond_json(cell: Cell) -> None:
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError(f"{cell} is no JSON; write it as text")
    if isinstance(cell, list):
        for item in cell:
            _refuse_numbers_beyond_json(item)


def to_cell(type: str, value: object, schema: Schema) -> Cell:
    """Return the cell that stands for *value*: a date, Decimal, UUID, Enum, tuple ..., or what is a cell already.

    Equal values of one type give equal cells: ``Decimal("1.5")``, ``1.5`` and ``"1.50"`` of numeric(10,2) are "1.50".

    Raises:
        ValueError: *value* is no value of *type*; the message says why.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return None
    base = base_type(type, schema)
    return _write(_read(type, value, schema), is_json=base in _JSON)


def _read(type: str, value: Value, schema: Schema) -> Value:
    base = base_type(type, schema)
    element, brackets = _split_array(base)
    if element in schema.enums:
        return _read_enum(element, brackets, value, schema)
    if not brackets and base in _JSON:
        _write(value, is_json=True)
        return value
    if isinstance(value, dict) and base in schema.composites:
        return _read_composite(base, value, schema)
    if isinstance(value, str):
        return _read_text(base, value)
    if brackets and isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=to_text) if isinstance(value, set | frozenset) else value
        return tuple(None if item is None else _read_item(element, brackets, item, schema) for item in items)
    return _read_object(base, value)


def _read_composite(base: str, value: dict[str, Value], schema: Schema) -> Value:
    types = {one.name: one.type for one in schema.composites[base]}
    unknown = sorted(value.keys() - types.keys())
    if unknown:
        raise ValueError(f"{base} has no attribute {unknown[0]!r}; {suggest(unknown[0], types, 'attribute')}")
    return {name: None if part is None else _read(types[name], part, schema) for name, part in value.items()}


def _read_item(element: str, brackets: str, item: Value, schema: Schema) -> Value:
    if isinstance(item, Enum):
        item = item.value
    # Postgres does not count dimensions: integer[] holds arrays of arrays too.
    nested = brackets if isinstance(item, list | tuple) and element not in _JSON else ""
    return _read(element + nested, item, schema)


def _read_enum(enum: str, brackets: str, value: Value, schema: Schema) -> Value:
    if brackets:
        if isinstance(value, str):
            value = convert(value, "text[]")
        if not isinstance(value, list | tuple):
            raise ValueError(f"{value!r} is no array of {enum}")
        return tuple(None if item is None else _read_item(enum, brackets, item, schema) for item in value)
    if not isinstance(value, str) or value not in schema.enums[enum]:
        raise ValueError(f"{value!r} is no {enum}; {suggest(str(value), schema.enums[enum], 'label')}")
    return Label(value, schema.enums[enum])


@lru_cache(maxsize=8192)
def _read_text(base: str, text: str) -> Value:
    kind = parse_type(base)
    if kind.name in TEXT_TYPES and not kind.dimensions:
        _check_length(text, base, kind)
    value = convert(text, base)
    return text if value is UNDECIDED else value


def _check_length(text: str, base: str, kind: TypeName) -> None:
    if "\0" in text:
        raise ValueError("a text cannot hold the character NUL")
    if kind.modifiers and len(text.rstrip(" ")) > kind.modifiers[0]:
        raise ValueError(f"{text!r} has {len(text)} characters, {base} takes {kind.modifiers[0]}")


def _read_object(base: str, value: Value) -> Value:
    kind = parse_type(base)
    if kind.name in TEXT_TYPES and not isinstance(value, _WRITTEN_AS_TEXT):
        raise ValueError(f"{value!r} is no text; write it in quotes")
    if kind.name in TEXT_TYPES:
        return _read_text(base, to_text(value))
    if kind.name in INTEGER_RANGES and not (isinstance(value, int) and not isinstance(value, bool)):
        return _read_whole(base, value)
    if kind.name == "boolean" and not isinstance(value, bool):
        raise ValueError(f"{value!r} is no boolean; write true or false")
    if isinstance(value, _ADDRESSES):
        value = str(value)
    converted = convert(value, base)
    return to_text(value) if converted is UNDECIDED else converted


def _read_whole(base: str, value: Value) -> Value:
    """An integer column takes a number without a fraction only: nothing is rounded in silence."""
    if isinstance(value, Decimal | float) and math.isfinite(value) and value == int(value):
        return convert(int(value), base)
    raise ValueError(f"{value!r} is no {base}")


def _write(value: Value, *, is_json: bool) -> Cell:
    if is_json:
        return _write_json(value)
    match value:
        case Label():
            return str(value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else to_text(value)
        case tuple():
            return [_write(item, is_json=False) for item in value]
        case list():  # JSON as an element of an array
            return _write_json(value)
        case dict():
            return {name: _write(part, is_json=False) for name, part in value.items()}
        case _:
            return to_text(value)


def _write_json(value: Value) -> Cell:
    """JSON itself, with Python's Decimals, dates and UUIDs in the form that JSON gives them."""
    match value:
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written as JSON")
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_write_json(item) for item in value]
        case dict():
            return {str(key): _write_json(item) for key, item in value.items()}
        case Enum():
            return _write_json(value.value)
        case _ if isinstance(value, _WRITTEN_AS_TEXT):
            return cast("Cell", float(value) if isinstance(value, Decimal) else to_text(value))
        case _:
            raise ValueError(f"{value!r} cannot be written as JSON")
