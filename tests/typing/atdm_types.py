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

ShopOrderStatus = Literal["cart", "placed", "paid", "shipped", "delivered", "cancelled"]


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


@dataclass(frozen=True, init=False, eq=False)
class ShopAddressesRow(Mapping[str, Any]):
    """A row of the table shop.addresses."""

    id: int
    customer_id: int
    country_code: str
    recipient: str
    street: str
    postal_code: str
    is_default: bool


@dataclass(frozen=True, init=False, eq=False)
class ShopCategoriesRow(Mapping[str, Any]):
    """A row of the table shop.categories."""

    id: int
    parent_id: int | None
    slug: str
    name: str


@dataclass(frozen=True, init=False, eq=False)
class ShopCountriesRow(Mapping[str, Any]):
    """A row of the table shop.countries."""

    code: str
    name: str
    vat_percent: Decimal


@dataclass(frozen=True, init=False, eq=False)
class ShopCouponsRow(Mapping[str, Any]):
    """A row of the table shop.coupons."""

    id: int
    code: str
    percent_off: int | None
    amount_off: Decimal | None
    minimum_subtotal: Decimal
    valid_from: datetime.date
    valid_to: datetime.date
    max_uses: int | None
    uses: int


@dataclass(frozen=True, init=False, eq=False)
class ShopCustomersRow(Mapping[str, Any]):
    """A row of the table shop.customers."""

    id: int
    email: str
    name: str
    phone: str | None
    status: str
    joined_on: datetime.date
    closed_on: datetime.date | None


@dataclass(frozen=True, init=False, eq=False)
class ShopOrderItemsRow(Mapping[str, Any]):
    """A row of the table shop.order_items."""

    order_id: int
    line_no: int
    variant_id: int
    quantity: int
    unit_price: Decimal
    line_total: Decimal


@dataclass(frozen=True, init=False, eq=False)
class ShopOrdersRow(Mapping[str, Any]):
    """A row of the table shop.orders."""

    id: int
    order_number: str
    customer_id: int
    address_id: int | None
    shipping_method: str | None
    coupon_id: int | None
    replaces_order_id: int | None
    status: ShopOrderStatus
    subtotal: Decimal
    discount: Decimal
    shipping_fee: Decimal
    total: Decimal
    ordered_at: datetime.datetime | None
    shipped_at: datetime.datetime | None
    delivered_at: datetime.datetime | None
    cancelled_at: datetime.datetime | None


@dataclass(frozen=True, init=False, eq=False)
class ShopPaymentsRow(Mapping[str, Any]):
    """A row of the table shop.payments."""

    id: int
    order_id: int
    reference: str
    method: str
    status: str
    amount: Decimal
    authorized_at: datetime.datetime
    captured_at: datetime.datetime | None


@dataclass(frozen=True, init=False, eq=False)
class ShopPricesRow(Mapping[str, Any]):
    """A row of the table shop.prices."""

    variant_id: int
    valid_from: datetime.date
    valid_to: datetime.date | None
    amount: Decimal


@dataclass(frozen=True, init=False, eq=False)
class ShopProductsRow(Mapping[str, Any]):
    """A row of the table shop.products."""

    id: int
    category_id: int
    name: str
    listed_on: datetime.date
    delisted_on: datetime.date | None
    recommended_price: str | None


@dataclass(frozen=True, init=False, eq=False)
class ShopRefundsRow(Mapping[str, Any]):
    """A row of the table shop.refunds."""

    id: int
    payment_id: int
    order_id: int | None
    line_no: int | None
    reason: str
    amount: Decimal
    requested_at: datetime.datetime
    paid_out_at: datetime.datetime | None


@dataclass(frozen=True, init=False, eq=False)
class ShopShipmentsRow(Mapping[str, Any]):
    """A row of the table shop.shipments."""

    id: int
    order_id: int
    parcel_no: int
    tracking_number: str
    sent_at: datetime.datetime
    arrived_at: datetime.datetime | None


@dataclass(frozen=True, init=False, eq=False)
class ShopShippingMethodsRow(Mapping[str, Any]):
    """A row of the table shop.shipping_methods."""

    code: str
    name: str
    fee: Decimal
    free_from: Decimal | None
    max_days: int


