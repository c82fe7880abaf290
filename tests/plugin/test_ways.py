"""Every way to run tests: each is a real session that ends as pytest's users expect, says so, and leaves no row."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environment import leave_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Suite

STYLES = """
def count(url): return len(fetch(url, "SELECT FROM loans"))

@atdm_scenario("overdue_loan")
def test_function(atdm_data): assert atdm_data.loan.state == "overdue"

@atdm_scenario("overdue_loan", "reader_with_books")
def test_several(atdm_data): assert atdm_data.reader

@atdm_scenario("overdue_loan", as_="late")
@atdm_scenario("overdue_loan", as_="later", days_late=99)
def test_together(atdm_data): assert atdm_data.late.loan != atdm_data.later.loan

@pytest.mark.parametrize("number", range(3))
@atdm_scenario("overdue_loan")
class TestClass:
    def test_first(self, atdm_data, number): assert atdm_data.loan.state == "overdue"

    def test_second(self, atdm_data, number): assert atdm_data.request("reader_with_books").book

@atdm_scenario("overdue_loan")
class CaseTest(unittest.TestCase):
    def test_case(self): assert self.atdm_data.loan.state == "overdue"

@atdm_scenario("reader_with_books", scope="class")
class TestShared:
    def test_first(self, atdm_data): assert atdm_data.book

    def test_second(self, atdm_data): assert atdm_data.book

@pytest.mark.parametrize("atdm_data", ["overdue_loan", ("overdue_loan", {"days_late": 3})], indirect=True)
def test_indirect(atdm_data): assert atdm_data.loan

def test_plain(): pass
"""
TESTS = 1 + 2 + 1 + 6 + 1 + 2 + 2 + 1

RED = """
@pytest.mark.parametrize("number", range(8))
@atdm_scenario("overdue_loan")
def test_a(atdm_data, number): assert number not in (2, 4)
"""


@pytest.fixture
def clean_suite(suite: Suite) -> Iterator[Suite]:
    """A suite after whose sessions every table is as it was."""
    before = suite.read_all_rows()
    yield suite
    assert before == suite.read_all_rows()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, suite: Suite) -> Callable[[str], None]:
    """Have the suite's sessions load that plugin, which others leave out."""

    def use(plugin: str) -> None:
        monkeypatch.setenv("PYTEST_ADDOPTS", leave_out(plugin))

    return use


@pytest.mark.parametrize(
    "way",
    [
        (),
        ("--reruns=1",),
        ("--import-mode=importlib",),
        ("-p", "no:terminal"),
        *(("-n", "2", "--dist", mode) for mode in ("load", "loadscope", "loadfile", "loadgroup", "worksteal")),
        ("-n", "1", "--dist", "each"),
    ],
    ids=" ".join,
)
def test_every_style_runs_in_every_way(clean_suite: Suite, use: Callable[[str], None], way: tuple[str, ...]) -> None:
    """All styles of test at once: each passes, and the summary counts what was seeded and removed."""
    use("rerunfailures" if "--reruns=1" in way else "")
    clean_suite.write(STYLES)

    result = clean_suite.run_apart(*way)

    assert pytest.ExitCode.OK == result.ret
    if "no:terminal" not in way:
        result.assert_outcomes(passed=TESTS)
        counts = next(line for line in result.outlines if " rows seeded, " in line)
        seeded, removed = (int(number) for number in re.findall(r"(\d+) (?:rows seeded|removed)", counts))
        assert seeded == removed > 0
        assert "not reset" not in counts


