"""Rows stand while the test runs, and no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.database import empty_tables, fetch

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

MANY = """
    @pytest.mark.parametrize("days", range(1, 9))
    @atdm_scenario("overdue_loan")
    def test_function(atdm_data, days): pass

    @atdm_scenario("reader_with_books")
    class TestClass:
        def test_without_the_fixture(self, atdm_database_url):
            assert fetch(atdm_database_url, "SELECT FROM readers")

        def test_with_it(self, atdm_data):
            assert len(atdm_data.book) == 2

    LATE = [pytest.param(days, marks=atdm_scenario("overdue_loan", days_late=days)) for days in (4, 5)]

    @pytest.mark.parametrize("days", LATE)
    def test_parameter(atdm_data, days):
        assert (atdm_data.facts.as_of - atdm_data.loan.lent_on).days == days + 28

    @atdm_scenario("overdue_loan")
    def test_fails(): assert False

    @atdm_scenario("overdue_loan")
    def test_skips(): pytest.skip("not now")
"""

OLD_LOAN = """
    WITH reader AS (
        INSERT INTO readers VALUES (gen_random_uuid(), 'FAKE_old', 'old', 1, '2000-01-01')
        RETURNING reader_id
    ), book AS (
        INSERT INTO books (genre, title, price) VALUES ('crime', 'Old', 1) RETURNING book_id
    )
    INSERT INTO loans (reader_id, book_id, lent_on, state)
    SELECT reader_id, book_id, '2001-01-01', 'open' FROM reader, book
    RETURNING loan_id
"""

REVERSED = """
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(items): items.reverse()
"""


def test_afterwards_every_table_holds_its_rows_from_before(suite: Suite) -> None:
    """Functions, classes, parameters, failures and skips leave nothing behind."""
    before = suite.read_all_rows()
    suite.write(MANY)

    result = suite.run()

    result.assert_outcomes(passed=12, failed=1, skipped=1)
    assert before == suite.read_all_rows()


def test_selection_and_order_do_not_matter(suite: Suite) -> None:
    """In any order and with -k, tests get the same values but for the unique ones, and clean up after themselves."""
    before = suite.read_all_rows()
    suite.write(
        """
        import json

        @pytest.mark.parametrize("number", range(6))
        @atdm_scenario("overdue_loan")
        def test(atdm_data, request, number):
            unique = {"card", "reader_id", "book_id", "loan_id"}
            shown = {name: {column: str(atdm_data[name][column]) for column in atdm_data[name].keys() - unique}
                for name in atdm_data}
            with open("values", "a") as file:
                print(request.node.name, json.dumps(shown, sort_keys=True), file=file)
        """
    )

    suite.run().assert_outcomes(passed=6)
    in_order = take_lines(suite)
    suite.write(REVERSED, "conftest")
    suite.run().assert_outcomes(passed=6)
    reversed_ = take_lines(suite)
    suite.run("-k", "2 or 4").assert_outcomes(passed=2, deselected=4)
    selected = take_lines(suite)

    assert in_order == reversed_[::-1]
    assert [in_order[4], in_order[2]] == selected
    assert before == suite.read_all_rows()


def test_rows_outlive_every_other_fixture_of_the_test(suite: Suite) -> None:
    """Rows stand before the first and go after the last fixture, autouse ones and those named first included."""
    suite.write(
        """
        def count(url): return len(fetch(url, "SELECT FROM readers"))

        @pytest.fixture
        def page(atdm_database_url):
            before = count(atdm_database_url)
            yield
            assert before == count(atdm_database_url) > 0

        @pytest.fixture(autouse=True)
        def visitor(atdm_database_url):
            assert count(atdm_database_url) > 0
            yield
            assert count(atdm_database_url) > 0
        """,
        "conftest",
    )
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(page, atdm_data): pass
        """
    )

    suite.run().assert_outcomes(passed=1)


def test_what_the_application_hung_below_goes_too(suite: Suite) -> None:
    """Rows that refer to seeded ones are removed, and counted apart in the summary."""
    before = suite.read_all_rows()
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            for text in ("first", "second"):
                query = "INSERT INTO reminders (loan_id, text) VALUES ($1, $2)"
                fetch(atdm_database_url, query, atdm_data.loan.loan_id, text)
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["atdm: 1 request, 3 rows seeded, 3 removed, 2 more that the application made in 1 run"]
    )
    assert before == suite.read_all_rows()


def test_a_row_from_before_is_detached_and_reported(suite: Suite) -> None:
    """An old row that came to refer to a seeded one keeps standing; that its reference was cleared is a warning."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            fetch(atdm_database_url, "UPDATE shelves SET favourite_of = $1", atdm_data.reader.reader_id)
        """
    )

    result = suite.run("-W", "default")

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*AtdmWarning: atdm: the cleanup changed 1 row that stood before the test", "*shelves*"]
    )
    assert fetch(suite.database_url, "SELECT favourite_of FROM shelves") == [{"favourite_of": None}]


