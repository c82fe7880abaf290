"""A session's lease: renewed while tests run, lost with a clear word, and longer where rows are to be kept."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pytest_atdm._client import SeederClient
from pytest_atdm._heartbeat import Heartbeat
from pytest_atdm.core.ulid import make_ulid
from tests.plugin.database import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Suite

PATIENCE_S = 30.0  # only so that what never happens fails instead of hanging


@pytest.fixture
def client(suite: Suite) -> Iterator[SeederClient]:
    """A client of the seeder."""
    with suite.open_client() as client:
        yield client


def start_run(client: SeederClient) -> str:
    """Start a run of this test's own and return its id."""
    run_id = make_ulid(time.time_ns() // 1_000_000, time.time_ns().to_bytes(10, "big"))
    client.start_run(run_id=run_id, session_id=run_id, actor="test", seed=0, as_of="2026-01-31")
    return run_id


def read_expiry(suite: Suite, run_id: str) -> object:
    """Return when the lease of the run lapses."""
    (row,) = fetch(suite.database_url, "SELECT expires_at FROM atdm.lease WHERE run_id = $1", run_id)
    return row["expires_at"]


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_heart_beats_until_it_is_stopped(suite: Suite, client: SeederClient) -> None:
    """The lease is renewed again and again by a thread, which ends with the session."""
    run_id = start_run(client)
    granted, others = read_expiry(suite, run_id), set(threading.enumerate())
    heartbeat = Heartbeat(suite.address, run_id, epoch=1, lease_s=0.1)

    wait_until(lambda: read_expiry(suite, run_id) != granted)
    once = read_expiry(suite, run_id)
    wait_until(lambda: read_expiry(suite, run_id) != once)
    heartbeat.stop()

    assert not [one for one in threading.enumerate() if one.name == "atdm-heartbeat" and one not in others]
    client.reset_run(run_id)


def test_a_heart_that_hears_of_the_loss_stands_still(suite: Suite, client: SeederClient) -> None:
    """A run that was ended for its owner has nothing to renew."""
    run_id = start_run(client)
    client.reap(run_id)
    others = set(threading.enumerate())
    heartbeat = Heartbeat(suite.address, run_id, epoch=1, lease_s=0.1)

    wait_until(lambda: set(threading.enumerate()) <= others)

    heartbeat.stop()


def test_a_test_whose_rows_were_taken_away_says_so(suite: Suite) -> None:
    """Its teardown is one clear error, whatever the test itself found, and no further test runs."""
    before = suite.read_all_rows()
    suite.write("""
        from pytest_atdm._state import SESSION

        @atdm_scenario("overdue_loan")
        def test_a(atdm_run, pytestconfig):
            assert 1 == len(pytestconfig.stash[SESSION].connection.client.reap(atdm_run.run_id))

        @atdm_scenario("overdue_loan")
        def test_b(): pass
    """)

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*were gone before the test had ended: removed by the reaper*", "*run it again*lease_lost*"]
    )
    result.stdout.no_fnmatch_line("*could not be ended*")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert before == suite.read_all_rows()


def test_a_session_that_lost_its_lease_seeds_no_more(suite: Suite) -> None:
    """A session that was stopped for too long is refused at its next request."""
    before = suite.read_all_rows()
    suite.write("""
        from pytest_atdm._state import SESSION

        def test_a(atdm_run, pytestconfig):
            pytestconfig.stash[SESSION].connection.client.reap(atdm_run.run_id)

        @atdm_scenario("overdue_loan")
        def test_b(): pass

        @atdm_scenario("overdue_loan")
        def test_c(): pass
    """)

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the lease of run * lapsed, and its rows have been removed*"])
    assert before == suite.read_all_rows()


def test_rows_are_kept_on_request(suite: Suite) -> None:
    """With --atdm-keep-data they outlive the session, until a stated time or until somebody ends the run."""
    before = suite.read_all_rows()
    suite.write("""
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): assert atdm_data.loan

        @atdm_scenario("overdue_loan")
        def test_b(atdm_data): assert atdm_data.loan
    """)

    result = suite.run("--atdm-keep-data=2h")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["atdm: *rows kept (from --atdm-keep-data)*", "atdm: the run * is kept until 20*Z; *"])
    assert before != suite.read_all_rows()
    found = re.search(r"atdm reap ([0-9A-Z]{26})", result.stdout.str())
    assert found
    with suite.open_client() as client:
        (run,) = [run for run in client.runs() if run["run_id"] == found[1]]
        assert ("active", True, 6) == (run["state"], run["kept"], run["live_rows"])
        assert 7100 < int(str(run["lease_left_s"])) <= 7200
        kinds = [event["kind"] for event in client.audit(found[1])["events"]]  # type: ignore[index, union-attr, call-overload]
        assert 2 == kinds.count("consumed_by_test")
        assert [6] == [sum(one.report.seeded.values()) for one in client.reap(found[1])]
    assert before == suite.read_all_rows()


def test_a_session_takes_over_the_run_of_one_that_was_killed(suite: Suite) -> None:
    """With a run id of one's own: rows of the killed session go first, once its lease has lapsed."""
    before = suite.read_all_rows()
    suite.write("""
        import os

        @atdm_scenario("overdue_loan")
        def test_a(): os.getenv("KILL_ME") and os.kill(os.getpid(), 9)
    """)
    run_id = make_ulid(time.time_ns() // 1_000_000, b"0123456789")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KILL_ME", "1")
        suite.run_apart(f"--atdm-run-id={run_id}")
    assert before != suite.read_all_rows()
    refused = suite.run(f"--atdm-run-id={run_id}")
    lapse = "UPDATE atdm.lease SET expires_at = clock_timestamp() - interval '1 s' WHERE run_id = $1"
    fetch(suite.database_url, lapse, run_id)

    result = suite.run(f"--atdm-run-id={run_id}")

    refused.assert_outcomes(errors=1)
    refused.stdout.fnmatch_lines(["*is active with other values: *@* pid * started it at *; its lease lapses at 20*"])
    result.assert_outcomes(passed=1)
    assert before == suite.read_all_rows()


@pytest.mark.parametrize(
    "text", ["2", "2 weeks", "0h", "31d", "-1h", "1.5h", "yes", "off:2h", "on:", "retain-on-failure:2", "retain:2h"]
)
def test_a_duration_is_checked(suite: Suite, text: str) -> None:
    """What is no duration, or longer than anybody remembers, ends the session before anything is done."""
    suite.write("def test_a(): pass")

    result = suite.run(f"--atdm-keep-data={text}")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        [
            f'*--atdm-keep-data: "{text}" is neither off, on, *nor a duration of at most 30 days*',
            "*like retain-on-failure, 2h or *",
        ]
    )


def test_every_request_of_a_test_is_kept(suite: Suite) -> None:
    """Those that it asked for in its middle, too."""
    suite.write("""
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): atdm_data.request("overdue_loan")
    """)

    result = suite.run("--atdm-keep-data=1m")

    result.stdout.fnmatch_lines(
        ["atdm: 2 requests, 6 rows seeded, 0 removed, *, 2 requests not reset by the test in 1 run"]
    )
    with contextlib.closing(SeederClient(suite.address)) as client:
        client.reset_all()
