"""Databases that are fresh for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.database.world import World

_NUMBERS = itertools.count(1)


@pytest.fixture
def fresh_url(make_database: Callable[[str], str]) -> str:
    """The URL of an empty database that no other test uses."""
    return make_database(f"world{next(_NUMBERS)}")


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
