"""The suite with pytest-atdm: a mark per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pytest_atdm import atdm_scenario

TESTS = int(os.environ["BENCH_TESTS"])


@pytest.fixture(scope="session")
def connection() -> Iterator[psycopg.Connection[Any]]:
    """What the application reads through."""
    with psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("number", range(TESTS))
@atdm_scenario("claim_denial_active_member")
def test_claim(atdm_data: Any, connection: psycopg.Connection[Any], number: int) -> None:
    """The claim stands, committed."""
    found = connection.execute("SELECT status FROM claims WHERE claim_number = %s", [atdm_data.claim.claim_number])
    assert found.fetchone() == ("denied",)
