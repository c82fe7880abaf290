"""What holds of the catalog of every shipped domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.domains.database import read_catalog, scenarios_of
from tests.domains.page import TABLES, page_of, render_blocks, write_blocks

if TYPE_CHECKING:
    import asyncpg

    from pytest_atdm.core.schema import Schema
    from tests.domains.database import DomainDatabase

CATALOG: Final = read_catalog()


@pytest.fixture(params=CATALOG.domain_names)
def domain(request: pytest.FixtureRequest) -> str:
    """Each shipped domain."""
    name: str = request.param
    return name


def test_every_shipped_domain_has_a_page() -> None:
    """The domains whose tables the pages show are those of the catalog."""
    assert set(TABLES) == set(CATALOG.domain_names)


@pytest.mark.parametrize("id", CATALOG.scenario_ids)
def test_scenario_explains_itself(id: str) -> None:
    """A scenario has all the text by which people and agents find it, linked requirements, and promises to keep."""
    scenario = CATALOG.scenario(id)

    assert scenario.title
    assert scenario.intent
    assert scenario.expects
    assert len(scenario.examples) >= 2
    assert scenario.requirements
    assert scenario.promises


def test_no_two_scenarios_mean_the_same() -> None:
    """Titles, intents and the phrases that people would say are each used once, in whatever domain."""
    scenarios = [CATALOG.scenario(id) for id in CATALOG.scenario_ids]
    phrases = [phrase for one in scenarios for phrase in (one.title, one.intent, *one.examples)]

    assert sorted(set(phrases)) == sorted(phrases)


def test_every_requirement_is_used(domain: str) -> None:
    """Each requirement is linked by a scenario; that linked ones exist, reading the scenario has checked."""
    linked = {requirement for id in scenarios_of(CATALOG, domain) for requirement in CATALOG.scenario(id).requirements}

    assert linked == set(CATALOG.domain(domain).requirements or ())


def test_every_table_is_planted(domain: str, schema: Schema) -> None:
    """Each table has a row in some scenario, planted or referred to, but for those that only the application writes."""
    entities = [entity for id in scenarios_of(CATALOG, domain) for entity in CATALOG.scenario(id).entities.values()]

    assert {schema.table(name) for name in TABLES[domain]["tables"]} == {schema.table(one.table) for one in entities}


def test_reference_rows_are_accepted(database: DomainDatabase, domain: str) -> None:
    """The database takes the catalog's reference rows as they are."""

    async def insert_all(connection: asyncpg.Connection) -> list[int]:
        counts = []
        for reference in CATALOG.domain(domain).reference:
            insert = f"INSERT INTO {reference.table} SELECT * FROM json_populate_recordset(NULL::{reference.table}, $1)"  # noqa: S608
            await connection.execute(insert, json.dumps(reference.rows))
            counts.append(await connection.fetchval(f"SELECT count(*) FROM {reference.table}"))  # noqa: S608
        return counts

    assert database.ask(insert_all) == [len(one.rows) for one in CATALOG.domain(domain).reference]


def test_page_shows_what_is(schema: Schema, domain: str) -> None:
    """The generated parts of the domain's page are those of this database and this catalog."""
    text = page_of(domain).read_text(encoding="utf-8")

    wanted = write_blocks(text, render_blocks(domain, schema, CATALOG))

    assert wanted == text, "run: python -m tests.domains.page"
