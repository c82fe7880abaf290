"""Every way to write a test that asks for rows: each is run by a pytest of its own, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

#: A suite by what it shows, with the ids of its tests, which all pass.
STYLES = {
    "several_names": (
        """
        @atdm_scenario("overdue_loan", "reader_with_books")
        def test_a(atdm_data): assert atdm_data.reader

        @pytest.mark.parametrize("number", [1, 2])
        @atdm_scenario("overdue_loan", "reader_with_books")
        def test_b(atdm_data, number): assert ("loan" in atdm_data) == (atdm_data.facts.scenario == "overdue_loan")
        """,
        ["test_a[overdue_loan]", "test_a[reader_with_books]"]
        + [f"test_b[{name}-{number}]" for name in ("overdue_loan", "reader_with_books") for number in (1, 2)],
    ),
    "several_marks": (
        """
        @atdm_scenario("overdue_loan", as_="late", days_late=9)
        @atdm_scenario("overdue_loan", as_="later", days_late=99)
        @atdm_scenario("reader_with_books", as_="keen")
        def test_a(atdm_data, atdm_database_url):
            assert [*atdm_data] == ["late", "later", "keen"]
            assert (atdm_data.late.loan.lent_on - atdm_data["later"].loan.lent_on).days == 90
            assert atdm_data.late.reader != atdm_data.later.reader
            assert len(atdm_data.keen.book) == 2
            assert len(fetch(atdm_database_url, "SELECT FROM readers")) == 3
            assert atdm_data.request("reader_with_books", books=1).reader
            assert len(fetch(atdm_database_url, "SELECT FROM readers")) == 4
            with pytest.raises(AttributeError, match='no mark "lat".*did you mean "late"'): atdm_data.lat
            with pytest.raises(KeyError, match='no mark "lat"'): atdm_data["lat"]
            assert "keen=<reader_with_books: " in repr(atdm_data) and "keen" in dir(atdm_data)
        """,
        ["test_a"],
    ),
    "nearest_mark": (
        """
        pytestmark = atdm_scenario("overdue_loan", days_late=4, loan={"returned_on": None})

        def days_of(data): return (data.facts.as_of - data.loan.lent_on).days - 28

        def test_module(atdm_data): assert days_of(atdm_data) == 4

        class TestPlain:
            def test_module(self, atdm_data): assert days_of(atdm_data) == 4

        @atdm_scenario("overdue_loan", days_late=5)
        class TestBase:
            def test_class(self, atdm_data): assert days_of(atdm_data) == 5

            @atdm_scenario("overdue_loan", days_late=6)
            def test_own(self, atdm_data): assert days_of(atdm_data) == 6

            @atdm_scenario("overdue_loan", reader__items=2)
            def test_both(self, atdm_data): assert (days_of(atdm_data), atdm_data.reader["items"]) == (5, 2)

            @atdm_scenario("reader_with_books", books=3)
            def test_other(self, atdm_data): assert len(atdm_data.book) == 3

            @atdm_scenario("reader_with_books", "overdue_loan")
            def test_several(self, atdm_data): assert "loan" not in atdm_data or days_of(atdm_data) == 5

        @atdm_scenario("overdue_loan", reader__items=3)
        class TestHeir(TestBase):
            def test_heir(self, atdm_data): assert (days_of(atdm_data), atdm_data.reader["items"]) == (5, 3)
        """,
        ["test_module", "TestPlain::test_module"]
        + [
            f"{name}::test_{test}"
            for name in ("TestBase", "TestHeir")
            for test in ("class", "own", "both", "other", "several[reader_with_books]", "several[overdue_loan]")
        ]
        + ["TestHeir::test_heir"],
    ),
    "unittest": (
        """
        @atdm_scenario("overdue_loan")
        class TestA(unittest.TestCase):
            def setUp(self): self.loan = self.atdm_data.loan

            def test_a(self): self.assertEqual(self.loan.state, "overdue")

            @atdm_scenario("overdue_loan", days_late=7)
            def test_b(self): assert (self.atdm_data.facts.as_of - self.loan.lent_on).days == 35

        class TestB(unittest.TestCase):
            @atdm_scenario("overdue_loan", as_="late")
            @atdm_scenario("reader_with_books", as_="keen")
            def test_a(self): assert self.atdm_data.late.reader != self.atdm_data.keen.reader

            def test_b(self): assert not hasattr(self, "atdm_data")
        """,
        ["TestA::test_a", "TestA::test_b", "TestB::test_a", "TestB::test_b"],
    ),
    "parameters": (
        """
        CASES = ["overdue_loan", ("reader_with_books", {"books": 4})]

        @pytest.mark.parametrize("atdm_data", CASES, indirect=True, ids=["late", "keen"])
        def test_a(atdm_data): assert "loan" in atdm_data or len(atdm_data.book) == 4

        @pytest.mark.parametrize("atdm_data", ["overdue_loan"], indirect=True)
        @atdm_scenario("overdue_loan", days_late=8)
        def test_b(atdm_data): assert (atdm_data.facts.as_of - atdm_data.loan.lent_on).days == 36
        """,
        ["test_a[late]", "test_a[keen]", "test_b[overdue_loan]"],
    ),
    "overrides_by_fixture": (
        """
        @pytest.fixture
        def atdm_overrides(days): return {"days_late": days}

        @pytest.fixture
        def days(): return 11

        def days_of(data): return (data.facts.as_of - data.loan.lent_on).days - 28

        @atdm_scenario("overdue_loan")
        def test_fixture(atdm_data): assert days_of(atdm_data) == 11

        @atdm_scenario("overdue_loan", days_late=12)
        def test_mark(atdm_data): assert days_of(atdm_data) == 12

        @atdm_scenario("overdue_loan")
        class TestA:
            @pytest.fixture
            def days(self): return 13

            def test_a(self, atdm_data): assert days_of(atdm_data) == 13
        """,
        ["test_fixture", "test_mark", "TestA::test_a"],
    ),
    "async": (
        """
        @pytest.fixture
        def anyio_backend(): return "asyncio"

        @pytest.mark.anyio
        @atdm_scenario("overdue_loan")
        async def test_a(atdm_data): assert atdm_data.loan.state == "overdue"

        @atdm_scenario("overdue_loan")
        class TestA(unittest.IsolatedAsyncioTestCase):
            async def test_a(self): assert self.atdm_data.loan.state == "overdue"
        """,
        ["test_a", "TestA::test_a"],
    ),
    "subtests": (
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, subtests):
            for number in range(3):
                with subtests.test(number=number): assert atdm_data.loan.state == "overdue"
        """,
        ["test_a"],
    ),
}


