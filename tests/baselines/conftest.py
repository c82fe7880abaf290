"""Databases and stores that are fresh for each test."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seeder.store.local import LocalStore
from tests.baselines.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

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
