"""What a cleanup has to say: rows that it left, rows that the application changed, indexes that it lacked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.plugin.database import empty_tables, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Suite

OLD_REMINDER = """
    WITH reader AS (
        INSERT INTO readers VALUES (gen_random_uuid(), 'FAKE_old', 'old', 1, '2000-01-01') RETURNING reader_id
    ), book AS (
        INSERT INTO books (genre, title, price) VALUES ('crime', 'Old', 1) RETURNING book_id
    ), loan AS (
        INSERT INTO loans (reader_id, book_id, lent_on, state)
        SELECT reader_id, book_id, '2001-01-01', 'open' FROM reader, book RETURNING loan_id
    )
    INSERT INTO reminders (loan_id, text) SELECT loan_id, 'old' FROM loan, generate_series(1, $1::integer)
"""
LEAKING = """
    @atdm_scenario("overdue_loan")
    def test_a(atdm_data, atdm_database_url):
        fetch(atdm_database_url, "UPDATE reminders SET loan_id = $1", atdm_data.loan.loan_id)
"""
#: A request of the run that no test cleans up, and that its end cannot clean up either.
LEAKING_AT_THE_END = """
    import os
    from pytest_atdm._client import SeederClient
    from pytest_atdm._sidecar import SeederAddress

    @pytest.mark.parametrize("number", range(4))
    @atdm_scenario("overdue_loan")
    def test_a(number, atdm_data, atdm_run, atdm_database_url):
        if number:
            return
        address = SeederAddress(os.environ["ATDM_URL"], os.environ["ATDM_TOKEN"], None, "remote")
        client = SeederClient(address)
        receipt = client.request("overdue_loan", run_id=atdm_run.run_id)
        client.close()
        fetch(atdm_database_url, "UPDATE reminders SET loan_id = $1", receipt.entities["loan"].rows[0]["loan_id"])
"""


def run(suite: Suite, workers: int, *options: str) -> pytest.RunResult:
    """Run pytest on the suite, with so many workers."""
    return suite.run_apart("-n", str(workers), *options) if workers else suite.run(*options)


@pytest.fixture
def leaky(suite: Suite) -> Iterator[Suite]:
    """A suite beside whose rows a reminder stood before, which must refer to a loan."""
    fetch(suite.database_url, OLD_REMINDER, 1)
    yield suite
    empty_tables(suite.database_url)


def test_a_leak_is_an_error_unless_told_otherwise(leaky: Suite) -> None:
    """The teardown fails with one message that names tables, keys, and the row that refers."""
    leaky.write(LEAKING)

    result = leaky.run()

    result.assert_outcomes(passed=1, errors=1)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_a*",
            "atdm: left standing by the cleanup: 3 rows",
            "  public.readers {'reader_id': '*'}: old row refers: public.reminders {\"reminder_id\": *}",
        ]
    )
    assert 3 == result.stdout.str().count("old row refers: public.reminders")


@pytest.mark.parametrize(("action", "warnings"), [("warn", 1), ("ignore", 0)])
def test_a_leak_can_be_a_warning_or_a_line(leaky: Suite, action: str, warnings: int) -> None:
    """The test passes, and the summary counts the rows; with warn they are named too."""
    leaky.write(LEAKING)

    result = leaky.run("-W", "default", f"--atdm-leaks={action}")

    result.assert_outcomes(passed=1, warnings=warnings)
    assert pytest.ExitCode.OK == result.ret
    assert warnings == result.stdout.str().count("AtdmWarning: atdm: left standing by the cleanup: 3 rows")
    result.stdout.fnmatch_lines(["atdm: 1 request, *, 3 left in 1 run"])


@pytest.mark.parametrize("way", ["environment", "ini"])
def test_the_action_is_told_like_every_setting(leaky: Suite, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment or the ini file, where the command line says nothing."""
    leaky.write(LEAKING)
    if way == "ini":
        leaky.pytester.makeini("[pytest]\natdm_leaks = ignore")
    else:
        monkeypatch.setenv("ATDM_LEAKS", "ignore")

    leaky.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("action", "workers", "code", "rows"),
    [
        ("error", 0, pytest.ExitCode.TESTS_FAILED, 3),
        ("error", 2, pytest.ExitCode.TESTS_FAILED, 3),
        ("warn", 0, pytest.ExitCode.OK, 3),
        ("ignore", 0, pytest.ExitCode.OK, 0),
    ],
)
def test_a_leak_at_the_end_of_a_run_counts_too(
    leaky: Suite, action: str, workers: int, code: pytest.ExitCode, rows: int
) -> None:
    """Where all tests were green the session fails for it, with the rows in its last lines; unless told otherwise."""
    leaky.write(LEAKING_AT_THE_END)

    result = run(leaky, workers, f"--atdm-leaks={action}")

    result.assert_outcomes(passed=4)
    assert code == result.ret
    said = "had to leave 3 rows" + (", for which the session fails (see --atdm-leaks)" if action == "error" else "")
    lines = [line for line in result.outlines if line.startswith("atdm: the end of")]
    assert [True] == [line.endswith(said) for line in lines]
    assert rows == result.stdout.str().count("old row refers: public.reminders")


