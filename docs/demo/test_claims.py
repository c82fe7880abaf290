"""What the claims application does in each situation of the catalog.

    pytest docs/demo/test_claims.py

Every test names a situation. Its rows stand in the application's database while the test runs, and are gone afterwards,
as is all that the application wrote below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm import atdm_scenario

if TYPE_CHECKING:
    import httpx

    from pytest_atdm import AtdmData


def submit_visit(claims_api: httpx.Client, atdm_data: AtdmData) -> dict[str, Any]:
    """Submit a claim for a visit on the day of the situation and return the application's answer."""
    claim = {
        "member_number": atdm_data.member.member_number,
        "npi": atdm_data.provider.npi,
        "procedure_code": atdm_data.procedure.code,
        "diagnosis_code": atdm_data.diagnosis.code,
        "service_date": str(atdm_data.facts.as_of),
        "received_on": str(atdm_data.facts.as_of),
        "billed_amount": "150.00",
    }
    answer = claims_api.post("/claims", json=claim)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def judge(claims_api: httpx.Client, claim_number: str) -> dict[str, Any]:
    """Have the application judge a claim that stands in its database; return the claim and the judgement."""
    answer = claims_api.post(f"/claims/{claim_number}/adjudicate")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@atdm_scenario("active_member_clean")
def test_visit_of_a_covered_member_is_paid(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """Nothing stands against the claim: the fee of the procedure is paid in full."""
    claim = submit_visit(claims_api, atdm_data)

    assert (claim["status"], claim["reason"]) == ("paid", None)
    assert claim["paid_amount"] == claim["allowed_amount"] == "120.00"


@atdm_scenario("active_member_clean")
def test_same_visit_is_paid_once(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """The second claim for one visit is a duplicate of the first."""
    assert submit_visit(claims_api, atdm_data)["status"] == "paid"

    assert submit_visit(claims_api, atdm_data)["reason"] == "duplicate_claim"


@atdm_scenario("active_member_clean")
def test_unknown_procedure_is_refused(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """A claim with a code that does not exist is not stored at all."""
    claim = {
        "member_number": atdm_data.member.member_number,
        "npi": atdm_data.provider.npi,
        "procedure_code": "Z9999",
        "diagnosis_code": atdm_data.diagnosis.code,
        "service_date": str(atdm_data.facts.as_of),
        "billed_amount": "150.00",
    }

    assert claims_api.post("/claims", json=claim).status_code == 422


@atdm_scenario("expired_eligibility", days_since_expiry=1)
def test_eligibility_ends_with_its_last_day(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """The last day of coverage is covered, the day after it is not."""
    path = f"/members/{atdm_data.member.member_number}/eligibility"
    last_day = claims_api.get(path, params={"on": str(atdm_data.eligibility.effective_to)})
    next_day = claims_api.get(path, params={"on": str(atdm_data.facts.as_of)})

    assert last_day.json()["covered"] is True
    assert next_day.json()["reason"] == "expired_eligibility"


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("expired_eligibility", marks=atdm_scenario("expired_eligibility")),
        pytest.param("coverage_not_started", marks=atdm_scenario("future_coverage_not_started")),
        pytest.param("no_coverage", marks=atdm_scenario("member_without_coverage")),
        pytest.param("member_inactive", marks=atdm_scenario("inactive_member_with_history")),
    ],
)
def test_visit_without_coverage_is_denied(claims_api: httpx.Client, atdm_data: AtdmData, reason: str) -> None:
    """Without coverage on the day of the visit, the claim is denied, and the reason says in which way it is missing."""
    claim = submit_visit(claims_api, atdm_data)

    assert (claim["status"], claim["reason"]) == ("denied", reason)


@atdm_scenario("inactive_member_with_history", past_claims=2)
def test_old_claims_outlast_the_membership(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """What was paid while the member was insured stays paid when it is judged again."""
    judged = [judge(claims_api, claim.claim_number) for claim in atdm_data.history]

    assert [claim["judged"]["status"] for claim in judged] == ["paid", "paid"]


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("service_not_covered", marks=atdm_scenario("claim_denial_active_member")),
        pytest.param("expired_eligibility", marks=atdm_scenario("claim_denial_expired_eligibility")),
        pytest.param("coverage_gap", marks=atdm_scenario("claim_denial_coverage_gap")),
        pytest.param("retroactive_termination", marks=atdm_scenario("claim_denial_retroactive_termination")),
        pytest.param("dependent_over_age", marks=atdm_scenario("claim_denial_dependent_over_age")),
        pytest.param("timely_filing_exceeded", marks=atdm_scenario("claim_denial_timely_filing")),
        pytest.param("duplicate_claim", marks=atdm_scenario("claim_denial_duplicate")),
        pytest.param("provider_terminated", marks=atdm_scenario("claim_denial_provider_terminated")),
        pytest.param("diagnosis_not_billable", marks=atdm_scenario("claim_denial_unspecific_diagnosis")),
        pytest.param("authorization_missing", marks=atdm_scenario("claim_denial_missing_authorization")),
    ],
)
def test_denial_is_confirmed(claims_api: httpx.Client, atdm_data: AtdmData, reason: str) -> None:
    """Judged again, a denied claim is denied for the reason that it carries."""
    claim = judge(claims_api, atdm_data.claim.claim_number)

    assert (claim["judged"]["status"], claim["judged"]["reason"]) == ("denied", reason)
    assert claim["reason"] == reason


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("out_of_network_review", marks=atdm_scenario("out_of_network_pending_claim")),
        pytest.param("coordination_of_benefits", marks=atdm_scenario("coordination_of_benefits_two_plans")),
        pytest.param("amount_review", marks=atdm_scenario("high_amount_pending_claim")),
    ],
)
def test_claim_waits_for_review(claims_api: httpx.Client, atdm_data: AtdmData, reason: str) -> None:
    """A claim that a person has to look at stays pending as long as the facts are the same."""
    claim = judge(claims_api, atdm_data.claim.claim_number)

    assert (claim["status"], claim["reason"]) == ("pending", reason)


@pytest.mark.parametrize(
    "member_owes",
    [
        pytest.param("120.00", marks=atdm_scenario("claim_applied_to_deductible")),
        pytest.param("24.00", marks=atdm_scenario("claim_paid_with_coinsurance")),
        pytest.param("0.00", marks=atdm_scenario("corrected_claim_after_denial")),
        pytest.param("0.00", marks=atdm_scenario("newborn_covered_by_parent")),
    ],
)
def test_payment_is_confirmed(claims_api: httpx.Client, atdm_data: AtdmData, member_owes: str) -> None:
    """Judged again, a paid claim is paid the same amount; what is left of the allowed amount is the member's share."""
    claim = judge(claims_api, atdm_data.claim.claim_number)

    assert claim["judged"]["status"] == "paid"
    assert claim["judged"]["paid_amount"] == claim["paid_amount"]
    assert claim["member_owes"] == member_owes


@atdm_scenario("corrected_claim_after_denial")
def test_first_claim_stays_denied(claims_api: httpx.Client, atdm_data: AtdmData) -> None:
    """The correction of a claim does not change the claim that it corrects."""
    claim = judge(claims_api, atdm_data.first_claim.claim_number)

    assert (claim["status"], claim["reason"]) == ("denied", "diagnosis_not_billable")
