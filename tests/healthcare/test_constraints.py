from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from tests.domains.database import Values, insert, insert_rows

if TYPE_CHECKING:
    from tests.domains.database import DomainDatabase

TODAY: Final = datetime.date(2026, 1, 15)
YESTERDAY: Final = TODAY - datetime.timedelta(days=1)
MEMBER: Final = "00000000-0000-4000-8000-000000000001"
OTHER: Final = "00000000-0000-4000-8000-000000000002"

#: One row of each table that all constraints let pass, parents before children.
VALID: Final[dict[str, Values]] = {
    "plans": {
        "id": 1,
        "plan_code": "SYN-P-0000000001",
        "name": "FAKE_Plan",
        "product": "HMO",
        "deductible": 500,
        "coinsurance_percent": 20,
        "timely_filing_days": 180,
        "dependent_age_limit": 26,
    },
    "members": {
        "id": MEMBER,
        "member_number": "SYN-M-0000000001",
        "relationship": "subscriber",
        "first_name": "FAKE_A",
        "last_name": "FAKE_B",
        "birth_date": datetime.date(1980, 1, 1),
        "email": "a@example.invalid",
        "phone": "555-0100",
        "address_line": "FAKE_Street 1",
        "state": "ZZ",
        "postal_code": "00001",
        "status": "active",
        "enrolled_on": datetime.date(2020, 1, 1),
        "terminated_on": None,
    },
    "providers": {
        "id": MEMBER,
        "npi": "9000000001",
        "name": "FAKE_Clinic",
        "specialty": "imaging",
        "network_status": "in_network",
        "phone": "555-0199",
        "state": "ZZ",
        "contracted_from": YESTERDAY,
        "contracted_to": None,
    },
    "eligibility": {
        "id": 1,
        "member_id": MEMBER,
        "plan_id": 1,
        "coverage_rank": 1,
        "status": "active",
        "effective_from": YESTERDAY,
        "effective_to": None,
        "terminated_on": None,
    },
    "procedure_codes": {"code": "G0463", "description": "visit", "fee": 120},
    "diagnosis_codes": {"code": "I10", "description": "hypertension"},
    "claims": {
        "id": 1,
        "claim_number": "SYN-C-0000000001",
        "member_id": MEMBER,
        "provider_id": MEMBER,
        "eligibility_id": 1,
        "procedure_code": "G0463",
        "diagnosis_code": "I10",
        "authorization_number": "SYN-A-0000000001",
        "corrects_claim_id": None,
        "service_date": YESTERDAY,
        "received_on": TODAY,
        "decided_on": TODAY,
        "status": "paid",
        "pending_reason": None,
        "denial_reason": None,
        "billed_amount": 150,
        "allowed_amount": 120,
        "paid_amount": 96,
    },
    "claim_decisions": {"id": 1, "claim_id": 1, "outcome": "paid", "reason": None},
    "claim_decision_notes": {"id": 1, "decision_id": 1, "note": "every rule was met"},
}

