"""Which tables a catalog begins with, and which of the others hold the lists that rows refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pytest_atdm.core.schema import Schema

#: So many tables get a starter where nobody names them: more than these nobody reads in ten minutes.
MAX_STARTERS: Final = 10
#: A table of more rows is no list that somebody keeps by hand.
MAX_LISTED: Final = 50
#: Where tools that migrate a database note how far they have come: a row more would mislead them.
_OF_TOOLS: Final = frozenset({
    "alembic_version", "schema_migrations", "schema_migration", "django_migrations", "flyway_schema_history",
    "databasechangelog", "databasechangeloglock", "_prisma_migrations", "knex_migrations", "goose_db_version",
    "ar_internal_metadata",
})  # fmt: skip


def list_candidates(schema: Schema) -> list[str]:
    """Return the ids of the tables that may hold a list: they refer to no other, and others refer to them."""
    return [id for id in schema.tables if _referring(schema, id) and not _parents(schema, id)]


def find_lists(schema: Schema, standing: Mapping[str, int]) -> dict[str, int]:
    """Return the tables that look like reference data, with the number of rows that stand there.

    *standing* counts the rows by table id, ``MAX_LISTED`` + 1 for more. Such a table refers to no other, others refer
    to it, and it has few rows, but some.
    """
    return {id: standing[id] for id in list_candidates(schema) if 0 < standing.get(id, 0) <= MAX_LISTED}


def choose_tables(schema: Schema, lists: Collection[str]) -> list[str]:
    """Return the ids of the tables to begin with: at most ``MAX_STARTERS``, those with the most references first.

    References in both directions count. *lists* and the tables of migration tools are left out.
    """
    tables = [id for id in schema.tables if id not in lists and not is_of_tool(id)]
    tables.sort(key=lambda id: (-len(_referring(schema, id)) - len(_parents(schema, id)), id))
    return tables[:MAX_STARTERS]


def is_of_tool(id: str) -> bool:
    """Return whether the table is where a migration tool notes how far it has come."""
    return id.partition(".")[2].lower() in _OF_TOOLS


def order_parents_first(schema: Schema, tables: Iterable[str]) -> list[str]:
    """Return *tables* (ids) and all that their rows may refer to, parents before children, as far as can be."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()
    stack = [(id, False) for id in reversed(list(tables))]
    while stack:  # a stack of its own: chains of parents may be longer than Python's recursion
        id, is_done = stack.pop()
        if is_done:
            ordered.setdefault(id)
        elif id not in entered:
            entered.add(id)
            stack.append((id, True))
            stack += [(parent, False) for parent in _parents(schema, id)]
    return list(ordered)


def _referring(schema: Schema, id: str) -> list[str]:
    """Return the tables that hold the foreign keys to the table *id*, once for each key, itself left out."""
    return [child.id for child, _ in schema.children[id] if child.id != id]


def _parents(schema: Schema, id: str) -> list[str]:
    """Return the tables that the foreign keys of the table *id* lead to, once for each key, itself left out."""
    return [key.parent for key in schema.tables[id].foreign_keys if key.parent != id and key.parent in schema.tables]