@pytest.mark.parametrize(("text", "tests"), STYLES.values(), ids=STYLES)
def test_rows_stand_in_every_style_of_test(suite: Suite, text: str, tests: list[str]) -> None:
    """Each test sees the rows that it asks for, has the id that one expects, and leaves nothing behind."""
    before = suite.read_all_rows()
    suite.write(text)

    result = suite.run("-v")

    found = [line.split(" PASSED")[0] for line in result.outlines if " PASSED" in line and "SUBPASSED" not in line]
    assert sorted(f"test_it.py::{test}" for test in tests) == sorted(found)
    assert len(tests) == result.parseoutcomes()["passed"]
    assert before == suite.read_all_rows()


def test_what_a_fixture_says_is_checked_when_the_test_runs(suite: Suite) -> None:
    """Overrides of a fixture are not known at collection: one that cannot be is an error of the test alone."""
    suite.write(
        """
        @pytest.fixture
        def atdm_overrides(): return {"days_lat": 1}

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): pass

        def test_b(): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['*unknown override "days_lat"*', '*did you mean "days_late"?*'])


def test_a_doctest_is_left_alone(suite: Suite) -> None:
    """Doctests run as without the plugin, beside tests that are marked."""
    suite.write(
        '''
        pytestmark = atdm_scenario("overdue_loan")

        def double(number):
            """
            >>> double(2)
            4
            """
            return number * 2

        def test_a(atdm_data): pass
        '''
    )

    suite.run("--doctest-modules").assert_outcomes(passed=2)


def test_a_mark_may_come_after_the_collection(suite: Suite) -> None:
    """Where a hook marks a test that is about to run, its rows stand; a wrong mark is an error of the test."""
    suite.write(
        """
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_setup(item):
            name = "overdue_loan" if item.name == "test_a" else 7
            item.add_marker(pytest.mark.atdm_scenario(name))
        """,
        "conftest",
    )
    suite.write(
        """
        def test_a(atdm_data): assert atdm_data.loan.state == "overdue"

        def test_b(): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*takes the name of a scenario, not 7*"])
