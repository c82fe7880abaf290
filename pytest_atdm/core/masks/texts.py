"""Values in the text form in which Postgres writes and reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.expressions.casting import to_text
from pytest_atdm.core.types import base_type, to_cell, to_operand

if TYPE_CHECKING:
    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Schema

_JSON: Final = frozenset({"json", "jsonb"})


def write_cell(type: str, cell: Cell, schema: Schema) -> str:
    """Return the text form of *cell*, which is not None, of the column type *type*.

    Raises:
        ValueError: it is no value of the type, or the type has parts.
    """
    base = base_type(type, schema)
    if base in schema.composites:
        raise ValueError(f"values of {base} have parts")
    read = to_cell(type, cell, schema)
    return json.dumps(read, ensure_ascii=False) if base in _JSON else to_text(to_operand(type, read, schema))


def read_text(type: str, text: str, schema: Schema) -> Value:
    """Return what conditions make of a value of the column type *type* with this text form.

    Raises:
        ValueError: it is no value of the type.
    """
    is_json = base_type(type, schema) in _JSON
    return to_operand(type, json.loads(text) if is_json else text, schema)


def settle_text(type: str, text: str, schema: Schema) -> str:
    """Return *text*, which somebody says is the text form of a value of *type*; of numbers and booleans the usual one.

    Raises:
        ValueError: it is none, or not Unicode.
    """
    text.encode()
    value = read_text(type, text, schema)
    return to_text(value) if isinstance(value, bool | int) else text
