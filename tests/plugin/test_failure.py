"""What the report of a failed test says of its data."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

FAILING = """
    import json, pathlib

    @atdm_scenario("overdue_loan", days_late=5)
    def test_a(atdm_data):
        with pathlib.Path("seen").open("a") as file:
            print(json.dumps([*map(str, dict(atdm_data.reader).values()), str(atdm_data.loan.lent_on)]), file=file)
        assert False
"""


def read_section(result: pytest.RunResult) -> list[str]:
    """Return the lines of the section, which is to stand there once."""
    output = result.outlines
    (start,) = [number for number, line in enumerate(output) if line.strip("- ") == "atdm data"]
    end = next(number for number in range(start, len(output)) if output[number].startswith("again: "))
    return output[start + 1 : end + 1]


def test_a_failed_test_shows_its_data(suite: Suite) -> None:
    """The situation, what is expected, and each row by its key and by what the scenario says of it."""
    suite.write(FAILING)

    lines = read_section(suite.run("--atdm-as-of", "2026-01-31"))

    assert ["overdue_loan: A loan that is overdue", "  expected: The reader is reminded."] == lines[:2]
    reader, book, loan, genre = lines[2:6]
    assert "    genre (public.genres): code='crime'" == genre
    assert reader.startswith("    reader (public.readers): reader_id='")
    assert reader.endswith("', items=7, joined_on='2023-05-07'")
    assert book.startswith("    book (public.books): book_id=")
    assert loan.endswith("lent_on='2025-12-29', state='overdue'")
    assert 7 == len(lines)


def test_what_the_application_has_done_is_marked(suite: Suite) -> None:
    """A row that was changed, one that is gone, and one that came below are told apart."""
    suite.write(
        """
        @atdm_scenario("overdue_loan", as_="changed")
        @atdm_scenario("overdue_loan", as_="gone")
        def test_a(atdm_data, atdm_database_url):
            changed, gone = atdm_data.changed.loan.loan_id, atdm_data.gone.loan.loan_id
            change = "UPDATE loans SET state = 'returned', returned_on = '2026-01-31' WHERE loan_id = $1"
            fetch(atdm_database_url, change, changed)
            fetch(atdm_database_url, "DELETE FROM loans WHERE loan_id = $1", gone)
            for number in range(6):
                fetch(atdm_database_url, "INSERT INTO reminders (loan_id, text) VALUES ($1, 'x')", changed)
            assert False
        """
    )

    lines = read_section(suite.run("--atdm-as-of", "2026-01-31"))

    (changed,) = [line for line in lines if line.startswith("  ~ ")]
    assert changed.startswith("  ~ loan (public.loans): loan_id=")
    assert changed.endswith("returned_on=None -> '2026-01-31', state='overdue' -> 'returned'")
    (gone,) = [line for line in lines if line.startswith("  - ")]
    assert gone.endswith("lent_on='2025-12-31', state='overdue'")
    added = [line for line in lines if line.startswith("  + ")]
    assert 5 == len(added)
    assert all(line.startswith("  + public.reminders: reminder_id=") for line in added)
    assert "    and 1 more row that the application has added" in lines


def test_the_command_makes_the_same_data_again(suite: Suite) -> None:
    """What stands behind "again" runs the one test with the same values, workers' too."""
    suite.write(FAILING + "\n    def test_b(): pass\n")

    again = [read_section(suite.run(*arguments))[-1] for arguments in ((), ("-n", "1"))]

    for line in again:
        command = shlex.split(line)
        assert ["again:", "pytest", "test_it.py::test_a", "--atdm-run-id"] == command[:4]
        suite.run(*command[2:]).assert_outcomes(failed=1)
    seen = [json.loads(line) for line in (suite.pytester.path / "seen").read_text().splitlines()]
    alone, worker, alone_again, worker_again = seen
    assert alone == alone_again != worker == worker_again


def test_many_rows_are_counted(suite: Suite) -> None:
    """Of many rows the first are shown, of a volume too."""
    suite.write(
        """
        @atdm_scenario("full_library", as_="large")
        @atdm_scenario("reader_with_books", as_="small", books=5)
        def test_a(): assert False
        """
    )

    lines = read_section(suite.run())

    assert ["    and 1495 more rows of book"] == [line for line in lines if line.startswith("    and ")]
    assert 10 == sum(line.startswith("    book (public.books): book_id=") for line in lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('@atdm_scenario("overdue_loan")\ndef test_a(): pass', False),
        ("def test_a(): assert False", False),
        ('@atdm_scenario("overdue_loan")\ndef test_a(): pytest.skip("not now")', False),
        ('@atdm_scenario("overdue_loan")\ndef test_a(nothing): pass', True),
        (
            '@pytest.fixture\ndef bad(): yield; assert False\n@atdm_scenario("overdue_loan")\ndef test_a(bad): pass',
            False,
        ),
    ],
    ids=["passed", "unmarked", "skipped", "setup", "teardown"],
)
def test_the_section_stands_where_rows_do(suite: Suite, text: str, *, shown: bool) -> None:
    """It is there where a test, or a fixture before it, fails while rows stand; at the end they are gone."""
    suite.write(text)

    assert shown == ("again: pytest" in suite.run().stdout.str())
