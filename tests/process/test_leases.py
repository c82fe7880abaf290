"""Kill tests: what becomes of the rows of those who end without a word, where the seeder is their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from pytest_atdm._client import SeederClient
from tests.process.actors import CATALOG, PATIENCE_S, ROOT, is_running, postgres_pid, query, seeder_pid, wait_until
from tests.process.planter import RUN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.process.conftest import Ensure

COUNT = "SELECT count(*) FROM members"
STATE = "SELECT state FROM atdm.run WHERE actor = 'planter'"


@contextlib.contextmanager
def planter(folder: Path, *, database_url: str | None = None, keep_s: str = "") -> Iterator[subprocess.Popen[str]]:
    """Yield a process whose rows stand; it is gone afterwards."""
    command = [sys.executable, "-m", "tests.process.planter", str(folder), str(CATALOG), database_url or "", keep_s]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "planted\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_killed_session_leaves_nothing_in_a_database_of_its_users(
    ensure: Ensure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seeder that ends with it gives up its run at once, and does not wait for the lease."""
    server = ensure()
    monkeypatch.setenv("ATDM_ALLOW_DATABASES", "atdm")
    url = server.address.database_url
    with planter(tmp_path / "another", database_url=url) as process:
        assert 1 == query(url, COUNT)
        pid = seeder_pid(tmp_path / "another")

        process.kill()
        wait_until(lambda: not is_running(pid))

    assert (0, "reaped") == (query(url, COUNT), query(url, STATE))


def test_the_next_start_sweeps_up_after_a_killed_seeder(ensure: Ensure, folder: Path) -> None:
    """Session, seeder and embedded Postgres are killed at once; whoever starts next finds none of their rows."""
    with planter(folder) as process:
        pids = [process.pid, seeder_pid(folder), postgres_pid(folder)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_running(pid) for pid in pids))

    url = ensure().address.database_url

    assert (0, "reaped") == (query(url, COUNT), query(url, STATE))


def test_kept_rows_outlive_their_session_and_its_seeder(ensure: Ensure, folder: Path) -> None:
    """They were asked for beyond the session: the end of the seeder and the next start leave them alone."""
    with planter(folder, keep_s="3600") as process:
        pid = seeder_pid(folder)
        process.kill()
        wait_until(lambda: not is_running(pid))

    address = ensure().address

    assert (1, "active") == (query(address.database_url, COUNT), query(address.database_url, STATE))
    with contextlib.closing(SeederClient(address, timeout_s=PATIENCE_S)) as client:
        assert [RUN_ID] == [one.run_id for one in client.reap(RUN_ID)]
    assert 0 == query(address.database_url, COUNT)


def test_a_seeder_that_others_use_reaps_who_was_killed(
    ensure: Ensure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives on for the others; the run of the killed one goes when its lease lapses."""
    monkeypatch.setenv("ATDM_LEASE_S", "1")
    url = ensure().address.database_url
    with planter(folder) as process:
        process.kill()

    wait_until(lambda: query(url, STATE) == "reaped")

    assert 0 == query(url, COUNT)
