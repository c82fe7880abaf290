"""How names of the schema are written in a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_atdm.core.schema import Schema

#: The source of a rule that stands in no file yet.
INFERRED: Final = "atdm init"


def spell_table(schema: Schema, id: str) -> str:
    """Return the table *id* without its schema, where the search path leads back to it; else the id."""
    short = id.partition(".")[2]
    looked_up = (short, *(f"{name}.{short}" for name in schema.search_path))
    found = next((name for name in looked_up if name in schema.tables), None)
    return short if found == id else id