@dataclass(frozen=True, init=False, eq=False)
class ShopVariantsRow(Mapping[str, Any]):
    """A row of the table shop.variants."""

    id: int
    product_id: int
    sku: str
    option: str
    on_hand: int
    reserved: int


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
        name: Literal["cart_after_price_change"],
        /,
        **overrides: object,
    ) -> CartAfterPriceChange: ...
    @overload
    def request(
        self,
        name: Literal["cart_below_coupon_minimum"],
        /,
        **overrides: object,
    ) -> CartBelowCouponMinimum: ...
    @overload
    def request(
        self,
        name: Literal["cart_just_below_free_shipping"],
        /,
        **overrides: object,
    ) -> CartJustBelowFreeShipping: ...
    @overload
    def request(
        self,
        name: Literal["cart_of_blocked_customer"],
        /,
        **overrides: object,
    ) -> CartOfBlockedCustomer: ...
    @overload
    def request(
        self,
        name: Literal["cart_out_of_stock"],
        /,
        **overrides: object,
    ) -> CartOutOfStock: ...
    @overload
    def request(
        self,
        name: Literal["cart_with_coupon"],
        /,
        **overrides: object,
    ) -> CartWithCoupon: ...
    @overload
    def request(
        self,
        name: Literal["cart_with_expired_coupon"],
        /,
        **overrides: object,
    ) -> CartWithExpiredCoupon: ...
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
        name: Literal["delivered_order"],
        /,
        **overrides: object,
    ) -> DeliveredOrder: ...
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
        name: Literal["open_cart"],
        /,
        **overrides: object,
    ) -> OpenCart: ...
    @overload
    def request(
        self,
        name: Literal["order_with_declined_payment"],
        /,
        **overrides: object,
    ) -> OrderWithDeclinedPayment: ...
    @overload
    def request(
        self,
        name: Literal["out_of_network_pending_claim"],
        /,
        **overrides: object,
    ) -> OutOfNetworkPendingClaim: ...
    @overload
    def request(
        self,
        name: Literal["paid_order"],
        /,
        **overrides: object,
    ) -> PaidOrder: ...
    @overload
    def request(
        self,
        name: Literal["refund_under_way"],
        /,
        **overrides: object,
    ) -> RefundUnderWay: ...
    @overload
    def request(
        self,
        name: Literal["replacement_order"],
        /,
        **overrides: object,
    ) -> ReplacementOrder: ...
    @overload
    def request(
        self,
        name: Literal["return_window_closed"],
        /,
        **overrides: object,
    ) -> ReturnWindowClosed: ...
    @overload
    def request(
        self,
        name: Literal["shipped_order"],
        /,
        **overrides: object,
    ) -> ShippedOrder: ...
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


class CartAfterPriceChange(ScenarioData, Protocol):
    """The scenario cart_after_price_change.

    Cart with an article that has another price by now
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    new_price: ShopPricesRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartBelowCouponMinimum(ScenarioData, Protocol):
    """The scenario cart_below_coupon_minimum.

    Cart that is not worth enough for its coupon
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    coupon: ShopCouponsRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartJustBelowFreeShipping(ScenarioData, Protocol):
    """The scenario cart_just_below_free_shipping.

    Cart that is a cent short of free shipping
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartOfBlockedCustomer(ScenarioData, Protocol):
    """The scenario cart_of_blocked_customer.

    Cart of a customer who may not order
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartOutOfStock(ScenarioData, Protocol):
    """The scenario cart_out_of_stock.

    Cart with more pieces than are left
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartWithCoupon(ScenarioData, Protocol):
    """The scenario cart_with_coupon.

    Cart with a coupon that can be used
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    coupon: ShopCouponsRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class CartWithExpiredCoupon(ScenarioData, Protocol):
    """The scenario cart_with_expired_coupon.

    Cart with a coupon that has run out
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    coupon: ShopCouponsRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


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


class DeliveredOrder(ScenarioData, Protocol):
    """The scenario delivered_order.

    Order that has arrived and can be returned
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    parcel: tuple[ShopShipmentsRow, ...]
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


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


class OpenCart(ScenarioData, Protocol):
    """The scenario open_cart.

    Cart that can be ordered as it is
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    further_line: tuple[ShopOrderItemsRow, ...]
    further_price: tuple[ShopPricesRow, ...]
    further_variant: tuple[ShopVariantsRow, ...]
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class OrderWithDeclinedPayment(ScenarioData, Protocol):
    """The scenario order_with_declined_payment.

    Order whose payment was declined
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


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


class PaidOrder(ScenarioData, Protocol):
    """The scenario paid_order.

    Order that is paid and not yet sent
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class RefundUnderWay(ScenarioData, Protocol):
    """The scenario refund_under_way.

    Order with a line that was sent back, and whose refund has not been paid out
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    parcel: tuple[ShopShipmentsRow, ...]
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    refund: ShopRefundsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class ReplacementOrder(ScenarioData, Protocol):
    """The scenario replacement_order.

    Order that replaces one which arrived broken
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    parcel: tuple[ShopShipmentsRow, ...]
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    replacement: ShopOrdersRow
    replacement_line: ShopOrderItemsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow
    voucher: ShopCouponsRow


class ReturnWindowClosed(ScenarioData, Protocol):
    """The scenario return_window_closed.

    Order that has arrived too long ago to be returned
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    parcel: tuple[ShopShipmentsRow, ...]
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow


class ShippedOrder(ScenarioData, Protocol):
    """The scenario shipped_order.

    Order that is on its way
    """

    address: ShopAddressesRow
    category: ShopCategoriesRow
    country: ShopCountriesRow
    customer: ShopCustomersRow
    department: ShopCategoriesRow
    line: ShopOrderItemsRow
    order: ShopOrdersRow
    parcel: tuple[ShopShipmentsRow, ...]
    payment: ShopPaymentsRow
    price: ShopPricesRow
    product: ShopProductsRow
    shipping: ShopShippingMethodsRow
    variant: ShopVariantsRow
