from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.rulebook import Rulebook
from tests.domains.database import DomainDatabase, read_catalog
from tests.domains.page import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_atdm.core.schema import Schema


@pytest.fixture(scope="session")
def database(make_database: Callable[[str], str]) -> DomainDatabase:
    """A database with the tables of all shipped domains, side by side."""
    made = DomainDatabase(make_database("domains"))
    made.migrate(*TABLES)
    return made


@pytest.fixture(scope="session")
def schema(database: DomainDatabase) -> Schema:
    """The shape of that database."""
    return database.read_schema()


@pytest.fixture(scope="session")
def rulebooks(schema: Schema) -> Mapping[str, Rulebook]:
    """The schema with the rules of each shipped domain."""
    catalog = read_catalog()
    return {domain: Rulebook(schema, catalog.domain(domain)) for domain in catalog.domain_names}
