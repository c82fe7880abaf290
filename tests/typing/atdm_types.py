"""The scenarios of the catalog as types, written by ``atdm types``: do not edit.

A test names the class of its scenario: ``def test_it(atdm_data: SomeScenario)``. They
are for annotations only; nothing is an instance of them. What cannot be written as an
attribute is typed by item: ``row["class"]``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, overload
from uuid import UUID

from pytest_atdm import Facts, Row

ClaimStatus = Literal["pending", "paid", "denied"]


@dataclass(frozen=True, init=False, eq=False)
class ClaimsRow(Mapping[str, Any]):
    """A row of the table public.claims."""

    id: int
    claim_number: str
    member_id: UUID
    provider_id: UUID
    eligibility_id: int | None
    procedure_code: str
    diagnosis_code: str
    corrects_claim_id: int | None
    authorization_number: str | None
    service_date: datetime.date
    received_on: datetime.date
    decided_on: datetime.date | None
    status: ClaimStatus
    pending_reason: str | None
    denial_reason: str | None
    billed_amount: Decimal
    allowed_amount: Decimal
    paid_amount: Decimal
    member_owes: Decimal | None


@dataclass(frozen=True, init=False, eq=False)
class DiagnosisCodesRow(Mapping[str, Any]):
    """A row of the table public.diagnosis_codes."""

    code: str
    description: str
    billable: bool


@dataclass(frozen=True, init=False, eq=False)
class EligibilityRow(Mapping[str, Any]):
    """A row of the table public.eligibility."""

    id: int
    member_id: UUID
    plan_id: int
    coverage_rank: int
    status: str
    effective_from: datetime.date
    effective_to: datetime.date | None
    terminated_on: datetime.date | None
    deductible_met: Decimal


@dataclass(frozen=True, init=False, eq=False)
class MembersRow(Mapping[str, Any]):
    """A row of the table public.members."""

    id: UUID
    member_number: str
    subscriber_id: UUID | None
    relationship: str
    first_name: str
    last_name: str
    birth_date: datetime.date
    email: str | None
    phone: str
    address_line: str
    state: str
    postal_code: str
    status: str
    enrolled_on: datetime.date
    terminated_on: datetime.date | None


@dataclass(frozen=True, init=False, eq=False)
class PlansRow(Mapping[str, Any]):
    """A row of the table public.plans."""

    id: int
    plan_code: str
    name: str
    product: str
    deductible: Decimal
    coinsurance_percent: int
    review_threshold: Decimal
    timely_filing_days: int
    dependent_age_limit: int


@dataclass(frozen=True, init=False, eq=False)
class ProcedureCodesRow(Mapping[str, Any]):
    """A row of the table public.procedure_codes."""

    code: str
    description: str
    fee: Decimal
    covered: bool
    needs_authorization: bool


@dataclass(frozen=True, init=False, eq=False)
class ProvidersRow(Mapping[str, Any]):
    """A row of the table public.providers."""

    id: UUID
    npi: str
    name: str
    specialty: str
    network_status: str
    phone: str
    state: str
    contracted_from: datetime.date | None
    contracted_to: datetime.date | None


class ScenarioData(Protocol):
    """What atdm_data offers in every scenario."""

    @property
    def facts(self) -> Facts:
        """Where the rows come from."""
        raise NotImplementedError

    def rows(self, entity: str) -> tuple[Row, ...]:
        """Return the rows of the entity as a tuple, also where it has only one."""
        raise NotImplementedError

    def __getitem__(self, entity: str, /) -> Any: ...
    def __contains__(self, entity: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...

    @overload
    def request(
        self,
        name: Literal["active_member_clean"],
        /,
        **overrides: object,
    ) -> ActiveMemberClean: ...
    @overload
    def request(
        self,
        name: Literal["claim_applied_to_deductible"],
        /,
        **overrides: object,
    ) -> ClaimAppliedToDeductible: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_active_member"],
        /,
        **overrides: object,
    ) -> ClaimDenialActiveMember: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_coverage_gap"],
        /,
        **overrides: object,
    ) -> ClaimDenialCoverageGap: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_dependent_over_age"],
        /,
        **overrides: object,
    ) -> ClaimDenialDependentOverAge: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_duplicate"],
        /,
        **overrides: object,
    ) -> ClaimDenialDuplicate: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_expired_eligibility"],
        /,
        **overrides: object,
    ) -> ClaimDenialExpiredEligibility: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_missing_authorization"],
        /,
        **overrides: object,
    ) -> ClaimDenialMissingAuthorization: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_provider_terminated"],
        /,
        **overrides: object,
    ) -> ClaimDenialProviderTerminated: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_retroactive_termination"],
        /,
        **overrides: object,
    ) -> ClaimDenialRetroactiveTermination: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_timely_filing"],
        /,
        **overrides: object,
    ) -> ClaimDenialTimelyFiling: ...
    @overload
    def request(
        self,
        name: Literal["claim_denial_unspecific_diagnosis"],
        /,
        **overrides: object,
    ) -> ClaimDenialUnspecificDiagnosis: ...
    @overload
    def request(
        self,
        name: Literal["claim_paid_with_coinsurance"],
        /,
        **overrides: object,
    ) -> ClaimPaidWithCoinsurance: ...
    @overload
    def request(
        self,
        name: Literal["coordination_of_benefits_two_plans"],
        /,
        **overrides: object,
    ) -> CoordinationOfBenefitsTwoPlans: ...
    @overload
    def request(
        self,
        name: Literal["corrected_claim_after_denial"],
        /,
        **overrides: object,
    ) -> CorrectedClaimAfterDenial: ...
    @overload
    def request(
        self,
        name: Literal["expired_eligibility"],
        /,
        **overrides: object,
    ) -> ExpiredEligibility: ...
    @overload
    def request(
        self,
        name: Literal["future_coverage_not_started"],
        /,
        **overrides: object,
    ) -> FutureCoverageNotStarted: ...
    @overload
    def request(
        self,
        name: Literal["high_amount_pending_claim"],
        /,
        **overrides: object,
    ) -> HighAmountPendingClaim: ...
    @overload
    def request(
        self,
        name: Literal["inactive_member_with_history"],
        /,
        **overrides: object,
    ) -> InactiveMemberWithHistory: ...
    @overload
    def request(
        self,
        name: Literal["member_without_coverage"],
        /,
        **overrides: object,
    ) -> MemberWithoutCoverage: ...
    @overload
    def request(
        self,
        name: Literal["newborn_covered_by_parent"],
        /,
        **overrides: object,
    ) -> NewbornCoveredByParent: ...
    @overload
    def request(
        self,
        name: Literal["out_of_network_pending_claim"],
        /,
        **overrides: object,
    ) -> OutOfNetworkPendingClaim: ...
    @overload
    def request(self, name: str, /, **overrides: object) -> Any: ...


class ActiveMemberClean(ScenarioData, Protocol):
    """The scenario active_member_clean.

    Active member with current coverage and nothing on record
    """

    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimAppliedToDeductible(ScenarioData, Protocol):
    """The scenario claim_applied_to_deductible.

    Claim accepted, but the member owes all of it
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialActiveMember(ScenarioData, Protocol):
    """The scenario claim_denial_active_member.

    Claim of an active, covered member denied because the service is not covered
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialCoverageGap(ScenarioData, Protocol):
    """The scenario claim_denial_coverage_gap.

    Claim denied because the service fell between two periods of coverage
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    later_eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialDependentOverAge(ScenarioData, Protocol):
    """The scenario claim_denial_dependent_over_age.

    Claim denied because a dependent has outgrown the plan
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow
    subscriber: MembersRow


class ClaimDenialDuplicate(ScenarioData, Protocol):
    """The scenario claim_denial_duplicate.

    Claim denied because the same service was paid before
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    first_claim: ClaimsRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialExpiredEligibility(ScenarioData, Protocol):
    """The scenario claim_denial_expired_eligibility.

    Claim denied because coverage ended before the date of service
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialMissingAuthorization(ScenarioData, Protocol):
    """The scenario claim_denial_missing_authorization.

    Claim denied because nobody asked for authorization before
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialProviderTerminated(ScenarioData, Protocol):
    """The scenario claim_denial_provider_terminated.

    Claim denied because the provider's contract had ended
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialRetroactiveTermination(ScenarioData, Protocol):
    """The scenario claim_denial_retroactive_termination.

    Claim denied because coverage was ended later for an earlier date
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialTimelyFiling(ScenarioData, Protocol):
    """The scenario claim_denial_timely_filing.

    Claim denied because it came after the filing limit
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimDenialUnspecificDiagnosis(ScenarioData, Protocol):
    """The scenario claim_denial_unspecific_diagnosis.

    Claim denied because its diagnosis is only the head of a category
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class ClaimPaidWithCoinsurance(ScenarioData, Protocol):
    """The scenario claim_paid_with_coinsurance.

    Claim paid in part, because the plan leaves a share to the member
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class CoordinationOfBenefitsTwoPlans(ScenarioData, Protocol):
    """The scenario coordination_of_benefits_two_plans.

    Claim of a member with two plans, waiting for coordination
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow
    second_eligibility: EligibilityRow
    second_plan: PlansRow


