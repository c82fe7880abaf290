from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.domains.database import DomainDatabase

#: A constraint's own expression, judged over numbers that are not in the table.
JUDGE: Final = """
    SELECT 'SELECT npi FROM unnest($1::text[]) AS npi WHERE ' || pg_get_expr(conbin, conrelid)
    FROM pg_constraint WHERE conname = $1
"""

numbers = st.lists(st.text("0123456789", min_size=10, max_size=10), min_size=20, max_size=200)


def is_luhn_valid(card_number: str) -> bool:
    """ISO/IEC 7812: from the right, each second digit doubled, digits of products added; a multiple of ten."""
    total = 0
    for position, digit in enumerate(reversed(card_number)):
        product = int(digit) * (1 + position % 2)
        total += sum(int(part) for part in str(product))
    return total % 10 == 0


def let_pass(database: DomainDatabase, constraint: str, npis: list[str]) -> set[str]:
    """Return those of *npis* that *constraint* lets pass."""
    query = database.fetch(JUDGE, constraint)[0][0]
    return {row["npi"] for row in database.fetch(query, npis)}


@pytest.mark.parametrize("published", ["1234567893", "1993999998", "1558598797"])
def test_luhn_knows_published_examples(published: str) -> None:
    """Numbers that CMS and others publish as valid examples are valid over the prefix 80840."""
    assert is_luhn_valid("80840" + published)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(npis=numbers)
def test_check_digit_is_judged_as_luhn_does(claims_database: DomainDatabase, npis: list[str]) -> None:
    """Exactly the numbers without a valid check digit pass the arithmetic of the CHECK."""
    passed = let_pass(claims_database, "providers_npi_lacks_check_digit", npis)

    assert passed == {npi for npi in npis if not is_luhn_valid("80840" + npi)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(npis=numbers)
def test_no_number_that_could_be_issued_passes(claims_database: DomainDatabase, npis: list[str]) -> None:
    """Numbers that begin with 1 or 2, as all issued ones do, are refused whatever their check digit."""
    passed = let_pass(claims_database, "providers_npi_is_never_issued", npis)

    assert passed == {npi for npi in npis if npi[0] not in "12"}
