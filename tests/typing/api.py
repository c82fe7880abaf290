"""The documented use of typed scenarios: only type checkers read it.

Whoever breaks what a user's checker sees breaks ``make lint``: types are asserted, and each mistake that must be
noticed stands under a comment which is itself an error where nothing is noticed.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, assert_type
from uuid import UUID

from pytest_atdm import AtdmData, Facts, Row, atdm_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.typing.atdm_types import (
        ActiveMemberClean,
        ClaimDenialExpiredEligibility,
        ClaimsRow,
        ClaimStatus,
        InactiveMemberWithHistory,
        OutOfNetworkPendingClaim,
        ScenarioData,
    )


@atdm_scenario("claim_denial_expired_eligibility", days_since_expiry=3)
def test_columns_have_types(atdm_data: ClaimDenialExpiredEligibility) -> None:
    """Attributes are the columns', nullable ones may be None, enums are their labels."""
    assert_type(atdm_data.claim, ClaimsRow)
    assert_type(atdm_data.claim.id, int)
    assert_type(atdm_data.claim.billed_amount, Decimal)
    assert_type(atdm_data.claim.member_id, UUID)
    assert_type(atdm_data.claim.decided_on, datetime.date | None)
    assert atdm_data.eligibility.effective_to is not None
    assert atdm_data.eligibility.effective_to < atdm_data.claim.service_date
    assert atdm_data.claim.status == "denied"


@atdm_scenario("claim_denial_expired_eligibility")
def test_mistakes_are_noticed(atdm_data: ClaimDenialExpiredEligibility) -> None:
    """Misspelt entities, columns and labels, and whatever would change a row."""
    atdm_data.clam  # type: ignore[attr-defined]  # noqa: B018
    atdm_data.claim.sttaus  # type: ignore[attr-defined]  # noqa: B018
    _ = atdm_data.claim.status == "denid"  # type: ignore[comparison-overlap]
    atdm_data.claim.status = "paid"  # type: ignore[misc]
    _ = atdm_data.eligibility.effective_to < atdm_data.claim.service_date  # type: ignore[operator]


@atdm_scenario("inactive_member_with_history")
def test_entities_with_a_count_are_tuples(atdm_data: InactiveMemberWithHistory) -> None:
    """Rows by index and in loops; ``rows`` gives them without types."""
    assert_type(atdm_data.history, tuple[ClaimsRow, ...])
    assert_type([claim.paid_amount for claim in atdm_data.history], list[Decimal])
    assert_type(atdm_data.rows("history"), tuple[Row, ...])


@atdm_scenario("active_member_clean")
def test_what_every_scenario_has(atdm_data: ActiveMemberClean) -> None:
    """Facts, names, items, and further requests, which are typed by the name of their scenario."""
    assert_type(atdm_data.facts, Facts)
    assert_type([name for name in atdm_data if name in atdm_data], list[str])
    assert_type(atdm_data["member"], Any)
    other = atdm_data.request("out_of_network_pending_claim", claim__status="pending")
    assert_type(other, OutOfNetworkPendingClaim)
    assert_type(other.claim.status, ClaimStatus)


def take_any_scenario(data: ScenarioData) -> str:
    """Every scenario is a ScenarioData."""
    return data.facts.scenario


def take_what_extends(data: ActiveMemberClean) -> str:
    """A scenario that has the entities of another, because it extends it, is one of those too."""
    return data.member.member_number + take_any_scenario(data)


class HasClaim(Protocol):
    """What some helper needs, whatever the scenario."""

    @property
    def claim(self) -> ClaimsRow:
        """The claim."""
        raise NotImplementedError


def take_a_part(data: HasClaim) -> Mapping[str, Any]:
    """A row is a mapping."""
    return {**data.claim, **dict(data.claim)}


@atdm_scenario("claim_denial_expired_eligibility")
def test_functions_take_what_they_need(atdm_data: ClaimDenialExpiredEligibility) -> None:
    """Scenarios are told apart by what they have, not by their names."""
    take_what_extends(atdm_data)
    take_a_part(atdm_data)


@atdm_scenario("active_member_clean")
def test_without_types_everything_goes(atdm_data: AtdmData) -> None:
    """The class of the plugin knows no names."""
    assert_type(atdm_data.member.member_number, Any)