#: Each CHECK by name: the table, and a change of its valid row that breaks this CHECK and no other.
BREAKING: Final[dict[str, tuple[str, Values]]] = {
    "amount_usd_check": ("plans", {"deductible": -1}),
    "synthetic_state_check": ("members", {"state": "CA"}),
    "plans_code_is_synthetic": ("plans", {"plan_code": "BLUE-1"}),
    "plans_name_is_fake": ("plans", {"name": "FAKEPlan"}),
    "plans_product_known": ("plans", {"product": "XXX"}),
    "plans_coinsurance_is_a_share": ("plans", {"coinsurance_percent": 101}),
    "plans_filing_limit_plausible": ("plans", {"timely_filing_days": 0}),
    "plans_age_limit_plausible": ("plans", {"dependent_age_limit": 99}),
    "members_number_is_synthetic": ("members", {"member_number": "M-0000000001"}),
    "members_relationship_known": ("members", {"relationship": "cousin", "subscriber_id": MEMBER}),
    "members_dependent_has_subscriber": ("members", {"relationship": "child"}),
    "members_first_name_is_fake": ("members", {"first_name": "Nora"}),
    "members_last_name_is_fake": ("members", {"last_name": "FAKE-B"}),
    "members_email_is_invalid": ("members", {"email": "a@example.com"}),
    "members_phone_is_fictional": ("members", {"phone": "555-0200"}),
    "members_address_is_fake": ("members", {"address_line": "1 Main Street"}),
    "members_postal_code_is_unused": ("members", {"postal_code": "00501"}),
    "members_status_known": ("members", {"status": "asleep"}),
    "members_inactive_since": ("members", {"status": "inactive"}),
    "members_born_before_enrolled": ("members", {"birth_date": TODAY}),
    "members_enrolled_before_terminated": (
        "members",
        {"status": "inactive", "terminated_on": datetime.date(2019, 12, 31)},
    ),
    "providers_npi_is_never_issued": ("providers", {"npi": "1000000001"}),
    "providers_npi_lacks_check_digit": ("providers", {"npi": "9000000007"}),
    "providers_name_is_fake": ("providers", {"name": "Clinic"}),
    "providers_specialty_known": ("providers", {"specialty": "alchemy"}),
    "providers_network_status_known": ("providers", {"network_status": "unknown"}),
    "providers_network_has_contract": ("providers", {"contracted_from": None}),
    "providers_phone_is_fictional": ("providers", {"phone": "212-0100"}),
    "providers_contract_order": ("providers", {"contracted_from": TODAY, "contracted_to": YESTERDAY}),
    "eligibility_rank_known": ("eligibility", {"coverage_rank": 3}),
    "eligibility_status_known": ("eligibility", {"status": "perhaps"}),
    "eligibility_date_order": ("eligibility", {"effective_from": TODAY, "effective_to": YESTERDAY}),
    "eligibility_end_is_dated": ("eligibility", {"status": "expired"}),
    "eligibility_termination_is_dated": ("eligibility", {"terminated_on": TODAY}),
    "procedure_codes_are_hcpcs_level_two": ("procedure_codes", {"code": "99213"}),
    "diagnosis_codes_are_icd_10_cm": ("diagnosis_codes", {"code": "I10."}),
    "claims_number_is_synthetic": ("claims", {"claim_number": "C-1"}),
    "claims_authorization_is_synthetic": ("claims", {"authorization_number": "12345"}),
    "claims_correct_another": ("claims", {"corrects_claim_id": 1}),
    "claims_received_after_service": ("claims", {"service_date": TODAY + datetime.timedelta(days=1)}),
    "claims_decided_after_received": ("claims", {"decided_on": YESTERDAY}),
    "claims_decision_is_dated": ("claims", {"decided_on": None}),
    "claims_pending_has_reason": ("claims", {"pending_reason": "received"}),
    "claims_denied_has_reason": ("claims", {"denial_reason": "no_coverage"}),
    "claims_pending_reason_known": (
        "claims",
        {"status": "pending", "pending_reason": "lunch", "decided_on": None, "paid_amount": 0},
    ),
    "claims_denial_reason_known": ("claims", {"status": "denied", "denial_reason": "mood", "paid_amount": 0}),
    "claims_amount_order": ("claims", {"paid_amount": 121}),
    "claims_only_paid_pay": ("claims", {"status": "denied", "denial_reason": "no_coverage"}),
    "claims_paid_have_coverage": ("claims", {"eligibility_id": None}),
    "claim_decisions_have_reason": ("claim_decisions", {"outcome": "denied"}),
    "claim_decision_notes_say_something": ("claim_decision_notes", {"note": ""}),
}

UNINDEXED_REFERENCES: Final = """
    SELECT constraints.conname FROM pg_constraint AS constraints
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])
"""
CHECKS: Final = """
    SELECT conname FROM pg_constraint
    WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""


async def insert_valid_rows(connection: asyncpg.Connection, *, before: str = "") -> None:
    """Insert the valid rows of all tables, or of those that stand before the table *before*."""
    await insert_rows(connection, VALID, before=before)


def test_valid_rows_pass(claims_database: DomainDatabase) -> None:
    """The rows that the negative examples start from break no constraint."""
    claims_database.ask(insert_valid_rows)


@pytest.mark.parametrize("name", BREAKING)
def test_check_refuses(claims_database: DomainDatabase, name: str) -> None:
    """Each CHECK refuses a row that differs from a valid one only in what the CHECK is about."""
    table, changes = BREAKING[name]

    async def attempt(connection: asyncpg.Connection) -> None:
        await insert_valid_rows(connection, before=table)
        await insert(connection, table, VALID[table] | changes)

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        claims_database.ask(attempt)

    assert caught.value.constraint_name == name


def test_every_check_has_a_negative_example(claims_database: DomainDatabase) -> None:
    """No CHECK of the domain is untested, and no example is for a CHECK that is gone."""
    assert set(BREAKING) == {row["conname"] for row in claims_database.fetch(CHECKS)}


def test_every_reference_is_indexed(claims_database: DomainDatabase) -> None:
    """Each foreign key has an index that begins with its column, so no removal of a parent scans its children."""
    assert claims_database.fetch(UNINDEXED_REFERENCES) == []


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("plans", {"id": 2}),
        ("members", {"id": OTHER}),
        ("providers", {"id": OTHER}),
        ("eligibility", {"id": 2}),
        ("claims", {"id": 2}),
    ],
)
def test_business_key_is_unique(claims_database: DomainDatabase, table: str, changes: Values) -> None:
    """A second row with another key of its own, but the same business key, is refused."""

    async def attempt(connection: asyncpg.Connection) -> None:
        await insert_valid_rows(connection)
        await insert(connection, table, VALID[table] | changes)

    with pytest.raises(asyncpg.UniqueViolationError):
        claims_database.ask(attempt)


def test_member_owes_what_is_not_paid(claims_database: DomainDatabase) -> None:
    """The database computes the member's share from the allowed and the paid amount."""

    async def ask_share(connection: asyncpg.Connection) -> object:
        await insert_valid_rows(connection)
        return await connection.fetchval("SELECT member_owes::text FROM claims")

    assert claims_database.ask(ask_share) == "24.00"
