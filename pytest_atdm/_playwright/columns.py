"""What the cells of a column are in JSON: as a TypeScript type and as a JSON Schema.

It is what ``emit.playwright_json`` writes and what the seeder answers: numbers that JavaScript would round are strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_atdm.core.types import base_type, python_class

if TYPE_CHECKING:
    from pytest_atdm.core.schema import Column, Schema


class Kind(NamedTuple):
    """A TypeScript type, and the names of JSON Schema for the same values; none stand for any value."""

    typescript: str
    names: tuple[str, ...]


#: Names that the module of types defines for all catalogs.
BIGINT: Final = "BigInteger"
FLOAT: Final = "Float"
_KINDS: Final = {
    bool: Kind("boolean", ("boolean",)),
    int: Kind("number", ("integer",)),
    float: Kind(FLOAT, ("number", "string")),
    tuple: Kind("unknown[]", ("array",)),
    dict: Kind("{ [attribute: string]: unknown }", ("object",)),
    object: Kind("unknown", ()),
}
_LARGE: Final = Kind(BIGINT, ("integer", "string"))
_TEXT: Final = Kind("string", ("string",))


def write_type(column: Column, schema: Schema, enums: dict[str, str]) -> str:
    """Return the TypeScript type of the cells of *column*; *enums* has the names of types with labels."""
    name = enums.get(base_type(column.type, schema)) or _find_kind(column, schema).typescript
    return f"{name} | null" if column.nullable and name != "unknown" else name


def make_schema(column: Column, schema: Schema) -> dict[str, object]:
    """Return the JSON Schema of the cells of *column*."""
    labels = schema.enums.get(base_type(column.type, schema))
    none = [None] * column.nullable
    if labels:
        return {"enum": [*labels, *none]}
    names = [*_find_kind(column, schema).names]
    if not names:
        return {}
    names += ["null"] * column.nullable
    return {"type": names if len(names) > 1 else names[0]}


def _find_kind(column: Column, schema: Schema) -> Kind:
    if base_type(column.type, schema) == "bigint":
        return _LARGE
    return _KINDS.get(python_class(column.type, schema), _TEXT)
