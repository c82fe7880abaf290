"""The suite without data: what pytest itself costs."""

from __future__ import annotations

import os

import pytest

TESTS = int(os.environ["BENCH_TESTS"])


@pytest.mark.parametrize("number", range(TESTS))
def test_claim(number: int) -> None:
    """Look at nothing."""
    assert number >= 0
