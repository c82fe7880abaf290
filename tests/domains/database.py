"""A database with the tables of shipped domains, and the catalog that goes with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from pytest_atdm.core.catalog import Catalog, load_catalog
from pytest_atdm.data import folder
from seeder.db.introspect import read_target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import TypeVar

    from pytest_atdm.core.schema import Schema

    Answer = TypeVar("Answer")

Values = dict[str, object]


class DomainDatabase:
    """A database with the tables of one domain or more, asked synchronously, one connection per question."""

    def __init__(self, url: str) -> None:
        self.url = url

    def migrate(self, *domains: str) -> None:
        """Apply the shipped migrations of *domains*."""
        for domain in domains:
            for path in sorted((folder("migrations") / domain).glob("*.sql")):
                asyncio.run(_execute(self.url, path.read_text(encoding="utf-8")))

    def mark_as_test_database(self) -> None:
        """Allow a seeder to write here."""
        name = urlsplit(self.url).path.removeprefix("/")
        asyncio.run(_execute(self.url, f"ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'"))

    def ask(
        self, question: Callable[[asyncpg.Connection], Awaitable[Answer]], *, keeps_changes: bool = False
    ) -> Answer:
        """Return the answer to *question*, which runs in a transaction that is rolled back unless *keeps_changes*."""

        async def connect_and_ask() -> Answer:
            connection = await asyncpg.connect(self.url)
            try:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    answer = await question(connection)
                except BaseException:
                    await transaction.rollback()
                    raise
                await (transaction.commit() if keeps_changes else transaction.rollback())
                return answer
            finally:
                await connection.close()

        return asyncio.run(connect_and_ask())

    def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Return the rows of *query*."""
        return self.ask(lambda connection: connection.fetch(query, *values))

    def read_rows(self, tables: Sequence[str]) -> dict[str, list[str]]:
        """Return every row of *tables* as text, sorted."""
        return {
            table: [row[0] for row in self.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")]  # noqa: S608
            for table in tables
        }

    def read_schema(self) -> Schema:
        """Return the shape of this database."""

        async def introspect() -> Schema:
            async with asyncpg.create_pool(self.url, min_size=1, max_size=1) as pool:
                return (await read_target(pool)).schema

        return asyncio.run(introspect())


def read_catalog() -> Catalog:
    """Return the catalog that ships with the package."""
    root = folder("catalog")
    return load_catalog({path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*.yaml"))})


def scenarios_of(catalog: Catalog, domain: str) -> list[str]:
    """Return the ids of the scenarios of *domain*."""
    return [id for id in catalog.scenario_ids if catalog.scenario(id).domain == domain]


async def insert(connection: asyncpg.Connection, table: str, values: Values) -> None:
    """Insert one row, with the keys it has."""
    columns = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(
        f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({places})",  # noqa: S608
        *values.values(),
    )


async def insert_rows(connection: asyncpg.Connection, rows: Mapping[str, Values], *, before: str = "") -> None:
    """Insert *rows*, one for each table, or those that stand before the table *before*."""
    for table, values in rows.items():
        if table == before:
            return
        await insert(connection, table, values)


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
