from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core import wire
from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from tests.healthcare.domain_page import read_catalog, read_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.model import Cell, Plan
    from tests.healthcare.conftest import ClaimsDatabase

CATALOG: Final = read_catalog()
SCENARIOS: Final = [id for id in CATALOG.scenario_ids if CATALOG.scenario(id).domain == "healthcare"]
BUSINESS_KEYS: Final = ("member_number", "plan_code", "claim_number", "npi")
AS_OF: Final = datetime.date(2026, 1, 15)


@pytest.fixture(scope="session")
def rulebook(claims_database: ClaimsDatabase) -> Rulebook:
    """The healthcare schema and rules."""
    return Rulebook(read_schema(claims_database.url), CATALOG.domain("healthcare"))


def make_plan(
    rulebook: Rulebook,
    id: str,
    overrides: Mapping[str, object] | None = None,
    *,
    seed: int = 0,
    run_id: str = "01KAAAAAAAAAAAAAAAAAAAAAAA",
    as_of: datetime.date = AS_OF,
) -> Plan:
    """Return the plan of a scenario with everything fixed that is not given."""
    return plan(
        CATALOG.scenario(id),
        rulebook,
        overrides=overrides or {},
        run_id=run_id,
        request_key="test",
        seed=seed,
        as_of=as_of,
    )


def iter_extremes() -> Iterator[tuple[str, str, object]]:
    """Yield every scenario with each of its parameters at either end."""
    for id in SCENARIOS:
        for parameter in CATALOG.scenario(id).parameters.values():
            yield id, parameter.name, parameter.minimum
            yield id, parameter.name, parameter.maximum


@pytest.mark.parametrize("as_of", [AS_OF, datetime.date(2028, 2, 29), datetime.date(2025, 12, 31)], ids=str)
@pytest.mark.parametrize("id", SCENARIOS)
def test_scenario_passes_the_gate(rulebook: Rulebook, id: str, as_of: datetime.date) -> None:
    """Every scenario has a plan to which no validator objects, whatever the day."""
    assert Gate(rulebook).check(make_plan(rulebook, id, as_of=as_of)) == ()


@pytest.mark.parametrize(("id", "parameter", "value"), list(iter_extremes()))
def test_parameters_hold_at_their_limits(rulebook: Rulebook, id: str, parameter: str, value: object) -> None:
    """What a scenario lets a caller choose never leads to rows that the gate refuses."""
    assert Gate(rulebook).check(make_plan(rulebook, id, {parameter: value})) == ()


@pytest.mark.parametrize("id", SCENARIOS)
def test_plan_is_repeatable(rulebook: Rulebook, id: str) -> None:
    """Equal arguments give equal bytes."""
    first, second = (wire.dump_plan(make_plan(rulebook, id, seed=7)) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("id", SCENARIOS)
def test_plan_does_not_depend_on_the_plans_before_it(rulebook: Rulebook, id: str) -> None:
    """A rulebook that has planned the scenario for other runs gives the same bytes as one that never has."""
    used = Rulebook(rulebook.schema, rulebook.domain)

    for run_id in ("01KAAAAAAAAAAAAAAAAAAAAAAA", "01KBBBBBBBBBBBBBBBBBBBBBBB", "01KCCCCCCCCCCCCCCCCCCCCCCC"):
        fresh = Rulebook(rulebook.schema, rulebook.domain)
        cold, warm = (wire.dump_plan(make_plan(book, id, run_id=run_id)) for book in (fresh, used))
        assert cold == warm
    assert used.patterns


@pytest.mark.parametrize("id", SCENARIOS)
def test_runs_do_not_share_business_keys(rulebook: Rulebook, id: str) -> None:
    """Two runs that ask for one scenario choose different member, plan, claim and provider numbers."""

    def choose_keys(run_id: str) -> set[Cell]:
        rows = make_plan(rulebook, id, run_id=run_id).rows
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
        Gate(rulebook).approve(make_plan(rulebook, id, overrides))
