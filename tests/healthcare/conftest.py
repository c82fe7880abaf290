from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    Answer = TypeVar("Answer")


class ClaimsDatabase:
    """An empty database with the tables of the claims domain, asked synchronously, one connection per question."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, question: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        """Return the answer to *question*, which runs in a transaction that is rolled back."""

        async def connect_and_ask() -> Answer:
            connection = await asyncpg.connect(self.url)
            try:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    return await question(connection)
                finally:
                    await transaction.rollback()
            finally:
                await connection.close()

        return asyncio.run(connect_and_ask())

    def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Return the rows of *query*."""
        return self.ask(lambda connection: connection.fetch(query, *values))

    def mark_as_test_database(self) -> None:
        """Allow a seeder to write here."""
        name = urlsplit(self.url).path.removeprefix("/")
        asyncio.run(_execute(self.url, f"ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'"))


@pytest.fixture(scope="session")
def claims_database(make_database: Callable[[str], str]) -> ClaimsDatabase:
    """A database with ``migrations/healthcare`` applied, in which nothing stays."""
    return _make_claims_database(make_database("claims"))


@pytest.fixture(scope="session")
def application_database(make_database: Callable[[str], str]) -> ClaimsDatabase:
    """Another one, in which a seeder and the claims application may write."""
    database = _make_claims_database(make_database("application"))
    database.mark_as_test_database()
    return database


def _make_claims_database(url: str) -> ClaimsDatabase:
    for path in sorted((folder("migrations") / "healthcare").glob("*.sql")):
        asyncio.run(_execute(url, path.read_text(encoding="utf-8")))
    return ClaimsDatabase(url)


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
