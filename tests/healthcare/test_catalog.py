from __future__ import annotations

import re
from typing import Final

from pytest_atdm.data import folder
from tests.domains.database import read_catalog, scenarios_of
from tests.domains.page import TABLES

CATALOG: Final = read_catalog()
SCENARIOS: Final = scenarios_of(CATALOG, "healthcare")
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


def test_every_scenario_is_put_to_the_application() -> None:
    """The demo's test file marks at least one test with each scenario."""
    text = (folder("demo") / "test_claims.py").read_text(encoding="utf-8")

    assert set(re.findall(r'atdm_scenario\("(\w+)"', text)) == set(SCENARIOS)


def test_benchmark_scenario_touches_every_table() -> None:
    """``claim_denial_active_member`` plants rows in five tables and refers to reference rows of the other two."""
    entities = CATALOG.scenario("claim_denial_active_member").entities.values()

    assert sorted(TABLES["healthcare"]["tables"]) == sorted(entity.table for entity in entities)
    assert {entity.table for entity in entities if entity.existing} == {"procedure_codes", "diagnosis_codes"}
