"""Whatever dies during a restore: the tables are as before, or as in the baseline."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from pytest_atdm.core.errors import DatabaseUnavailable
from seeder.db.restore import rewrite
from tests.database.world import wait_until_blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site

TABLES = (
    "CREATE TABLE p (id serial PRIMARY KEY, v text UNIQUE)",
    "CREATE TABLE c (id serial PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)",
    "CREATE INDEX ON c (p)",
    "INSERT INTO p (v) SELECT i FROM generate_series(1, 50) i",
    "INSERT INTO c (p) SELECT i FROM generate_series(1, 50) i",
)
CHANGE = """
DELETE FROM p WHERE id < 20;
UPDATE p SET v = v || 'x';
INSERT INTO p (v) SELECT 'n' || i FROM generate_series(1, 20) i
"""
_MOST_POINTS = 40


@pytest.mark.parametrize("point", range(0, 8, 2))
def test_killed_process_leaves_the_old_state(make_site: Callable[..., Site], point: int) -> None:
    """After SIGKILL at any point before the commit everything stands as before, and a restore after it succeeds."""
    site = make_site(*TABLES)
    site.take()
    wanted = site.state()
    site.execute(CHANGE)
    changed, catalog = site.state(), site.catalog()

    done = subprocess.run(
        [sys.executable, "-m", "tests.baselines.restored", site.url, site.store.place, "base", str(point)], check=False
    )

    assert -9 == done.returncode
    assert changed == site.state()
    assert catalog == site.catalog()
    site.restore()
    assert wanted == site.state()


@pytest.mark.parametrize("bulk_rows", [rewrite.BULK_ROWS, 0], ids=["few", "bulk"])
def test_ended_session_leaves_the_old_state(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, bulk_rows: int
) -> None:
    """Where Postgres ends the session at any point the old state stands, sequences that were moved by then included."""
    monkeypatch.setattr(rewrite, "BULK_ROWS", bulk_rows)
    site = make_site(*TABLES)
    site.take()
    wanted = site.state()
    site.execute(CHANGE)
    changed, catalog = site.state(), site.catalog()

    for end in (End(site, point) for point in range(_MOST_POINTS)):
        with contextlib.suppress(DatabaseUnavailable):
            site.restore(progress=end)
            assert end.point == 0  # it was told once less, and nobody ended it
            break
        assert changed == site.state()
        assert catalog == site.catalog()

    assert wanted == site.state()


class End:
    """Progress that lets Postgres end the restore's session when it is told the time number *point*."""

    def __init__(self, site: Site, point: int) -> None:
        self._site = site
        self.point = point

    def __call__(self, table: str, phase: str, done: int, total: int) -> None:
        """End it, or not yet."""
        if self.point == 0:
            self._site.end_sessions("atdm-seeder restore")
        self.point -= 1


def test_writers_wait_and_see_the_new_state(make_site: Callable[..., Site]) -> None:
    """Who writes to the tables meanwhile waits until the restore has ended, and then works on its rows."""
    site = make_site(*TABLES)
    site.take()
    wanted = site.state()
    site.execute(CHANGE)
    writers: list[asyncio.Task[str]] = []

    async def write() -> str:
        connection = await asyncpg.connect(site.url)
        await connection.execute("UPDATE p SET v = 'written' WHERE id = 3")
        status: str = await connection.execute("UPDATE p SET v = '3' WHERE id = 3")
        await connection.close()
        return status

    def start_writer(table: str, phase: str, done: int, total: int) -> None:
        if phase == "compare" and not writers:
            writers.append(asyncio.get_running_loop().create_task(write()))

    site.restore(progress=start_writer)
    status = site.wait(finish(writers[0]))

    assert "UPDATE 1" == status  # the row was not there before
    assert wanted == site.state()


async def finish(task: asyncio.Task[str]) -> str:
    """Wait for the task."""
    return await task


def test_cancelled_restore_leaves_the_old_state(make_site: Callable[..., Site]) -> None:
    """Who gives up waits for nothing: the session ends, and its locks with it."""
    site = make_site(*TABLES)
    site.take()
    site.execute(CHANGE)
    changed = site.state()

    async def give_up() -> None:
        blocker = await asyncpg.connect(site.url)
        await blocker.execute("BEGIN; LOCK TABLE p IN ACCESS EXCLUSIVE MODE")
        work = asyncio.ensure_future(site.begin_restore())
        await wait_until_blocked(site.url)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await blocker.close()

    site.wait(give_up())

    assert changed == site.state()
    site.execute("SET lock_timeout = 1000; UPDATE p SET v = v")
