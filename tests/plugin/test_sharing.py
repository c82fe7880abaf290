"""Tests that only read share rows: within a class, a module or the session, whatever stops them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

_SHARED = """
pytestmark = atdm_scenario("overdue_loan", scope="module")

def test_a(atdm_data, atdm_database_url):
    assert atdm_data.loan.state == "overdue"
    assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1

def test_b(atdm_data, atdm_database_url):
    assert atdm_data.loan.state == "overdue"
    assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1

class TestC:
    def test_c(self, atdm_data, atdm_database_url):
        assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1

    @atdm_scenario("overdue_loan", scope="class", days_late=3)
    def test_d(self, atdm_data, atdm_database_url):
        assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 2

    @atdm_scenario("overdue_loan", scope="function")
    def test_e(self, atdm_data, atdm_database_url):
        assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 3

def test_f(atdm_database_url):
    assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1
"""


def test_tests_that_ask_for_the_same_share_the_rows(suite: Suite) -> None:
    """One request serves all tests of the scope; what differs, or asks for rows of its own, has another."""
    before = suite.read_all_rows()
    suite.write(_SHARED)

    result = suite.run()

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["atdm: 3 requests, * in 1 run"])
    assert before == suite.read_all_rows()


@pytest.mark.parametrize(("scope", "requests"), [("class", 3), ("module", 2), ("session", 1)])
def test_rows_go_with_the_last_test_of_the_scope(suite: Suite, scope: str, requests: int) -> None:
    """Each class (of three), module (of two) or the session has one request, whose rows go before the next begins."""
    before = suite.read_all_rows()
    test = """
        @atdm_scenario("overdue_loan", scope="SCOPE")
        class TestA:
            def test_a(self, atdm_database_url): assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1
            def test_b(self, atdm_database_url): assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1
        """.replace("SCOPE", scope)
    suite.write(test + test.replace("TestA", "TestB"), "test_one")
    suite.write(test, "test_two")
    suite.write(
        f"""
        def test_none(atdm_database_url):
            assert len(fetch(atdm_database_url, "SELECT FROM loans")) == {int(scope == "session")}
        """,
        "test_three",
    )

    result = suite.run("test_one.py", "test_two.py", "test_three.py")

    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines([f"atdm: {requests} request*"])
    assert before == suite.read_all_rows()


def test_what_was_only_to_be_read_and_changed_is_named(suite: Suite) -> None:
    """A warning names each row that a test changed, removed or added, old value and new, when the rows go."""
    before = suite.read_all_rows()
    suite.write(
        """
        pytestmark = atdm_scenario("overdue_loan", scope="module")

        def test_a(atdm_data): pass

        def test_b(atdm_data, atdm_database_url):
            loan = atdm_data.loan.loan_id
            fetch(atdm_database_url, f"UPDATE loans SET state = 'returned' WHERE loan_id = '{loan}' RETURNING 1")
            fetch(atdm_database_url, f"INSERT INTO reminders (loan_id, text) VALUES ('{loan}', 'again') RETURNING 1")

        def test_c(atdm_data): pass
        """
    )

    result = suite.run("-W", "default")

    result.assert_outcomes(passed=3, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*AtdmWarning: atdm: the rows of overdue_loan that 3 tests of test_it.py shared were to be read only, *",
            "* ~ loan (public.loans): loan_id=*, state='overdue' -> 'returned'",
            "* + public.reminders: *text='again'*",
        ]
    )
    assert before == suite.read_all_rows()


def test_rows_that_are_only_read_are_no_reason_to_warn(suite: Suite) -> None:
    """Where nothing was changed nothing is said, and with warnings as errors the session is green."""
    suite.write(_SHARED)

    suite.run("-W", "error").assert_outcomes(passed=6)


def test_a_test_may_ask_for_rows_of_its_own_beside_shared_ones(suite: Suite) -> None:
    """What a test asks for in its middle goes with the test; aliased marks may share, each for itself."""
    suite.write(
        """
        @atdm_scenario("overdue_loan", as_="late", scope="module")
        @atdm_scenario("overdue_loan", as_="mine", days_late=2)
        @pytest.mark.parametrize("number", [1, 2])
        def test_a(atdm_data, number, atdm_database_url):
            assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 2
            assert atdm_data.late.request("overdue_loan").loan != atdm_data.late.loan
            assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 3
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["atdm: 5 requests, *"])


