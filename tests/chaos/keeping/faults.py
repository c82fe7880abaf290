"""What happens to the store, to the disk and to the seeder; and what somebody does meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import s3fs

from pytest_atdm.core.errors import StoreUnavailable
from tests.chaos.keeping.stage import wait_for_death
from tests.chaos.server import wait_until
from tests.store.server import BUCKET, KEY, SECRET

if TYPE_CHECKING:
    from tests.chaos.keeping.stage import Stage
    from tests.store.forwarder import Forwarder
    from tests.store.server import S3Server

Act: TypeAlias = "Callable[[Stage], None]"


def nothing(_stage: Stage) -> None:
    """Nothing happens."""


# -- what somebody does


def export(stage: Stage) -> None:
    """Have a run end."""
    stage.end_a_run()


def take(stage: Stage) -> None:
    """Take a baseline."""
    stage.take()


def bend(stage: Stage) -> None:
    """Take a baseline and bend the database; what is restored is one of the two states."""
    stage.take()
    clean = stage.read_rows()
    stage.bend()
    stage.states = [clean, stage.read_rows()]


def restore(stage: Stage) -> None:
    """Restore the baseline."""
    stage.restore()


def drop(stage: Stage) -> None:
    """Drop the baseline."""
    stage.drop()


def end_runs_with_both(stage: Stage) -> None:
    """Have ten runs end with each of two seeders at once."""
    stage.start_seeder(1)
    threads = [threading.Thread(target=_end_runs, args=(stage, number)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _end_runs(stage: Stage, number: int) -> None:
    for _ in range(10):
        stage.end_a_run(number)


def end_runs_and_kill_one(stage: Stage) -> None:
    """Do the same, and kill one of both in the middle of its exports."""
    end_runs_with_both(stage)
    stage.seeders[0].kill()


def snapshot_beside_a_writer(stage: Stage) -> None:
    """Take a baseline while the application writes parents with their children, and restore it."""
    url = stage.url
    stage.background = subprocess.Popen([sys.executable, "-c", WRITER, url])
    wait_until(lambda: stage.sql.value("SELECT count(*) FROM loans") > 20, "the application writes")
    stage.take()
    stage.background.kill()
    stage.background.wait()
    stage.restore()
    stage.states = [stage.read_rows()]
    assert 0 == stage.sql.value("SELECT count(*) FROM loans l FULL JOIN readers r USING (reader_id) WHERE l IS NULL")


#: An application that writes a reader with a loan, in one transaction each time.
WRITER: Final = """
import asyncio, sys
import asyncpg

async def write():
    connection = await asyncpg.connect(sys.argv[1])
    while True:
        async with connection.transaction():
            reader = await connection.fetchval(
                "INSERT INTO readers SELECT gen_random_uuid(), 'FAKE_w', gen_random_uuid(), 1, '2020-01-01'"
                " RETURNING reader_id"
            )
            await connection.execute(
                "INSERT INTO loans (reader_id, book_id, lent_on, state)"
                " SELECT $1, min(book_id), '2020-01-01', 'open' FROM books",
                reader,
            )

asyncio.run(write())
"""


# -- what happens to the store


def _bucket(stage: Stage) -> S3Server:
    assert stage.bucket is not None
    return stage.bucket


def _gateway(stage: Stage) -> Forwarder:
    assert stage.gateway is not None
    return stage.gateway


def kill_store(stage: Stage) -> None:
    """Kill the store's server."""
    _bucket(stage).kill()


def start_store(stage: Stage) -> None:
    """Start it again, and wait until it has found itself."""
    _bucket(stage).start()
    wait_until(lambda: _works(stage), "the store works again")


def pause_store(stage: Stage) -> None:
    """Stop the store's server: it takes connections, and says nothing."""
    _bucket(stage).pause()


def resume_store(stage: Stage) -> None:
    """Let it go on, and wait until it has found itself."""
    _bucket(stage).resume()
    wait_until(lambda: _works(stage), "the store works again")


def _works(stage: Stage) -> bool:
    with contextlib.suppress(StoreUnavailable):
        stage.store.probe()
        return True
    return False


def refuse(status: int, code: str, times: int = 100_000) -> Act:
    """Have the store refuse to be written to, so many times."""

    def strike(stage: Stage) -> None:
        _gateway(stage).refusals = [(status, code)] * times

    return strike


def accept(stage: Stage) -> None:
    """Have the store do again what it is asked."""
    gateway = _gateway(stage)
    gateway.refusals, gateway.body_bytes, gateway.loses_answers, gateway.delay_s = [], None, 0, 0.0


def slow_down(stage: Stage) -> None:
    """Have each write take a second."""
    _gateway(stage).delay_s = 1.0


def cut_bodies(stage: Stage) -> None:
    """Break each write in the middle of its body."""
    _gateway(stage).body_bytes = 100


def lose_answers(stage: Stage) -> None:
    """Do what is asked the next times, and break off before the answer."""
    _gateway(stage).loses_answers = 3


def forget_conditions(stage: Stage) -> None:
    """Have the store write over what stands, whatever it is asked."""
    _gateway(stage).drops_condition = True


def heed_conditions(stage: Stage) -> None:
    """Have it heed them again."""
    _gateway(stage).drops_condition = False


def remove_bucket(stage: Stage) -> None:
    """Remove the bucket with all that is in it."""
    _files(stage).rm(BUCKET, recursive=True)


def make_bucket(stage: Stage) -> None:
    """Make it again, empty."""
    _files(stage).mkdir(BUCKET)


def _files(stage: Stage) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=KEY, secret=SECRET, endpoint_url=_bucket(stage).endpoint, skip_instance_cache=True, use_listings_cache=False
    )


# -- what happens to the disk


def put_file_in_place(stage: Stage) -> None:
    """Have the folder be gone, and a file stand in its place."""
    shutil.rmtree(stage.folder, ignore_errors=True)
    stage.folder.touch()


def remove_file(stage: Stage) -> None:
    """Remove the file."""
    stage.folder.unlink()


def remove_folder(stage: Stage) -> None:
    """Remove the folder with all that is in it."""
    shutil.rmtree(stage.folder)


def forbid_writing(stage: Stage) -> None:
    """Have the folder be somebody else's, who lets nobody write."""
    for folder in (stage.folder, *stage.folder.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o555)
    if os.geteuid() == 0:
        stage.seeders[0].send_signal(signal.SIGUSR1)  # root may write anywhere: it becomes nobody
        wait_until(lambda: _uid_of(stage.seeders[0].pid) != 0, "the seeder is nobody")


def _uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def allow_writing(stage: Stage) -> None:
    """Let the seeder write there again."""
    for folder in (stage.folder, *stage.folder.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o755)
    stage.restart_seeder()


# -- what happens to the seeder


def restart(stage: Stage) -> None:
    """Start a seeder where the other one has killed itself."""
    wait_for_death(stage)
    stage.restart_seeder()


def restart_where_one_is_left(stage: Stage) -> None:
    """Start the one again that was killed; the other one goes on."""
    stage.restart_seeder()


def wait_a_moment(_stage: Stage) -> None:
    """Let some rounds of the exporter go by."""
    time.sleep(1.5)
