"""The rows of a denied claim as a person would write them down for a suite without pytest-atdm."""

from __future__ import annotations

import datetime
import itertools
import uuid
from typing import Any, Final

TODAY: Final = datetime.date(2026, 3, 1)
_NUMBERS: Final = itertools.count(uuid.uuid4().int % 10**9)


def make_rows() -> dict[str, dict[str, Any]]:
    """Return one row of each of five tables, parents first; keys that the database allots are left out."""
    number = next(_NUMBERS)
    code = f"{number:010d}"
    member, provider = uuid.uuid4(), uuid.uuid4()
    return {
        "plans": {
            "plan_code": f"SYN-P-{code}", "name": "FAKE_Basic", "product": "PPO", "deductible": 500,
            "coinsurance_percent": 20,
        },
        "members": {
            "id": member, "member_number": f"SYN-M-{code}", "first_name": "FAKE_Ada", "last_name": "FAKE_Byron",
            "birth_date": datetime.date(1980, 1, 1), "phone": "555-0100", "address_line": "FAKE_Street 1",
            "state": "ZZ", "postal_code": "00001", "enrolled_on": datetime.date(2020, 1, 1),
        },
        "providers": {
            "id": provider, "npi": make_number(number), "name": "FAKE_Clinic", "specialty": "primary_care",
            "network_status": "in_network", "phone": "555-0101", "state": "ZZ",
            "contracted_from": datetime.date(2020, 1, 1),
        },
        "eligibility": {
            "member_id": member, "status": "active", "effective_from": datetime.date(2025, 1, 1),
        },
        "claims": {
            "claim_number": f"SYN-C-{code}", "member_id": member, "provider_id": provider, "procedure_code": "A9270",
            "diagnosis_code": "Z00.00", "service_date": TODAY, "received_on": TODAY, "decided_on": TODAY,
            "status": "denied", "denial_reason": "service_not_covered", "billed_amount": 100, "allowed_amount": 0,
        },
    }  # fmt: skip


def make_number(number: int) -> str:
    """Return a provider's number of ten digits that lacks its check digit, as the table demands."""
    first = f"9{number % 10**8:08d}"
    total = 24 + sum(_add_digits(2 * int(digit)) if place % 2 == 0 else int(digit) for place, digit in enumerate(first))
    return f"{first}{1 if total % 10 == 0 else 0}"


def _add_digits(number: int) -> int:
    return number // 10 + number % 10
