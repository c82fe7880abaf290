from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.rulebook import Rulebook
from tests.domains.database import read_catalog, scenarios_of
from tests.domains.planning import AS_OF, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.model import Cell
    from tests.domains.database import DomainDatabase

CATALOG: Final = read_catalog()
SCENARIOS: Final = scenarios_of(CATALOG, "healthcare")
BUSINESS_KEYS: Final = ("member_number", "plan_code", "claim_number", "npi")


@pytest.fixture(scope="session")
def rulebook(claims_database: DomainDatabase) -> Rulebook:
    """The healthcare schema and rules."""
    return Rulebook(claims_database.read_schema(), CATALOG.domain("healthcare"))


@pytest.mark.parametrize("id", SCENARIOS)
def test_runs_do_not_share_business_keys(rulebook: Rulebook, id: str) -> None:
    """Two runs that ask for one scenario choose different member, plan, claim and provider numbers."""

    def choose_keys(run_id: str) -> set[Cell]:
        rows = make_plan(CATALOG, rulebook, id, run_id=run_id).rows
        return {row.values[name] for row in rows for name in BUSINESS_KEYS if name in row.values}

    chosen = [choose_keys(run_id) for run_id in ("01KAAAAAAAAAAAAAAAAAAAAAAA", "01KBBBBBBBBBBBBBBBBBBBBBBB")]

    assert chosen[0]
    assert chosen[0].isdisjoint(chosen[1])


@pytest.mark.parametrize(
    ("id", "overrides"),
    [
        ("claim_denial_active_member", {"claim__status": "paid"}),
        ("claim_denial_active_member", {"member__first_name": "Nora"}),
        ("claim_denial_active_member", {"provider__npi": "1234567893"}),
        ("claim_denial_expired_eligibility", {"eligibility__effective_to": AS_OF}),
        ("claim_denial_expired_eligibility", {"days_since_expiry": 0}),
        ("claim_paid_with_coinsurance", {"claim__paid_amount": 500}),
        ("active_member_clean", {"member__shoe_size": 43}),
    ],
    ids=str,
)
def test_what_would_change_the_meaning_is_refused(rulebook: Rulebook, id: str, overrides: Mapping[str, object]) -> None:
    """An override that breaks a promise, a rule, a CHECK or a limit leads to an error, never to other rows."""
    with pytest.raises(AtdmError):
        Gate(rulebook).approve(make_plan(CATALOG, rulebook, id, overrides))
