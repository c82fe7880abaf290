"""The columns of a table whose values somebody has listed: in an enum or in a CHECK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.constraints import read_shapes
from pytest_atdm.core.expressions import names
from pytest_atdm.core.expressions.casting import to_text
from pytest_atdm.core.types import base_type

if TYPE_CHECKING:
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, Table


def list_choices(rulebook: Rulebook, table: Table) -> dict[str, tuple[str, ...]]:
    """Return, by column in table order, the only values that the column may have, as text in the order of the list."""
    found = {column.name: _list_values(rulebook, table, column) for column in table.columns}
    return {name: values for name, values in found.items() if values}


def _list_values(rulebook: Rulebook, table: Table, column: Column) -> tuple[str, ...]:
    labels = rulebook.schema.enums.get(base_type(column.type, rulebook.schema), ())
    parts = [part for condition in rulebook.conditions(table) for part in condition.parts_about(column.name)]
    shapes = read_shapes(column.name, [part for part in parts if names(part) == {(column.name,)}])
    if any(shape.choices is None and not shape.null for shape in shapes):
        return labels
    chosen = (to_text(value) for shape in shapes for value in shape.choices or () if value is not None)
    return tuple(dict.fromkeys(chosen))