def test_a_row_that_cannot_be_removed_is_one_clear_error(suite: Suite) -> None:
    """An old row with a mandatory reference to a seeded one blocks its chain: an error at teardown names the rows."""
    old = fetch(suite.database_url, OLD_LOAN)[0]["loan_id"]
    fetch(suite.database_url, "INSERT INTO reminders (loan_id, text) VALUES ($1, 'old')", old)
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            fetch(atdm_database_url, "UPDATE reminders SET loan_id = $1", atdm_data.loan.loan_id)
        """
    )

    try:
        result = suite.run()
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(
            ["*ERROR at teardown of test_a*", "atdm: left standing by the cleanup: *", "*reminders*"]
        )
        result.stdout.fnmatch_lines(["atdm: 1 request, *left*"])
    finally:
        empty_tables(suite.database_url)


def test_two_suites_at_once_do_not_disturb_each_other(suite: Suite) -> None:
    """A suite that runs within a test of another neither sees nor removes its rows."""
    before = suite.read_all_rows()
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_inner(atdm_data, atdm_database_url):
            assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 2
        """,
        "inner",
    )
    suite.write(
        """
        import subprocess, sys

        @atdm_scenario("overdue_loan")
        def test_outer(atdm_data, atdm_database_url):
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "inner.py"]
            assert subprocess.run(command).returncode == 0
            assert fetch(atdm_database_url, "SELECT * FROM loans") == [dict(atdm_data.loan)]
        """
    )

    suite.run().assert_outcomes(passed=1)
    assert before == suite.read_all_rows()


def test_a_failed_setup_of_another_fixture_leaves_nothing(suite: Suite) -> None:
    """Rows that stand when a later fixture fails are removed; the audit trail says error."""
    before = suite.read_all_rows()
    suite.write(
        """
        @pytest.fixture
        def broken(): raise RuntimeError

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, broken): pass
        """
    )

    suite.run("--atdm-run-id=01JD0000000000000000000042").assert_outcomes(errors=1)

    assert before == suite.read_all_rows()
    with suite.open_client() as client:
        events = client.audit("01JD0000000000000000000042")["events"]
    assert isinstance(events, list)
    details = [event["detail"] for event in events if isinstance(event, dict) and event["kind"] == "consumed_by_test"]
    told = {"attempt": 1, "scenario": "overdue_loan", "requirements": ["REQ-LIB-1"]}
    assert details == [{"nodeid": "test_it.py::test_a", "outcome": "error", **told}]


def test_the_audit_trail_has_the_whole_story(suite: Suite) -> None:
    """From the run's start to its end, in the order in which things happened."""
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(atdm_data): pass')

    suite.run("--atdm-run-id=01JD0000000000000000000043", "--atdm-fixtures-dir=made").assert_outcomes(passed=1)

    with suite.open_client() as client:
        trail = client.audit("01JD0000000000000000000043")
    assert isinstance(trail["events"], list)
    kinds = [event["kind"] for event in trail["events"] if isinstance(event, dict)]
    assert [kind for kind in kinds if kind != "validator_passed"] == [
        "run_started",
        "request_received",
        "plan_generated",
        "seed_committed",
        "fixtures_written",
        "consumed_by_test",
        "reset_executed",
        "run_ended",
    ]
    assert kinds.count("validator_passed") == 5
    assert trail["intact"] is True


def take_lines(suite: Suite) -> list[str]:
    """Return the lines that the tests wrote, and remove them."""
    path = suite.pytester.path / "values"
    lines = path.read_text().splitlines()
    path.unlink()
    return lines


def test_a_rerun_gets_the_same_values_in_new_rows(suite: Suite) -> None:
    """Each attempt is a request of its own: same values, other allotted keys, everything removed in between."""
    before = suite.read_all_rows()
    suite.write(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                runtestprotocol(item, nextitem=nextitem, log=True)
            return True
        """,
        "conftest",
    )
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data):
            with open("values", "a") as file:
                print(atdm_data.reader.card, atdm_data.loan.loan_id, atdm_data.facts.request_id, file=file)
        """
    )

    suite.run().assert_outcomes(passed=2)

    first, second = (line.split() for line in take_lines(suite))
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert first[2] != second[2]
    assert before == suite.read_all_rows()


def test_ctrl_c_leaves_nothing_and_the_summary_knows(suite: Suite) -> None:
    """The rows of the interrupted test go with its fixtures, although no report of it follows."""
    before = suite.read_all_rows()
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(atdm_data): raise KeyboardInterrupt')

    result = suite.run_apart()

    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["atdm: 1 request, 3 rows seeded, 3 removed, * in 1 run"])
    result.stdout.no_fnmatch_line("*not reset by the test*")
    assert before == suite.read_all_rows()
