"""What tests came to reaches the seeder, and the session says what they show of the requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm._coverage import gather_uses, render_coverage
from pytest_atdm.core.coverage import Use, judge_coverage
from tests.plugin.database import fetch

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

HEAD = "atdm: coverage in this session: "

THREE = """
    @atdm_scenario("overdue_loan")
    @pytest.mark.parametrize("number", range(3))
    def test_a(atdm_data, number): assert number != 1
"""


@pytest.fixture(autouse=True)
def nothing_counted(suite: Suite) -> None:
    """What earlier tests came to is forgotten."""
    fetch(suite.database_url, "DELETE FROM atdm.coverage")


def read(suite: Suite, commit: str = "") -> list[Use]:
    """Return what the seeder has counted."""
    with suite.open_client() as client:
        return client.coverage(commit)


def test_each_test_is_counted_with_commit_and_requirements(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sessions on one commit add up; each test is known by its id, with what its scenario names."""
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    suite.write(THREE)

    for _ in range(2):
        suite.run().assert_outcomes(passed=2, failed=1)

    assert [
        Use(
            nodeid=f"test_it.py::test_a[{number}]",
            scenario="overdue_loan",
            outcome="failed" if number == 1 else "passed",
            commit="c0ffee",
            requirements=("REQ-LIB-1",),
            passed=0 if number == 1 else 2,
            failed=2 if number == 1 else 0,
            at=found.at,
        )
        for number, found in enumerate(read(suite))
    ] == read(suite, "c0ff")
    assert [] == read(suite, "beef")


def test_a_test_that_runs_again_has_attempts(suite: Suite) -> None:
    """An attempt that fails before one that passes is counted, and the test is known to be flaky."""
    suite.write(
        """
        from _pytest.runner import runtestprotocol

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, tmp_path_factory):
            mark = tmp_path_factory.getbasetemp() / "been"
            assert mark.exists() or mark.touch()
        """
    )
    suite.write(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for attempt in range(2):
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
        """,
        "conftest",
    )

    result = suite.run("--atdm-coverage")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"{HEAD}1 requirement: 1 flaky", "  REQ-LIB-1  flaky: 1 passed, 1 failed"])
    (found,) = read(suite)
    assert (1, 1, "passed", 2, True) == (found.passed, found.failed, found.outcome, found.attempt, found.varied)


def test_shared_and_kept_rows_count_for_each_test(suite: Suite) -> None:
    """Each test that used shared rows is counted, and so is one whose rows are left standing."""
    suite.write(THREE.replace('("overdue_loan")', '("overdue_loan", scope="module")'))

    result = suite.run("--atdm-coverage")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([f"{HEAD}1 requirement: 1 failing", "  REQ-LIB-1  failing: 2 passed, 1 failed"])
    assert [1, 0, 1] == [one.passed for one in read(suite)]
    suite.run("--atdm-keep-data=1h")
    assert [2, 0, 2] == [one.passed for one in read(suite)]
    with suite.open_client() as client:
        client.reset_all()


def test_each_way_to_end_is_told_as_pytest_does(suite: Suite) -> None:
    """A test that another fixture skips is skipped, one whose setup fails an error; an expected failure is none."""
    suite.write(
        """
        @pytest.fixture
        def skipping(atdm_data): pytest.skip()

        @pytest.fixture
        def broken(atdm_data): raise RuntimeError

        pytestmark = atdm_scenario("overdue_loan")

        def test_a(skipping): pass
        def test_b(broken): pass
        @pytest.mark.xfail
        def test_c(atdm_data): assert False
        @pytest.mark.xfail(strict=True)
        def test_d(atdm_data): pass
        """
    )

    suite.run().assert_outcomes(skipped=1, errors=1, xfailed=1, failed=1)

    assert ["skipped", "error", "skipped", "failed"] == [one.outcome for one in read(suite)]


@pytest.mark.parametrize("ways", [[], ["-n", "2"]])
def test_the_session_says_what_its_tests_show(suite: Suite, ways: list[str]) -> None:
    """With workers as without: attempts by requirement, and those of the catalog that no test of it has exercised."""
    suite.write(
        THREE
        + """
    @pytest.fixture
    def broken(atdm_data): raise RuntimeError

    @atdm_scenario("overdue_loan")
    def test_b(broken): pass

    @atdm_scenario("overdue_loan")
    def test_c(atdm_data): pytest.skip()

    def test_d(): pass
        """
    )

    shown = suite.run_apart("--atdm-coverage", *ways).outlines
    silent = suite.run_apart(*ways).stdout.str()
    none = suite.run_apart("--atdm-coverage", "-k", "test_d", *ways).outlines

    here = shown.index(f"{HEAD}1 requirement: 1 failing")
    assert "  REQ-LIB-1  failing: 2 passed, 1 failed, 1 error, 1 skipped" == shown[here + 1]
    assert HEAD not in silent
    here = none.index(f"{HEAD}1 requirement: 1 never exercised")
    assert none[here + 1].startswith("  REQ-LIB-1  never exercised: ")


def test_a_faulty_catalog_is_said_and_fails_nothing(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A summary that cannot be made says why in its place."""
    monkeypatch.delenv("ATDM_CATALOG")
    broken = suite.pytester.mkdir("catalog") / "shop"
    broken.mkdir()
    (broken / "requirements.yaml").write_text("- {id: R-1}\n")
    (broken / "domain.yaml").write_text("title: Shop\n")
    suite.write("def test_a(): pass")

    result = suite.run("--atdm-coverage")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["atdm: coverage: *shop/requirements.yaml:1: *title*"])
    assert 0 == result.ret


def test_a_session_without_a_terminal_says_nothing(suite: Suite) -> None:
    """Where pytest writes no report the option changes nothing."""
    suite.write(THREE)

    result = suite.run_apart("--atdm-coverage", "-p", "no:terminal")

    assert 1 == result.ret
    assert HEAD not in result.stdout.str() + result.stderr.str()


def test_nothing_is_rendered_of_nothing() -> None:
    """Without tests and requirements there is one line; an entry without title ends with its status."""
    assert [] == gather_uses([])
    assert [f"{HEAD}0 requirements"] == list(render_coverage(judge_coverage({}, {}, [])))
    assert "  R  never exercised" == list(render_coverage(judge_coverage({"R": ""}, {}, [])))[1]
