"""What is checked at collection, of which tests, and how often."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

COUNTING = """
    from pytest_atdm.core.gate import Validator

    def count(check):
        with open("checked", "a") as file: print(check.plan.scenario, check.plan.request_key, file=file)
        return ()

    def pytest_atdm_validators(schema): return [Validator("counting", count)]
"""


def read_checked(suite: Suite) -> list[str]:
    """Return the plans that the gate has seen."""
    return (suite.pytester.path / "checked").read_text().splitlines()


def test_each_distinct_wish_is_planned_once(suite: Suite) -> None:
    """Of tests that ask for the same, the first is planned and gated at collection, the others when they run."""
    suite.write(COUNTING, "conftest")
    suite.write(
        """
        @pytest.mark.parametrize("number", range(3))
        @atdm_scenario("overdue_loan", days_late=4, loan={"returned_on": None})
        def test_a(number): pass

        @atdm_scenario("overdue_loan", loan={"returned_on": None}, days_late=4)
        def test_b(): pass

        @atdm_scenario("overdue_loan", days_late=5)
        def test_c(): pass
        """
    )

    suite.run().assert_outcomes(passed=5)

    assert read_checked(suite)[:2] == ["overdue_loan test_it.py::test_a[0]", "overdue_loan test_it.py::test_c"]
    assert len(read_checked(suite)) == 5


def test_only_selected_tests_are_checked(suite: Suite) -> None:
    """A fault in a deselected test stops nobody."""
    suite.write(
        """
        @atdm_scenario("nowhere")
        def test_a(): pass

        @atdm_scenario("overdue_loan")
        def test_b(): pass
        """
    )

    suite.run("-k", "test_b").assert_outcomes(passed=1, deselected=1)
    suite.run("-k", "test_a").assert_outcomes(errors=1, deselected=1)


def test_collect_only_checks_names_and_starts_nothing(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and overrides are checked against the catalog, without any seeder; what needs the schema is not."""
    monkeypatch.setenv("ATDM_URL", f"http://127.0.0.1:{find_closed_port()}")
    suite.write('@atdm_scenario("overdue_loan", loan__state="open")\ndef test_a(): pass')
    suite.run("--collect-only").assert_outcomes()
    assert pytest.ExitCode.OK == suite.run("--collect-only").ret

    suite.write('@atdm_scenario("overdue_loan", days_late="many")\ndef test_a(): pass')
    result = suite.run("--collect-only")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["*days_late*many*"])


def test_a_rejected_plan_leaves_no_run_behind(suite: Suite) -> None:
    """Everything is checked before anything is written: the seeder has never heard of the run."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(): pass

        @atdm_scenario("overdue_loan", loan__state="open")
        def test_b(): pass
        """
    )
    with suite.open_client() as client:
        before = [run["run_id"] for run in client.runs()]

        suite.run().assert_outcomes(errors=1)

        assert before == [run["run_id"] for run in client.runs()]


def test_the_others_run_if_told_to_continue(suite: Suite) -> None:
    """With --continue-on-collection-errors only the tests with the fault stay out."""
    suite.write(
        """
        @atdm_scenario("nowhere")
        def test_a(): pass

        @atdm_scenario("overdue_loan")
        def test_b(): pass

        def test_c(): pass
        """
    )

    suite.run("--continue-on-collection-errors").assert_outcomes(passed=2, errors=1)


def test_a_fault_in_the_catalog_names_file_and_line(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests are listed under the catalog's own error."""
    folder = suite.pytester.mkdir("catalog") / "library" / "scenarios"
    folder.mkdir(parents=True)
    (folder.parent / "domain.yaml").write_text("title: A library\n")
    (folder / "broken.yaml").write_text("title: Broken\ntitle: Twice\n")
    monkeypatch.delenv("ATDM_CATALOG")
    suite.write('@atdm_scenario("broken")\ndef test_a(): pass\n\n@atdm_scenario("broken")\ndef test_b(): pass')

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*: test_a asks for broken()", "*: test_b asks for broken()", "*broken.yaml:2: *"])


def test_a_seeder_that_nobody_needed_may_fail_unheard(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts while tests are checked; where the check ends the session, its own failure is not a second error."""
    monkeypatch.delenv("ATDM_URL")
    monkeypatch.setenv("ATDM_DATABASE_URL", f"postgresql://127.0.0.1:{find_closed_port()}/tests")
    suite.write('@atdm_scenario("overdue_lona")\ndef test_a(): pass')

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no scenario*overdue_lona*"])
    result.stdout.no_fnmatch_line("*could not be ended*")


def find_closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
