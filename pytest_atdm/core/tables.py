"""What a domain says of whole tables: whose rows are reference data, and which no plan touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.catalog import Domain, TableUse
    from pytest_atdm.core.schema import Schema

#: So many rows of a reference table are looked at, the first by its key.
MAX_STANDING_ROWS: Final = 100


def find_uses(schema: Schema, domain: Domain) -> Mapping[str, TableUse]:
    """Return by table id what *domain* says of the tables of *schema*.

    Raises:
        SchemaMismatch: a table that the database lacks.
        CatalogError: a table is told of twice, or is not to be touched and has reference rows in the catalog.
    """
    seeded = {schema.table(part.table, where=part.source).id: part.source for part in domain.reference}
    found: dict[str, TableUse] = {}
    for use in domain.tables:
        id = schema.table(use.table, where=use.source).id
        if id in found:
            raise CatalogError(f"{use.source}: {id} stands in {found[id].source} too", hint="keep one of them")
        if use.kind == "untouched" and id in seeded:
            raise CatalogError(
                f"{use.source}: {id} is untouched, and has reference rows in {seeded[id]}", hint="remove one of them"
            )
        found[id] = use
    return found


def list_reference_tables(schema: Schema, domain: Domain) -> Sequence[str]:
    """Return the ids of the tables whose rows are those of the database; what the database lacks is left out."""
    names = {use.table for use in domain.tables if use.kind == "reference"}
    seeded = {part.table for part in domain.reference}
    ids = {name: _find_id(schema, name) for name in names | seeded}
    return sorted({ids[name] for name in names} - {ids[name] for name in seeded} - {""})


def _find_id(schema: Schema, name: str) -> str:
    return next((id for id in (name, *(f"{one}.{name}" for one in schema.search_path)) if id in schema.tables), "")
