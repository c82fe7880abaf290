"""The zoo's databases: every exhibit on Postgres 18, which is embedded, and on 16, the oldest that is cared for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.zoo.exhibits import list_exhibits
from tests.zoo.older import running_postgres_16
from tests.zoo.visit import Visit

EXHIBITS = [
    pytest.param(exhibit, version, id=f"{exhibit.name}-{version}")
    for exhibit in list_exhibits()
    for version in (16, 18)
    if version >= exhibit.since
]


@pytest.fixture(scope="session")
def make_database_16() -> Iterator[Callable[[str], str]]:
    """Make a fresh database on Postgres 16 and return its URL; the server starts at first need."""
    servers: list[str] = []

    async def create(name: str) -> None:
        connection = await asyncpg.connect(servers[0])
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()

    def make(word: str) -> str:
        if not servers:
            servers.append(closing.enter_context(running_postgres_16()))
        name = f"{word}_{os.getpid()}"
        asyncio.run(create(name))
        return urlsplit(servers[0])._replace(path=f"/{name}").geturl()

    with contextlib.ExitStack() as closing:
        yield make


@pytest.fixture(scope="session")
def make_database_of(
    make_database: Callable[[str], str], make_database_16: Callable[[str], str]
) -> Callable[[int, str], str]:
    """Make a fresh database on that version of Postgres, its name made up from the word given, and return its URL."""
    return lambda version, word: (make_database_16 if version == 16 else make_database)(word)


@pytest.fixture
def open_visit() -> Iterator[Callable[..., Visit]]:
    """Make the tables of some SQL in the database with that URL, and probe every one of them."""
    visits: list[Visit] = []

    def visit(url: str, sql: str, *, role: str = "") -> Visit:
        visits.append(Visit(url, sql, role=role))
        return visits[-1]

    yield visit
    for one in visits:
        one.world.close()