@pytest.mark.parametrize(
    ("way", "passed", "failed"),
    [(("-x",), 2, 1), (("--maxfail=2",), 3, 2), (("--sw",), 2, 1), ((), 6, 2)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_session_that_stops_early_leaves_nothing(
    clean_suite: Suite, way: tuple[str, ...], passed: int, failed: int
) -> None:
    """Whatever pytest stops for, the rows of the last test are gone, and the run has ended."""
    clean_suite.write(RED)

    result = clean_suite.pytester.runpytest_inprocess(*way)

    result.assert_outcomes(passed=passed, failed=failed)
    result.stdout.fnmatch_lines([f"atdm: {passed + failed} requests, * 0 more that the application made in 1 run"])


def test_only_what_failed_last_asks_for_rows(clean_suite: Suite) -> None:
    """With --lf the others are neither run nor seeded."""
    clean_suite.write(RED)
    clean_suite.pytester.runpytest_inprocess().assert_outcomes(passed=6, failed=2)

    result = clean_suite.pytester.runpytest_inprocess("--lf")

    result.assert_outcomes(failed=2, deselected=0)
    result.stdout.fnmatch_lines(["atdm: 2 requests, *"])


def test_stepwise_goes_on_where_it_stopped(clean_suite: Suite) -> None:
    """With --sw the next session begins with the test that failed, on rows of its own."""
    clean_suite.write(RED)
    clean_suite.pytester.runpytest_inprocess("--sw").assert_outcomes(passed=2, failed=1)

    result = clean_suite.pytester.runpytest_inprocess("--sw", "--sw-skip")

    result.assert_outcomes(passed=1, failed=2, deselected=2)


@pytest.mark.parametrize(
    ("text", "way"),
    [("assert 0", ("--pdb",)), ("breakpoint()", ()), ("pass", ("--trace",))],
    ids=["--pdb", "breakpoint", "--trace"],
)
def test_rows_stand_while_the_debugger_waits(clean_suite: Suite, text: str, way: tuple[str, ...]) -> None:
    """The prompt says which requests stand in which database; there they are, and once it is left they are gone."""
    clean_suite.write(
        f"""
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            request_id = atdm_data.facts.request_id
            {text}
        """
    )
    typed = (
        b"p 'standing', len(fetch(atdm_database_url, 'SELECT FROM loans'))\np 'asked', atdm_data.facts.request_id\nc\n"
    )
    words = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *way)

    result = clean_suite.pytester.run(*words, stdin=typed, timeout=120)

    result.stdout.fnmatch_lines(
        [
            "*PDB*",
            "atdm: overdue_loan (request *): 3 rows",
            f"atdm: they stand until the test has ended, in {clean_suite.database_url}",
            "*'standing', 1)",
            "*'asked', *",
        ]
    )
    said = re.search(r"overdue_loan \(request (\w+)\)", result.stdout.str())
    assert said is not None
    assert f"'asked', '{said[1]}'" in result.stdout.str()


def test_each_attempt_has_rows_of_its_own(clean_suite: Suite, use: Callable[[str], None]) -> None:
    """pytest-rerunfailures: what an attempt did to its rows is nothing that the next one sees."""
    use("rerunfailures")
    clean_suite.write(
        """
        SEEN = []

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            assert fetch(atdm_database_url, "SELECT FROM loans WHERE state = 'overdue'")
            assert len(fetch(atdm_database_url, "SELECT FROM loans")) == 1
            SEEN.append(atdm_data.facts.request_id)
            fetch(atdm_database_url, "UPDATE loans SET state = 'returned' RETURNING 1")
            assert len(set(SEEN)) == 3
        """
    )

    result = clean_suite.run_apart("--reruns=2")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*2 rerun*"])
    result.stdout.fnmatch_lines(["atdm: 3 requests, 9 rows seeded, 9 removed, *"])


def test_values_do_not_depend_on_the_order_of_tests(clean_suite: Suite, use: Callable[[str], None]) -> None:
    """pytest-randomly: with the same run id each test has the same values in every order."""
    use("randomly")
    clean_suite.write(
        """
        @pytest.mark.parametrize("number", range(6))
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, number): print(f"seen {number}: {atdm_data.reader}")
        """
    )

    def run(seed: int) -> list[str]:
        result = clean_suite.run_apart("-s", f"--randomly-seed={seed}", "--atdm-run-id=01JD0000000000000000000000")
        result.assert_outcomes(passed=6)
        return [line[line.index("seen") :] for line in result.outlines if "seen" in line]

    first, second = run(1), run(2)

    assert first != second
    assert sorted(first) == sorted(second)


def test_without_the_plugin_other_tests_run(suite: Suite) -> None:
    """``-p no:atdm`` leaves nothing of it: what asks for nothing passes, and atdm_data is no fixture."""
    suite.write(
        """
        def test_a(): pass

        @atdm_scenario("overdue_loan")
        def test_b(atdm_data): pass
        """
    )

    result = suite.run_apart("-p", "no:atdm", "-W", "ignore")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'atdm_data' not found*"])
    assert "atdm: " not in result.stdout.str()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "pytest.ini",
            "[pytest]\naddopts = --strict-markers --strict-config\natdm_seed = 7\natdm_as_of = 2026-01-31\n",
        ),
        (
            "pytest.toml",
            '[pytest]\nstrict_markers = true\nstrict_config = true\natdm_seed = 7\natdm_as_of = "2026-01-31"\n',
        ),
        ("pyproject.toml", '[tool.pytest]\nstrict = true\natdm_seed = 7\natdm_as_of = "2026-01-31"\n'),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = "--strict"\natdm_seed = "7"\natdm_as_of = "2026-01-31"\n',
        ),
        ("tox.ini", "[pytest]\natdm_seed = 7\natdm_as_of = 2026-01-31\n"),
        ("setup.cfg", "[tool:pytest]\natdm_seed = 7\natdm_as_of = 2026-01-31\n"),
    ],
    ids=["pytest.ini", "pytest.toml", "tool.pytest", "ini_options", "tox.ini", "setup.cfg"],
)
def test_every_configuration_file_is_understood(clean_suite: Suite, file: str, text: str) -> None:
    """Strictness included: keys and mark are known, and values arrive as what they are."""
    (clean_suite.pytester.path / file).write_text(text)
    clean_suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_run): assert (atdm_run.seed, str(atdm_run.as_of)) == (7, "2026-01-31")
        """
    )

    clean_suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_tests_of_pytest_asyncio_need_no_configuration(
    clean_suite: Suite, use: Callable[[str], None], mode: str
) -> None:
    """Coroutines see their rows, in both of its modes, beside fixtures that are coroutines too."""
    use("asyncio")
    clean_suite.write(
        """
        import asyncio, pytest_asyncio

        @pytest_asyncio.fixture
        async def loan(atdm_data):
            await asyncio.sleep(0)
            return atdm_data.loan

        @pytest.mark.asyncio
        @atdm_scenario("overdue_loan")
        async def test_a(atdm_data, loan):
            await asyncio.sleep(0)
            assert loan == atdm_data.loan
            assert atdm_data.request("overdue_loan").loan != loan
        """
    )

    result = clean_suite.run_apart(f"--asyncio-mode={mode}", "-W", "ignore::pytest.PytestDeprecationWarning")

    result.assert_outcomes(passed=1)


def test_a_tag_of_a_feature_asks_for_rows(clean_suite: Suite, use: Callable[[str], None]) -> None:
    """pytest-bdd: ``@atdm:NAME`` on a scenario or a feature is the mark; another tag is what it was."""
    use("pytest-bdd")
    (clean_suite.pytester.path / "late.feature").write_text(
        """
        @atdm:overdue_loan
        Feature: Reminders
            @slow
            Scenario: A late loan
                Given a loan
                Then it is overdue

            Scenario: Another
                Given a loan
                Then it is overdue
        """
    )
    clean_suite.write(
        """
        from pytest_bdd import given, scenarios, then

        scenarios("late.feature")

        @given("a loan", target_fixture="loan")
        def _(atdm_data): return atdm_data.loan

        @then("it is overdue")
        def _(loan, request):
            assert loan.state == "overdue"
            assert ("slow" in request.node.keywords) == ("late" in request.node.name)
        """
    )

    result = clean_suite.run_apart("-W", "ignore::pytest.PytestUnknownMarkWarning")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["atdm: 2 requests, 6 rows seeded, 6 removed, *"])


def test_a_tag_that_names_nothing_is_a_collection_error(suite: Suite, use: Callable[[str], None]) -> None:
    """A typo in a feature is told as one in a mark is."""
    use("pytest-bdd")
    (suite.pytester.path / "late.feature").write_text(
        "Feature: Reminders\n  @atdm:overdue_lone\n  Scenario: A late loan\n    Given a loan\n"
    )
    suite.write(
        "from pytest_bdd import given, scenarios\n\nscenarios('late.feature')\n\n@given('a loan')\ndef _(): pass"
    )

    result = suite.run_apart()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*did you mean "overdue_loan"*'])


@pytest.mark.slow
def test_the_oldest_pytest_that_is_promised_works(
    clean_suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All styles of test, alone and with workers, on the version that pyproject.toml names as the least."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    least = re.search(r'"pytest>=([0-9.]+)"', project)
    assert least is not None
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=120)
    command = [str(tmp_path / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--target", tmp_path / "oldest", f"pytest=={least[1]}.*"], check=True, timeout=120)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "oldest"), prepend=os.pathsep)
    clean_suite.write(STYLES)

    for way in ((), ("-n", "2")):
        result = clean_suite.run_apart(*way)

        result.assert_outcomes(passed=TESTS)
        result.stdout.fnmatch_lines([f"*pytest-{least[1]}.*"])
