"""The names that both the types and the JSON Schema give to rows and enums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm._playwright.columns import BIGINT, FLOAT, make_schema, write_type
from pytest_atdm.emit.names import name_uniquely, to_class_name

if TYPE_CHECKING:
    from pytest_atdm._types.shapes import Rows, Shapes
    from pytest_atdm.core.schema import Column

#: What stands first in each file.
COMMENT: Final = "Written by `atdm emit playwright`: do not edit."
#: Names that the types have for every catalog, or take from TypeScript.
_TAKEN: Final = frozenset({BIGINT, FLOAT, "Facts", "Partial", "Record", "ScenarioName", "Scenarios"})


class Words:
    """*shapes* with the names of their ``rows`` and ``enums`` (by type), in the order in which they are written."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.rows = name_uniquely(shapes.kinds, shapes.propose_class_name, _TAKEN)
        self.enums = dict(name_uniquely(shapes.enums, to_class_name, {*_TAKEN, *self.rows.values()}))

    def describe(self, rows: Rows) -> str:
        """Return what *rows* are, in a sentence."""
        part = "" if self.shapes.is_whole(rows) else ", as the catalog has it"
        return f"A row of the table {rows.table}{part}."

    def write_types(self, rows: Rows) -> dict[str, str]:
        """Return the TypeScript type of each column of *rows*."""
        return {column.name: write_type(column, self.shapes.schema, self.enums) for column in self._columns(rows)}

    def make_schemas(self, rows: Rows) -> dict[str, dict[str, object]]:
        """Return the JSON Schema of each column of *rows*."""
        return {column.name: make_schema(column, self.shapes.schema) for column in self._columns(rows)}

    def _columns(self, rows: Rows) -> list[Column]:
        table = self.shapes.schema.tables[rows.table]
        return [table.column_by_name[name] for name in rows.columns]
