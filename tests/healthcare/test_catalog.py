from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.data import folder
from tests.healthcare.domain_page import OWN_TABLES, PAGE, read_catalog, read_schema, render_blocks, write_blocks

if TYPE_CHECKING:
    import asyncpg

    from tests.healthcare.conftest import ClaimsDatabase

CATALOG: Final = read_catalog()
SCENARIOS: Final = [id for id in CATALOG.scenario_ids if CATALOG.scenario(id).domain == "healthcare"]
CENTRAL: Final = {
    "claim_denial_active_member",
    "claim_denial_expired_eligibility",
    "active_member_clean",
    "expired_eligibility",
    "inactive_member_with_history",
    "out_of_network_pending_claim",
}


def test_there_are_situations_enough() -> None:
    """The catalog has at least 16 scenarios, the six that everything else refers to among them."""
    assert len(SCENARIOS) >= 16
    assert set(SCENARIOS) >= CENTRAL


@pytest.mark.parametrize("id", SCENARIOS)
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
    """Titles, intents and the phrases that people would say are each used once."""
    scenarios = [CATALOG.scenario(id) for id in SCENARIOS]
    phrases = [phrase for one in scenarios for phrase in (one.title, one.intent, *one.examples)]

    assert sorted(set(phrases)) == sorted(phrases)


def test_every_requirement_is_used() -> None:
    """Each requirement is linked by a scenario; that linked ones exist, reading the scenario has checked."""
    linked = {requirement for id in SCENARIOS for requirement in CATALOG.scenario(id).requirements}

    assert linked == set(CATALOG.domain("healthcare").requirements)


def test_every_scenario_is_put_to_the_application() -> None:
    """The demo's test file marks at least one test with each scenario."""
    text = (folder("demo") / "test_claims.py").read_text(encoding="utf-8")

    assert set(re.findall(r'atdm_scenario\("(\w+)"', text)) == set(SCENARIOS)


def test_benchmark_scenario_touches_every_table() -> None:
    """``claim_denial_active_member`` plants rows in five tables and refers to reference rows of the other two."""
    entities = CATALOG.scenario("claim_denial_active_member").entities.values()

    assert sorted(OWN_TABLES) == sorted(entity.table for entity in entities)
    assert {entity.table for entity in entities if entity.existing} == {"procedure_codes", "diagnosis_codes"}


def test_reference_rows_are_accepted(claims_database: ClaimsDatabase) -> None:
    """The database takes the catalog's reference rows as they are."""

    async def insert_all(connection: asyncpg.Connection) -> list[int]:
        counts = []
        for reference in CATALOG.domain("healthcare").reference:
            insert = f"INSERT INTO {reference.table} SELECT * FROM json_populate_recordset(NULL::{reference.table}, $1)"  # noqa: S608
            await connection.execute(insert, json.dumps(reference.rows))
            counts.append(await connection.fetchval(f"SELECT count(*) FROM {reference.table}"))  # noqa: S608
        return counts

    assert claims_database.ask(insert_all) == [len(one.rows) for one in CATALOG.domain("healthcare").reference]


def test_page_shows_what_is(claims_database: ClaimsDatabase) -> None:
    """The generated parts of docs/healthcare.md are those of this database and this catalog."""
    text = PAGE.read_text(encoding="utf-8")

    wanted = write_blocks(text, render_blocks(read_schema(claims_database.url), CATALOG))

    assert wanted == text, "run: python -m tests.healthcare.domain_page"
