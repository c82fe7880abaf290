from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
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


@pytest.fixture(scope="session")
def claims_database(postgres_url: str) -> Iterator[ClaimsDatabase]:
    """A database of its own, with ``migrations/healthcare`` applied and nothing in it."""
    name = f"claims_{secrets.token_hex(6)}"
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    asyncio.run(_execute(postgres_url, f"CREATE DATABASE {name}"))
    try:
        for path in sorted((folder("migrations") / "healthcare").glob("*.sql")):
            asyncio.run(_execute(url, path.read_text(encoding="utf-8")))
        yield ClaimsDatabase(url)
    finally:
        asyncio.run(_execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
