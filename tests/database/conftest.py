"""Databases that are fresh for each test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from seeder.db.database import Database
from tests.database.world import World, settings

_NUMBERS = itertools.count(1)


@pytest.fixture
def fresh_url(make_database: Callable[[str], str]) -> Iterator[str]:
    """The URL of an empty database that no other test uses, and that is gone with the test: a thousand fill a disk."""
    with _standing(make_database(f"world{next(_NUMBERS)}")) as url:
        yield url


@contextlib.contextmanager
def _standing(url: str) -> Iterator[str]:
    try:
        yield url
    finally:
        asyncio.run(_drop(url))


async def _drop(url: str) -> None:
    parts = urlsplit(url)
    connection = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    await connection.execute(f'DROP DATABASE "{parts.path[1:]}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="session")
def prepared_url(make_database: Callable[[str], str]) -> str:
    """The URL of a database that ATDM has prepared: to copy it takes a fraction of the time of preparing another."""

    async def prepare(url: str) -> None:
        await (await Database.open(settings(url))).close()

    url = make_database("prepared")
    asyncio.run(prepare(url))
    return url


@pytest.fixture
def make_world(make_database: Callable[..., str], prepared_url: str) -> Iterator[Callable[..., World]]:
    """Make a world out of the DDL of its tables; a run has begun in it.

    Where the seeder has a role of its own the database is empty, for that role is to own what ATDM adds.
    """
    with contextlib.ExitStack() as closing:

        def make(*ddl: str, before: str = "", role: str = "", **more: str) -> World:
            origin = () if role else (prepared_url,)
            url = closing.enter_context(_standing(make_database(f"world{next(_NUMBERS)}", *origin)))
            world = closing.enter_context(contextlib.closing(World(url, ";".join(ddl), role=role, **more)))
            if before:
                world.execute(before)
            world.start_run()
            return world

        yield make
