"""Databases that are fresh for each test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.database.world import World

_NUMBERS = itertools.count(1)


@pytest.fixture
def fresh_url(make_database: Callable[[str], str]) -> Iterator[str]:
    """The URL of an empty database that no other test uses, and that is gone with the test: a thousand fill a disk."""
    url = make_database(f"world{next(_NUMBERS)}")
    yield url
    asyncio.run(_drop(url))


async def _drop(url: str) -> None:
    parts = urlsplit(url)
    connection = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    await connection.execute(f'DROP DATABASE "{parts.path[1:]}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
def make_world(fresh_url: str) -> Iterator[Callable[..., World]]:
    """Make the test's world out of the DDL of its tables; a run has begun in it."""
    worlds: list[World] = []

    def make(*ddl: str, before: str = "", **more: str) -> World:
        world = World(fresh_url, ";".join(ddl), **more)
        worlds.append(world)
        if before:
            world.execute(before)
        world.start_run()
        return world

    yield make
    for world in worlds:
        world.close()
