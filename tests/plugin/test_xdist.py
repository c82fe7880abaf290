"""Several workers, one session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_atdm._xdist import derive_run_id
from pytest_atdm.core.ulid import is_ulid
from tests.process.actors import wait_until

if TYPE_CHECKING:
    import pytest

    from tests.plugin.conftest import Suite

RUN_ID = "01JD0000000000000000000099"

TWELVE = """
    import json, os

    @pytest.mark.parametrize("number", range(12))
    @atdm_scenario("overdue_loan")
    def test_a(number, atdm_data, atdm_run, worker_id):
        known = [worker_id, atdm_run.run_id, atdm_run.session_id, str(atdm_run.as_of), atdm_run.seeder_url]
        with open(f"values-{worker_id}", "a") as file: print(json.dumps(known), file=file)
"""


def read_values(suite: Suite) -> list[list[str]]:
    """Return what the workers wrote."""
    files = sorted(suite.pytester.path.glob("values-*"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def test_every_worker_has_its_own_run_below_one_session(suite: Suite) -> None:
    """Run ids follow from the id given and the worker; session id and day are shared; nothing is left."""
    before = suite.read_all_rows()
    suite.write(TWELVE)

    result = suite.run_apart("-n", "2", f"--atdm-run-id={RUN_ID}", "--atdm-as-of=2026-01-31")

    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["atdm: 12 requests, 36 rows seeded, 36 removed, * in 2 runs"])
    values = read_values(suite)
    assert {(worker, derive_run_id(RUN_ID, worker)) for worker in ("gw0", "gw1")} == {
        (one[0], one[1]) for one in values
    }
    assert len({one[2] for one in values}) == 1
    assert {"2026-01-31"} == {one[3] for one in values}
    assert before == suite.read_all_rows()


def test_faults_are_reported_once_for_all_workers(suite: Suite) -> None:
    """Every worker finds the same; it is shown once, and no test runs."""
    suite.write(TWELVE + '\n    @atdm_scenario("nowhere")\n    def test_b(): pass\n')

    result = suite.run_apart("-n", "2")

    result.assert_outcomes(errors=1)
    assert result.ret != 0
    assert result.stdout.str().count("ERROR collecting") == 1


def test_reset_all_happens_once_before_any_worker(suite: Suite) -> None:
    """The controller resets; a worker that reset too would take the rows of the others."""
    with suite.open_client() as client:
        client.request("overdue_loan")
    suite.write(TWELVE)

    result = suite.run_apart("-n", "2", "--atdm-reset-all")

    result.assert_outcomes(passed=12)
    assert result.stdout.str().count("--atdm-reset-all removed 3 rows of 1 request") == 1


def test_the_rows_of_a_crashed_worker_are_removed(suite: Suite) -> None:
    """The controller ends the run of a worker that was killed in a test; the summary says so."""
    before = suite.read_all_rows()
    suite.write(
        """
        import os, signal

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("number", range(4))
        @atdm_scenario("overdue_loan")
        def test_b(number): pass
        """
    )

    result = suite.run_apart("-n", "2")

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["atdm: ended the run * of a crashed worker: 3 rows removed"])
    assert before == suite.read_all_rows()


def test_the_checkpoint_vouches_for_a_crashed_workers_run(suite: Suite) -> None:
    """Where the controller ends the only run that there was, the newest seal is that run's."""
    suite.write("""
        import os, signal

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): os.kill(os.getpid(), signal.SIGKILL)
    """)

    result = suite.run_apart("-n", "1", "--max-worker-restart=0")

    with suite.open_client() as client:
        result.stdout.fnmatch_lines([f"atdm: audit checkpoint: {client.verify_audit(None).checkpoint}"])


def test_the_rows_of_a_crashed_worker_are_kept_where_that_was_asked_for(suite: Suite) -> None:
    """With --atdm-keep-data the rows of the test that crashed are those that somebody wants to see."""
    before = suite.read_all_rows()
    suite.write("""
        import os, signal

        @atdm_scenario("overdue_loan")
        def test_a(atdm_data): os.kill(os.getpid(), signal.SIGKILL)
    """)

    result = suite.run_apart("-n", "1", "--max-worker-restart=0", "--atdm-keep-data=1h")

    result.assert_outcomes(failed=1)
    assert "ended the run" not in result.stdout.str()
    assert before != suite.read_all_rows()
    with suite.open_client() as client:
        assert 1 == client.reset_all().requests
    assert before == suite.read_all_rows()


def test_a_crash_in_an_idle_suite_starts_nothing(suite: Suite) -> None:
    """Without a report that speaks of a request there is nothing to end."""
    suite.write("import os\n\ndef test_a(): os._exit(3)")

    result = suite.run_apart("-n", "1", "--max-worker-restart=0")

    result.assert_outcomes(failed=1)
    assert "atdm: " not in "\n".join(line for line in result.outlines if not line.startswith("atdm: catalog"))


def test_a_run_id_of_a_worker_is_a_ulid_of_the_same_time() -> None:
    """Derived ids sort with the one they come from, and differ from it and from each other."""
    ids = [derive_run_id(RUN_ID, f"gw{number}") for number in range(3)]

    assert all(is_ulid(one) for one in ids)
    assert {RUN_ID[:10]} == {one[:10] for one in ids}
    assert len({RUN_ID, *ids}) == 4
    assert ids[0] == derive_run_id(RUN_ID, "gw0")


def test_an_embedded_seeder_is_started_once_for_all(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing configured the workers share one seeder, which ends with the session."""
    for name in ("ATDM_URL", "ATDM_TOKEN", "ATDM_DATABASE_URL"):
        monkeypatch.delenv(name)
    suite.write(TWELVE)

    result = suite.run_apart("-n", "2")

    result.assert_outcomes(passed=12)
    assert len({one[4] for one in read_values(suite)}) == 1
    wait_until(lambda: not list((suite.pytester.path / ".atdm").glob("*/seeder.json")))