def test_each_test_that_used_the_rows_is_in_the_audit_trail(suite: Suite) -> None:
    """The request tells of every test with its outcome, of more than one call of the seeder takes, too."""
    suite.write(
        """
        import pathlib

        @pytest.mark.parametrize("number", range(205))
        @atdm_scenario("overdue_loan", scope="session")
        def test_a(atdm_data, atdm_run, number):
            pathlib.Path("run").write_text(atdm_run.run_id)
            assert number != 7
        """
    )

    suite.run("--atdm-fixtures-dir", "fixtures").assert_outcomes(passed=204, failed=1)

    run_id = (suite.pytester.path / "run").read_text()
    with suite.open_client() as client:
        trail = json.loads(json.dumps(client.audit(run_id)))
    told = [event for event in trail["events"] if event["kind"] == "consumed_by_test"]
    outcomes = {event["detail"]["nodeid"]: event["detail"]["outcome"] for event in told}
    assert 205 == len(told) == len(outcomes)
    assert ["test_it.py::test_a[7]"] == [test for test, outcome in outcomes.items() if outcome != "passed"]
    assert 1 == len([event for event in trail["events"] if event["kind"] == "fixtures_written"])
    assert 1 == len([event for event in trail["events"] if event["kind"] == "seed_committed" and event["request_id"]])


def test_a_red_test_shows_shared_rows_too(suite: Suite) -> None:
    """The section of a failed test names the rows that it shares, and what has become of them."""
    suite.write(
        """
        @atdm_scenario("overdue_loan", scope="module")
        def test_a(atdm_data, atdm_database_url):
            fetch(atdm_database_url, "UPDATE loans SET state = 'returned' RETURNING 1")
            assert False
        """
    )

    result = suite.run("-W", "ignore")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*atdm data*", "overdue_loan: *", "* ~ loan (public.loans): *-> 'returned'*"])


@pytest.mark.parametrize("ways", [["-n", "2"], ["-x"], ["-n", "2", "--dist", "loadscope"], ["-p", "no:terminal"]])
def test_shared_rows_go_in_every_way_to_run(suite: Suite, ways: list[str]) -> None:
    """With workers each has rows of its own; a session that stops early removes what stands, and says so."""
    before = suite.read_all_rows()
    suite.write(
        """
        @pytest.mark.parametrize("number", range(6))
        @atdm_scenario("overdue_loan", scope="session")
        def test_a(atdm_data, number): assert number < 2

        def test_b(): pass
        """
    )

    result = suite.run_apart(*ways)

    assert before == suite.read_all_rows()
    if "no:terminal" not in ways:
        result.stdout.fnmatch_lines(["atdm: * request*, 0 more that the application made in *"])
        result.stdout.no_fnmatch_line("*not reset by the test*")


def test_a_scope_that_does_not_fit_is_refused_at_collection(suite: Suite) -> None:
    """A word that is no scope, and a class where there is none, are collection errors that say what to write."""
    suite.write(
        """
        @pytest.mark.atdm_scenario("overdue_loan", scope="package")
        def test_a(atdm_data): pass

        @atdm_scenario("overdue_loan", scope="class")
        def test_b(atdm_data): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "*scope='package' is none within which tests share rows*",
            "*choose one of function, class, module, session*",
            '*scope="class" stands on a test without a class*',
            '*write scope="module", or make it a class*',
        ]
    )


def test_shared_rows_have_the_same_values_whichever_test_is_first(suite: Suite) -> None:
    """The values depend on scope, scenario and overrides, not on the selection of tests."""
    suite.write(
        """
        pytestmark = atdm_scenario("overdue_loan", scope="module")

        def test_a(atdm_data): print("seen", atdm_data.reader.name)

        def test_b(atdm_data): print("seen", atdm_data.reader.name)
        """
    )
    fixed = ("--atdm-run-id", "01JD0000000000000000000000", "-s")

    seen = {
        line.removeprefix(".")
        for test in ("test_a", "test_b")
        for line in suite.run(*fixed, "-k", test).outlines
        if "seen " in line
    }

    assert 1 == len({line[line.index("seen") :] for line in seen})
