from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.domains.database import DomainDatabase

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def claims_database(make_database: Callable[[str], str]) -> DomainDatabase:
    """A database with ``migrations/healthcare`` applied, in which nothing stays."""
    return _make_claims_database(make_database("claims"))


@pytest.fixture(scope="session")
def application_database(make_database: Callable[[str], str]) -> DomainDatabase:
    """Another one, in which a seeder and the claims application may write."""
    database = _make_claims_database(make_database("application"))
    database.mark_as_test_database()
    return database


def _make_claims_database(url: str) -> DomainDatabase:
    database = DomainDatabase(url)
    database.migrate("healthcare")
    return database
