"""Databases and stores that are fresh for each test."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seeder.store.local import LocalStore
from tests.baselines.site import Site
from tests.baselines.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBERS = itertools.count(1)


@pytest.fixture
def make_source(make_database: Callable[[str], str]) -> Callable[..., Source]:
    """Make a database with the tables that the DDL says."""

    def make(*ddl: str) -> Source:
        source = Source(make_database(f"baseline{next(_NUMBERS)}"))
        source.execute(*ddl)
        return source

    return make


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty store."""
    return LocalStore(tmp_path / "store")


@pytest.fixture
def make_site(make_database: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make a database out of the DDL of its tables, with a store, and a run that has begun in it."""
    sites: list[Site] = []

    def make(*ddl: str) -> Site:
        number = next(_NUMBERS)
        sites.append(Site(make_database(f"site{number}"), ";".join(ddl), tmp_path / f"store{number}"))
        return sites[-1]

    yield make
    for site in sites:
        site.close()
