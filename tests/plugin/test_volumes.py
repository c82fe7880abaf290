"""Thousands of rows for a test: there while it runs, counted, the first of them typed, and gone afterwards."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.plugin.database import fetch

if TYPE_CHECKING:
    from io import FileIO

    from tests.plugin.conftest import Suite

PATIENCE_S = 30.0


def test_a_test_sees_a_volume_and_leaves_nothing(suite: Suite) -> None:
    """The rows stand in the database; the test sees their number and the first of them; then all are gone."""
    before = suite.read_all_rows()
    suite.write("""
        @atdm_scenario("full_library", books=6_000)
        def test_many(atdm_data, atdm_database_url):
            (found,) = fetch(atdm_database_url, "SELECT count(*) AS books, count(DISTINCT book_id) AS keys FROM books")
            assert {"books": 6_000, "keys": 6_000} == found
            assert 6_000 == len(atdm_data.book)
            assert atdm_data.book[0] == atdm_data.book.listed[0] == atdm_data.rows("book")[0]
            assert isinstance(atdm_data.book[99].price, decimal.Decimal)
            with pytest.raises(LookupError, match="the first 100 are here"):
                atdm_data.book[100]
            with pytest.raises(IndexError):
                atdm_data.book[6_000]
    """)

    suite.run().assert_outcomes(passed=1)

    assert before == suite.read_all_rows()


def test_a_validator_of_the_users_own_judges_all_rows(suite: Suite) -> None:
    """What a validator of a conftest objects to in a row beyond the plan is an error of the setup; nothing stays."""
    before = suite.read_all_rows()
    suite.write(
        """
        from pytest_atdm.core.gate import Validator

        def find(check):
            for row in check.plan.rows:
                if row.name == "book[1234]":
                    yield check.finding("no-1234", row.name, "title", message="not this one", fix="leave it out")

        def pytest_atdm_validators():
            return [Validator("unlucky", find)]
        """,
        name="conftest",
    )
    suite.write("""
        @atdm_scenario("full_library")
        def test_many(atdm_data):
            pass
    """)

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*$.entities.book?1234?.title: not this one*"])
    assert before == suite.read_all_rows()


def test_a_test_process_that_is_killed_while_it_sends_leaves_nothing(suite: Suite) -> None:
    """SIGKILL in the middle of the rows: the seeder gives the transaction up, and no row was ever to be seen."""
    before = suite.read_all_rows()
    suite.write(
        """
        import os, signal
        from pytest_atdm.core.gate import Validator

        def find(check):
            if any(row.name == "book[12000]" for row in check.plan.rows):
                os.kill(os.getpid(), signal.SIGKILL)
            return ()

        def pytest_atdm_validators():
            return [Validator("deadly", find)]
        """,
        name="conftest",
    )
    suite.write("""
        @atdm_scenario("full_library", books=20_000)
        def test_many(atdm_data):
            pass
    """)

    assert -9 == suite.run_apart().ret

    deadline = time.monotonic() + PATIENCE_S  # only a hang is waited for so long
    while suite_is_writing(suite) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not suite_is_writing(suite)
    assert before == suite.read_all_rows()


@pytest.mark.parametrize(("options", "shown"), [((), True), (("-n", "1"), False)])
def test_a_terminal_shows_how_far_it_is(suite: Suite, options: tuple[str, ...], *, shown: bool) -> None:
    """Where errors go to a terminal, a bar counts the rows; workers, which share theirs, leave it alone."""
    suite.write("""
        @atdm_scenario("full_library", books=12_000)
        def test_many(atdm_data):
            pass
    """)
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_XDIST_WORKER"}  # this one's own
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 (a descriptor)
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=suite.pytester.path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        said = b"".join(iter(lambda: _read(terminal), b""))
        assert 0 == process.wait(PATIENCE_S)

    assert shown is (b"11900/11900" in said)


def _read(terminal: FileIO) -> bytes:
    """What comes next; nothing once the other side is closed."""
    try:
        return terminal.read(4096) or b""
    except OSError:
        return b""


def suite_is_writing(suite: Suite) -> bool:
    """Whether a transaction of the seeder is under way."""
    (found,) = fetch(
        suite.database_url,
        "SELECT count(*) AS open FROM pg_stat_activity"
        " WHERE application_name = 'atdm-seeder' AND xact_start IS NOT NULL",
    )
    return bool(found["open"])