def test_what_an_earlier_session_leaked_is_named(leaky: Suite) -> None:
    """The reset that comes first says what it had to leave; that fails no session."""
    with leaky.open_client() as client:
        receipt = client.request("overdue_loan")
    fetch(leaky.database_url, "UPDATE reminders SET loan_id = $1", receipt.entities["loan"].rows[0]["loan_id"])
    leaky.write("def test_a(): pass")

    result = leaky.run("--atdm-reset-all")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        ["atdm: --atdm-reset-all removed 0 rows of 1 request, and had to leave 3 rows", "*old row refers*"]
    )


def test_a_row_from_before_that_was_changed_is_a_warning(suite: Suite) -> None:
    """It names table and key, and that no cleanup undoes it; a request that shares the row does not say it again."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, atdm_database_url):
            atdm_data.request("overdue_loan")
            fetch(atdm_database_url, "UPDATE genres SET title = title || '!' WHERE code = $1", atdm_data.book.genre)
        """
    )

    before = suite.read_all_rows()["genres"]
    try:
        result = suite.run("-W", "default")
        changed = suite.read_all_rows()["genres"]
    finally:
        fetch(suite.database_url, "UPDATE genres SET title = rtrim(title, '!')")

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*AtdmWarning: atdm: 1 row that stood before the test changed meanwhile, which no cleanup undoes",
            "*public.genres {'code': '*'}: written since the request was made, by the application or somebody beside*",
            "atdm: 2 requests, *, 2 from before written meanwhile in 1 run",
        ]
    )
    assert before != changed


@pytest.mark.parametrize("workers", [0, 2])
def test_an_index_that_lacks_is_told_once(suite: Suite, workers: int) -> None:
    """With the statement that helps, in one line for the session, however many workers found it."""
    suite.write(
        """
        @pytest.mark.parametrize("number", range(6))
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data, number): pass
        """
    )

    with without_index(suite):
        result = run(suite, workers)

    result.assert_outcomes(passed=6)
    said = (
        "atdm: no index serves the reference of public.reminders to public.loans, so that each cleanup reads more than "
    )
    said += "10,000 rows; this helps: CREATE INDEX ON public.reminders (loan_id)"
    assert [said] == [line for line in result.outlines if "this helps" in line]


@contextlib.contextmanager
def without_index(suite: Suite) -> Iterator[None]:
    """Have many rows stand in a table that lacks an index."""
    fetch(suite.database_url, OLD_REMINDER, 12_000)
    fetch(suite.database_url, "DROP INDEX reminders_loan_id_idx")
    fetch(suite.database_url, "ANALYZE reminders")
    try:
        yield
    finally:
        fetch(suite.database_url, "CREATE INDEX ON reminders (loan_id)")
        empty_tables(suite.database_url)
