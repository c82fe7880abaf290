"""What a conftest.py can add."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

VALIDATOR = """
    from pytest_atdm.core.gate import Validator

    def refuse_cheap_books(check):
        for row in check.plan.rows:
            if row.entity == "book" and float(row.values["price"]) != 12.5:
                yield check.finding("cheap", row.name, "price", message="too cheap", fix="sell it for 12.50")

    def pytest_atdm_validators(schema):
        assert schema.table("books").primary_key == ("book_id",)
        return [Validator("prices", refuse_cheap_books)]
"""

EMITTER = """
    class Names:
        name = "names"

        def emit(self, bundle, folder):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "names.txt"
            path.write_text(" ".join(bundle.entities))
            return path

    def pytest_atdm_emitters(): return [Names()]
"""


def test_a_validator_of_ones_own_joins_the_gate(suite: Suite) -> None:
    """What it finds is reported like the findings of the built-in ones, and nothing is seeded."""
    suite.write(VALIDATOR, "conftest")
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_good(): pass

        @atdm_scenario("overdue_loan", book__price=3)
        def test_bad(): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*test_bad asks for overdue_loan(book__price=3)", "*book.price: too cheap*", "*sell it for 12.50*"]
    )
    suite.run("-k", "good").assert_outcomes(passed=1, deselected=1)


def test_an_emitter_of_ones_own_writes_beside_the_others(suite: Suite) -> None:
    """Its file is listed under its name."""
    suite.write(EMITTER, "conftest")
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data):
            assert atdm_data.facts.fixtures["names"].read_text().split() == list(atdm_data)
            assert set(atdm_data.facts.fixtures) == {"names", "playwright", "pytest"}
        """
    )

    suite.run("--atdm-fixtures-dir=made").assert_outcomes(passed=1)
