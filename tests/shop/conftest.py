from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.domains.database import DomainDatabase

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def shop_database(make_database: Callable[[str], str]) -> DomainDatabase:
    """A database with ``migrations/shop`` applied, in which nothing stays."""
    return _make_shop_database(make_database("shop_domain"))


@pytest.fixture(scope="session")
def application_database(make_database: Callable[[str], str]) -> DomainDatabase:
    """Another one, in which a seeder and the shop application may write."""
    database = _make_shop_database(make_database("shop_application"))
    database.mark_as_test_database()
    return database


def _make_shop_database(url: str) -> DomainDatabase:
    database = DomainDatabase(url)
    database.migrate("shop")
    return database
