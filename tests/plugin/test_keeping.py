"""Rows that stay after a test, and a failed test's rows made again from what its session wrote down."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.replay import load_bundle
from tests.environment import leave_out
from tests.plugin.database import fetch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Suite

RED_AND_GREEN = """
@atdm_scenario("overdue_loan")
def test_green(atdm_data): pass

@atdm_scenario("overdue_loan")
def test_red(atdm_data, atdm_database_url):
    query = "UPDATE loans SET state = 'returned' WHERE loan_id = $1 RETURNING 1"
    fetch(atdm_database_url, query, atdm_data.loan.loan_id)
    assert False

@atdm_scenario("overdue_loan")
def test_skipped(atdm_data): pytest.skip()
"""


def read_bundles(suite: Suite) -> list[Path]:
    """The bundles that the suite's sessions have left."""
    return sorted((suite.pytester.path / ".atdm" / "failed").glob("*.json"))


def end_kept_runs(suite: Suite) -> None:
    """Remove what sessions have left standing."""
    with suite.open_client() as client:
        client.reset_all()


@pytest.mark.parametrize("way", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_rows_of_failed_tests_are_retained(suite: Suite, way: tuple[str, ...]) -> None:
    """With retain-on-failure they stay, for as long as is said; those of other tests go."""
    before = suite.read_all_rows()
    suite.write(RED_AND_GREEN)

    result = suite.run_apart("--atdm-keep-data=retain-on-failure:30m", *way)

    assert ["returned"] == [loan["state"] for loan in fetch(suite.database_url, "SELECT state FROM loans")]
    result.stdout.fnmatch_lines(
        [
            "*rows of failed tests kept (from --atdm-keep-data)*",
            "look: atdm rows *",
            "atdm: the run * is kept until 20*",
        ]
    )
    assert 1 == result.stdout.str().count(" is kept until ")
    end_kept_runs(suite)
    assert before == suite.read_all_rows()


@pytest.mark.parametrize("mode", ["retain-on-failure", "off"])
def test_where_nothing_fails_nothing_is_kept(suite: Suite, mode: str) -> None:
    """The run ends as any other."""
    before = suite.read_all_rows()
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(): pass\n')

    result = suite.run(f"--atdm-keep-data={mode}")

    assert "kept until" not in result.stdout.str()
    assert before == suite.read_all_rows()
    with suite.open_client() as client:
        assert not [run for run in client.runs() if run["state"] == "active" and run["live_rows"]]


@pytest.mark.parametrize(
    "text",
    [
        """
        @pytest.fixture
        def broken(atdm_data): assert False

        @atdm_scenario("overdue_loan")
        def test_a(broken): pass
        """,
        """
        pytestmark = atdm_scenario("overdue_loan", scope="module")

        def test_a(): pass

        def test_b(): assert False

        def test_c(): pass
        """,
    ],
    ids=["setup", "shared"],
)
def test_a_failure_in_setup_and_of_one_that_shares_count(suite: Suite, text: str) -> None:
    """Rows stay where any test that used them failed, wherever it failed."""
    suite.write(text)

    suite.run("--atdm-keep-data=retain-on-failure")

    assert fetch(suite.database_url, "SELECT FROM loans")
    end_kept_runs(suite)


def test_a_failed_test_leaves_a_bundle(suite: Suite) -> None:
    """It holds plan, rows as seeded and as they were then, and no token; the report says how it is replayed."""
    suite.write(RED_AND_GREEN)

    result = suite.run()

    (path,) = read_bundles(suite)
    result.stdout.fnmatch_lines([f"replay: atdm replay .atdm/failed/{path.name}"])
    bundle = load_bundle(path.read_bytes(), what=path.name)
    (request,) = bundle.requests
    assert "test_it.py::test_red" == bundle.test
    assert {"reader", "book", "loan"} <= request.entities.keys()
    assert request.after is not None
    states = {row.cells["state"] for row in request.after.rows if row.cells and row.table == "public.loans"}
    assert {"returned"} == states
    assert "overdue" == request.entities["loan"].rows[0]["state"]
    assert "token" not in path.read_text().lower()
    assert suite.address.token not in path.read_text()


def test_a_bundle_takes_the_place_of_the_last(suite: Suite) -> None:
    """However often a test fails, it has one file; another folder is taken where it is named."""
    suite.write(RED_AND_GREEN)

    suite.run()
    suite.run()
    suite.run("--atdm-bundles-dir=elsewhere")

    assert 1 == len(read_bundles(suite))
    assert [path.name for path in read_bundles(suite)] == [
        path.name for path in (suite.pytester.path / "elsewhere").glob("*.json")
    ]


def test_a_folder_that_cannot_be_written_spoils_no_report(suite: Suite) -> None:
    """The report says why there is no bundle, and the failure is told as ever."""
    suite.write(RED_AND_GREEN)
    (suite.pytester.path / "file").write_text("")

    result = suite.run("--atdm-bundles-dir=file/below")

    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["again: pytest *", "no file for atdm replay was written: *file/below*"])


