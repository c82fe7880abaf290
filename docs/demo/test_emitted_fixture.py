"""A test that knows the rows only by the fixture that ``atdm request claim_denial_active_member --pytest`` wrote.

    ATDM_DEMO_APPLICATION_URL=http://127.0.0.1:8000 PYTHONPATH=<folder of the fixture> \
        pytest -p atdm_claim_denial_active_member docs/demo/test_emitted_fixture.py

``atdm demo`` runs it that way. The rows were seeded before, and are removed after, by whoever asked for them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def application() -> Iterator[httpx.Client]:
    """A client of the claims application that runs already."""
    with httpx.Client(base_url=os.environ["ATDM_DEMO_APPLICATION_URL"]) as client:
        yield client


def test_denial_can_be_read(application: httpx.Client, atdm_claim_denial_active_member: Any) -> None:
    """The application shows the seeded claim, denied for the reason that was seeded."""
    claim = atdm_claim_denial_active_member.claim

    shown = application.get(f"/claims/{claim.claim_number}").json()

    assert (shown["status"], shown["reason"]) == ("denied", claim.denial_reason)


def test_next_claim_is_denied_too(application: httpx.Client, atdm_claim_denial_active_member: Any) -> None:
    """The application itself denies the same service again: the member is active, the service is not covered."""
    data = atdm_claim_denial_active_member
    claim = {
        "member_number": data.member.member_number,
        "npi": data.provider.npi,
        "procedure_code": data.procedure.code,
        "diagnosis_code": data.diagnosis.code,
        "service_date": str(data.claim.service_date),
        "received_on": str(data.claim.received_on),
        "billed_amount": str(data.claim.billed_amount),
    }

    answer = application.post("/claims", json=claim)

    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["reason"]) == ("denied", "service_not_covered")
    assert data.member.status == "active"


def test_appeal_confirms_the_denial(application: httpx.Client, atdm_claim_denial_active_member: Any) -> None:
    """Judged again, the seeded claim is denied again, and the application keeps a record of it below the claim."""
    number = atdm_claim_denial_active_member.claim.claim_number

    answer = application.post(f"/claims/{number}/adjudicate").json()

    assert answer["judged"]["reason"] == "service_not_covered"
    assert answer["decisions"] >= 1
