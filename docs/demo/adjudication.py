"""How a claim is decided: pure rules, the first that applies decides.

Amounts are US dollars as Decimal; periods include both ends.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING: Final = Decimal("0.00")
NEWBORN_DAYS: Final = 30  # the day of birth and the thirty that follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The terms of a plan."""

    deductible: Decimal
    coinsurance_percent: int
    review_threshold: Decimal
    timely_filing_days: int
    dependent_age_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One period in which *plan* covers the member; *terminated_on* is the day on which an early end was entered."""

    id: int
    plan: Plan
    effective_from: datetime.date
    effective_to: datetime.date | None
    terminated_on: datetime.date | None
    deductible_met: Decimal

    def includes(self, day: datetime.date) -> bool:
        """True where the period covers *day*."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Who was treated. Coverages are the primary ones first, then by their beginning."""

    relationship: str
    birth_date: datetime.date
    terminated_on: datetime.date | None
    coverages: tuple[Coverage, ...]
    subscriber_coverages: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision depends on. *paid_before* says that the same service has been paid by another claim."""

    member: Member
    service_date: datetime.date
    received_on: datetime.date
    billed_amount: Decimal
    authorization_number: str | None
    provider_in_network: bool
    provider_contracted_to: datetime.date | None
    diagnosis_billable: bool
    procedure_covered: bool
    procedure_needs_authorization: bool
    procedure_fee: Decimal
    paid_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome: *status* pending, paid or denied; a *reason* unless it is paid; the coverage that was looked at."""

    status: str
    reason: str | None = None
    coverage_id: int | None = None
    allowed_amount: Decimal = NOTHING
    paid_amount: Decimal = NOTHING
    applied_to_deductible: Decimal = NOTHING


def decide(facts: Facts) -> Decision:
    """Return what becomes of a claim with these *facts*."""
    coverage = find_coverage(facts.member, facts.service_date)
    if coverage is None:
        return Decision(status="denied", reason=explain_missing_coverage(facts.member, facts.service_date))
    for status, rules in (("denied", DENIALS), ("pending", REVIEWS)):
        for reason, applies in rules.items():
            if applies(facts, coverage):
                return Decision(status=status, reason=reason, coverage_id=coverage.id)
    return _pay(facts, coverage)


def find_coverage(member: Member, day: datetime.date) -> Coverage | None:
    """Return the first coverage of *member* on *day*, a newborn's from its subscriber; None where there is none."""
    if _has_left(member, day):
        return None
    newborn = member.relationship == "child" and (day - member.birth_date).days <= NEWBORN_DAYS
    candidates = member.coverages + (member.subscriber_coverages if newborn else ())
    return next((coverage for coverage in candidates if coverage.includes(day)), None)


def explain_missing_coverage(member: Member, day: datetime.date) -> str:
    """Return the reason why no coverage of *member* includes *day*."""
    if _has_left(member, day):
        return "member_inactive"
    earlier = [each for each in member.coverages if each.effective_to and each.effective_to < day]
    later = any(each.effective_from > day for each in member.coverages)
    if any(each.terminated_on and day < each.terminated_on for each in earlier):
        return "retroactive_termination"
    if earlier:
        return "coverage_gap" if later else "expired_eligibility"
    return "coverage_not_started" if later else "no_coverage"


def _has_left(member: Member, day: datetime.date) -> bool:
    return member.terminated_on is not None and member.terminated_on <= day


def _is_over_age(facts: Facts, coverage: Coverage) -> bool:
    born, day = facts.member.birth_date, facts.service_date
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return facts.member.relationship == "child" and years >= coverage.plan.dependent_age_limit


def _is_late(facts: Facts, coverage: Coverage) -> bool:
    return (facts.received_on - facts.service_date).days > coverage.plan.timely_filing_days


def _provider_has_left(facts: Facts, _: Coverage) -> bool:
    return facts.provider_contracted_to is not None and facts.provider_contracted_to < facts.service_date


def _has_two_plans(facts: Facts, _: Coverage) -> bool:
    return sum(coverage.includes(facts.service_date) for coverage in facts.member.coverages) > 1


def _lacks_authorization(facts: Facts, _: Coverage) -> bool:
    return facts.procedure_needs_authorization and facts.authorization_number is None


DENIALS: Final[dict[str, Callable[[Facts, Coverage], bool]]] = {
    "dependent_over_age": _is_over_age,
    "timely_filing_exceeded": _is_late,
    "duplicate_claim": lambda facts, _: facts.paid_before,
    "provider_terminated": _provider_has_left,
    "diagnosis_not_billable": lambda facts, _: not facts.diagnosis_billable,
    "service_not_covered": lambda facts, _: not facts.procedure_covered,
    "authorization_missing": _lacks_authorization,
}

REVIEWS: Final[dict[str, Callable[[Facts, Coverage], bool]]] = {
    "coordination_of_benefits": _has_two_plans,
    "out_of_network_review": lambda facts, _: not facts.provider_in_network,
    "amount_review": lambda facts, coverage: facts.billed_amount > coverage.plan.review_threshold,
}


def _pay(facts: Facts, coverage: Coverage) -> Decision:
    allowed = min(facts.billed_amount, facts.procedure_fee)
    open_deductible = max(coverage.plan.deductible - coverage.deductible_met, NOTHING)
    applied = min(allowed, open_deductible)
    share = Decimal(100 - coverage.plan.coinsurance_percent) / 100
    return Decision(
        status="paid",
        coverage_id=coverage.id,
        allowed_amount=allowed,
        paid_amount=((allowed - applied) * share).quantize(NOTHING),
        applied_to_deductible=applied,
    )