@pytest.mark.parametrize("way", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_files_of_junit_may_be_left_as_they_were(suite: Suite, way: tuple[str, ...]) -> None:
    """With --atdm-junit=off nothing of ours is in them, and the terminal says as much as ever."""
    suite.write(RED_AND_GREEN)

    told = suite.run_apart("--junitxml=on.xml", *way)
    withheld = suite.run_apart("--junitxml=off.xml", "--atdm-junit=off", *way)

    assert "overdue_loan" in (suite.pytester.path / "on.xml").read_text()
    text = (suite.pytester.path / "off.xml").read_text()
    assert "<propert" not in text
    assert "test_red" in text
    for result in (told, withheld):
        result.stdout.fnmatch_lines(["atdm: 3 requests, 9 rows seeded, 9 removed, *"])


def test_a_switch_is_on_or_off(suite: Suite) -> None:
    """Another word is an error that says which there are."""
    suite.write("def test_a(): pass")

    result = suite.run("--atdm-junit=maybe")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(['*--atdm-junit: "maybe" is no switch*', "*write on or off*"])


def test_github_shows_failed_tests_with_their_data(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step's summary has the session's lines and each failed test's rows, the code an annotation."""
    summary = suite.pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(suite.pytester.path.parent))
    suite.write(RED_AND_GREEN + "\ndef test_plain(): assert False\n")

    result = suite.run_apart("-n", "1")
    silent = suite.run_apart("--atdm-github=off")

    place = f"{suite.pytester.path.name}/test_it.py,line=10"
    result.stdout.fnmatch_lines(
        [f"::error file={place},title=atdm%3A test_it.py%3A%3Atest_red::overdue_loan: *%0Aagain: *"]
    )
    assert 1 == result.stdout.str().count("::error ")
    text = summary.read_text()
    assert 1 == text.count("### Test data")
    assert "<details><summary>test_it.py::test_red</summary>" in text
    assert re.search(r"^    +~ loan \(public.loans\): .*'overdue' -> 'returned'$", text, re.MULTILINE)
    assert "::error" not in silent.stdout.str()


def test_allure_has_the_data_attached(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With allure-pytest the section of a failed test is an attachment of its result."""
    monkeypatch.setenv("PYTEST_ADDOPTS", leave_out("allure_pytest"))
    suite.write(RED_AND_GREEN)

    suite.run_apart("--alluredir=allure", "-W", "ignore").assert_outcomes(passed=1, failed=1, skipped=1)

    results = [json.loads(path.read_text()) for path in (suite.pytester.path / "allure").glob("*-result.json")]
    (red,) = [result for result in results if result["name"] == "test_red"]
    (attached,) = [one for one in red["attachments"] if one["name"] == "atdm data"]
    assert "'overdue' -> 'returned'" in (suite.pytester.path / "allure" / attached["source"]).read_text()
