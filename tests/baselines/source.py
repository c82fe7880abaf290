"""A database whose baselines are taken; everything real, called without async."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import asyncpg

from seeder.baselines.parquet import iter_csv
from seeder.baselines.shelf import Shelf
from seeder.baselines.taking import take_baseline
from seeder.db.row_hash import TEXT_SETTINGS
from seeder.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from seeder.baselines.manifest import Manifest, StoredTable
    from seeder.store.port import Store

_Answer = TypeVar("_Answer")


class Source:
    """A database by its URL, as its superuser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.settings = Settings(
            database_url=url, token="bearer", catalog=Path(), base_url="http://seeder", embedded=True
        )

    def execute(self, *statements: str) -> None:
        """Run the statements, one transaction each."""
        self._with(lambda connection: _execute(connection, statements))

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of the query."""
        return [tuple(row) for row in self._with(lambda connection: connection.fetch(query))]

    def owned_by(self, role: str, password: str) -> Source:
        """Return the same database, connected to as *role*."""
        parts = urlsplit(self.url)
        other = Source(self.url)
        netloc = f"{quote(role)}:{quote(password)}@{parts.netloc.rpartition('@')[2]}"
        other.settings = dataclasses.replace(self.settings, owner_url=parts._replace(netloc=netloc).geturl())
        return other

    def take(self, store: Store, name: str, **more: Any) -> Manifest:
        """Take a baseline."""
        return asyncio.run(take_baseline(self.settings, store, name, actor="tester", **more))

    def load(self, store: Store, table: StoredTable, target: str) -> None:
        """Put the rows of the stored table into *target*, a table without rows and with the same columns."""

        async def rows() -> AsyncIterator[bytes]:
            with Shelf(store).open_file(table) as path:
                for piece in iter_csv(path):
                    yield piece

        names = [column.name for column in table.columns]
        self._with(lambda connection: connection.copy_to_table(target, source=rows(), columns=names, format="csv"))

    def _with(self, use: Any) -> Any:
        async def run() -> Any:
            connection = await asyncpg.connect(self.url, server_settings=TEXT_SETTINGS)
            try:
                return await use(connection)
            finally:
                await connection.close()

        return run_async(run())


def run_async(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Do the work."""
    return asyncio.run(work)


async def _execute(connection: asyncpg.Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        await connection.execute(statement)