class CorrectedClaimAfterDenial(ScenarioData, Protocol):
    """The scenario corrected_claim_after_denial.

    Claim corrected after a denial, and paid
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    first_claim: ClaimsRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow
    unspecific_diagnosis: DiagnosisCodesRow


class ExpiredEligibility(ScenarioData, Protocol):
    """The scenario expired_eligibility.

    Member whose coverage has run out
    """

    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class FutureCoverageNotStarted(ScenarioData, Protocol):
    """The scenario future_coverage_not_started.

    Member whose coverage begins only later
    """

    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class HighAmountPendingClaim(ScenarioData, Protocol):
    """The scenario high_amount_pending_claim.

    Claim above the review threshold of the plan
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class InactiveMemberWithHistory(ScenarioData, Protocol):
    """The scenario inactive_member_with_history.

    Member who has left, with paid claims from before
    """

    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    history: tuple[ClaimsRow, ...]
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class MemberWithoutCoverage(ScenarioData, Protocol):
    """The scenario member_without_coverage.

    Member who was never covered
    """

    diagnosis: DiagnosisCodesRow
    member: MembersRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow


class NewbornCoveredByParent(ScenarioData, Protocol):
    """The scenario newborn_covered_by_parent.

    Newborn without coverage of its own, covered by a parent's plan
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow
    subscriber: MembersRow


class OutOfNetworkPendingClaim(ScenarioData, Protocol):
    """The scenario out_of_network_pending_claim.

    Claim of a provider outside the network, waiting for review
    """

    claim: ClaimsRow
    diagnosis: DiagnosisCodesRow
    eligibility: EligibilityRow
    member: MembersRow
    plan: PlansRow
    procedure: ProcedureCodesRow
    provider: ProvidersRow
