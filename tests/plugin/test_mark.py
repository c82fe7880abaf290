"""The mark: what it takes, and what is said of wrong use."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from pytest_atdm import atdm_scenario
from pytest_atdm.core.errors import MarkError
from pytest_atdm.plugin import _MARK

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

WRONG_USES = {
    "no-name": (
        "@pytest.mark.atdm_scenario(days_late=1)\ndef test_a(): pass",
        "takes the name of a scenario without a keyword, and has none",
        'write @atdm_scenario("name"',
    ),
    "a-name-twice": (
        '@atdm_scenario("overdue_loan", "overdue_loan")\ndef test_a(): pass',
        "takes each name once, not overdue_loan, overdue_loan",
        "for rows that stand together write several marks",
    ),
    "no-text": ("@pytest.mark.atdm_scenario(7)\ndef test_a(): pass", "not 7", 'write @atdm_scenario("name")'),
    "no-text-as-parameter": (
        '@pytest.mark.parametrize("atdm_data", [7], indirect=True)\ndef test_a(atdm_data): pass',
        "not 7",
        'write @atdm_scenario("name")',
    ),
    "two-marks": (
        '@atdm_scenario("reader_with_books")\n@atdm_scenario("overdue_loan")\ndef test_a(): pass',
        "2 marks atdm_scenario in one place (reader_with_books, overdue_loan)",
        'give each a name, @atdm_scenario("name", as_="first")',
    ),
    "two-marks-of-one-name": (
        '@atdm_scenario("reader_with_books", as_="a")\n@atdm_scenario("overdue_loan", as_="a")\ndef test_a(): pass',
        "2 marks atdm_scenario in one place (reader_with_books, overdue_loan)",
        'atdm_data.request("name")',
    ),
    "one-with-a-name-and-one-without": (
        'pytestmark = atdm_scenario("overdue_loan")\n@atdm_scenario("overdue_loan", as_="late")\ndef test_a(): pass',
        'on a test, its class and module included, "overdue_loan" stands beside late without a name',
        'as_="first"',
    ),
    "odd-alias": (
        '@atdm_scenario("overdue_loan", as_="a b")\ndef test_a(): pass',
        "as_='a b' is no name by which the rows could be reached",
        'as_="first"',
    ),
    "several-names-with-an-alias": (
        '@atdm_scenario("overdue_loan", "reader_with_books", as_="late")\ndef test_a(): pass',
        "takes one name only where as_ says how it is called",
        "for rows that stand together write several marks",
    ),
    "several-names-on-unittest": (
        (
            "class TestA(unittest.TestCase):\n"
            '    @atdm_scenario("overdue_loan", "reader_with_books")\n    def test_a(self): pass'
        ),
        "several scenarios on a unittest.TestCase",
        "write a test for each",
    ),
    "unknown-scenario": (
        '@atdm_scenario("overdue_lone")\ndef test_a(): pass',
        'no scenario "overdue_lone"',
        "overdue_loan",
    ),
    "unknown-override": (
        '@atdm_scenario("overdue_loan", days_lat=3)\ndef test_a(): pass',
        'unknown override "days_lat"',
        'did you mean "days_late"?',
    ),
    "out-of-range": (
        '@atdm_scenario("overdue_loan", days_late=0)\ndef test_a(): pass',
        "days_late",
        "from 1 up to 365",
    ),
    "broken-promise": (
        '@atdm_scenario("overdue_loan", loan__state="open")\ndef test_a(): pass',
        "loan.state = 'overdue'",
        "hint:",
    ),
    "unknown-column": (
        '@atdm_scenario("overdue_loan", loan__stat="open")\ndef test_a(): pass',
        'has no column "stat"',
        'did you mean "state"?',
    ),
}


@pytest.mark.parametrize(("text", "message", "fix"), WRONG_USES.values(), ids=WRONG_USES)
def test_wrong_use_is_a_collection_error_with_place_and_fix(suite: Suite, text: str, message: str, fix: str) -> None:
    """A mark that cannot work stops the collection, says where it stands, what is wrong and what to do."""
    suite.write(text)

    result = suite.run()

    result.assert_outcomes(errors=1)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    output = result.stdout.str()
    line = len((suite.pytester.path / "test_it.py").read_text().splitlines()) - text.count("\n")
    assert "ERROR collecting test_it.py" in output
    assert any(f"test_it.py:{line + offset}: test_a" in output for offset in range(text.count("\n")))
    assert message in output
    assert fix in output


def test_a_mark_without_parentheses_fails_where_it_stands() -> None:
    """The decorator refuses a function: pytest would otherwise lose the test without a word."""
    with pytest.raises(MarkError, match="not the function _test_a") as caught:
        atdm_scenario(_test_a)  # type: ignore[arg-type]

    assert 'write @atdm_scenario("name") with its name' in caught.value.hint


def test_all_problems_are_reported_at_once(suite: Suite) -> None:
    """Two different faults give two errors; tests that share a fault share its error."""
    suite.write(
        """
        @atdm_scenario("nowhere")
        def test_a(): pass

        @atdm_scenario("nowhere")
        def test_b(): pass

        @atdm_scenario("overdue_loan", loan__state="open")
        def test_c(): pass

        def test_d(): pass
        """
    )

    result = suite.run()

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*: test_a asks for nowhere()", "*: test_b asks for nowhere()", "*: test_c asks for *"]
    )


def test_the_registered_mark_is_its_signature() -> None:
    """What ``pytest --markers`` shows is what the function takes."""
    parameters = inspect.signature(atdm_scenario).parameters.values()

    assert [str(parameter.name) for parameter in parameters] == ["name", "more", "as_", "scope", "overrides"]
    assert _MARK.startswith("atdm_scenario(name, /, *more, as_=None, scope=None, **overrides):")


def test_both_spellings_of_the_mark_work(suite: Suite) -> None:
    """``atdm_scenario`` and ``pytest.mark.atdm_scenario`` are the same mark, under --strict-markers too."""
    suite.write(
        """
        @atdm_scenario("overdue_loan", days_late=5)
        def test_a(atdm_data): assert (atdm_data.facts.as_of - atdm_data.loan.lent_on).days == 33

        @pytest.mark.atdm_scenario("overdue_loan", days_late=5)
        def test_b(atdm_data): assert (atdm_data.facts.as_of - atdm_data.loan.lent_on).days == 33
        """
    )

    suite.run("--strict-markers").assert_outcomes(passed=2)


def test_an_override_may_be_called_name() -> None:
    """The scenario's name is positional only: no override can clash with it."""
    assert atdm_scenario("a", name="b").kwargs == {"name": "b"}


def _test_a() -> None: ...
