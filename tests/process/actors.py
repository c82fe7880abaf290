"""What the tests of this folder act with: processes that hold on, the database, and patience with a limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from pytest_atdm.data import folder as data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_atdm.core.migrations import MigrationSource

CATALOG = data_folder("catalog")
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0  # only so that what never happens fails instead of hanging; a loaded machine takes its time
A_KNOWN_USER = pwd.getpwnam("daemon").pw_uid
AN_UNKNOWN_USER = 54_321


class Holder:
    """A process that holds on to a seeder; ``said`` is where that is."""

    def __init__(self, folder: Path, *, prefix: Sequence[str] = (), migrations: MigrationSource | None = None) -> None:
        command = [*prefix, sys.executable, "-m", "tests.process.holder", str(folder), str(CATALOG)]
        command += [migrations.command, *migrations.files] if migrations else []
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self) -> dict[str, str]:
        """Return what the process says once it holds on."""
        assert self.process.stdout is not None
        said: dict[str, str] = json.loads(self.process.stdout.readline())
        assert "url" in said, said
        return said

    def let_go(self) -> None:
        """End the process the regular way."""
        self.process.communicate(timeout=PATIENCE_S)

    def kill(self) -> None:
        """End the process without a chance to clean up."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


@contextlib.contextmanager
def holder(folder: Path, *, prefix: Sequence[str] = (), migrations: MigrationSource | None = None) -> Iterator[Holder]:
    """Yield a process that holds on to the seeder of *folder*; it is gone afterwards."""
    started = Holder(folder, prefix=prefix, migrations=migrations)
    try:
        yield started
    finally:
        started.kill()


def become_user(user: int, folder: Path) -> list[str]:
    """Make *user* the owner of *folder* and return the words that run a command as this user; for root only.

    The user may read everything, because the interpreter may lie in root's home, and own or change nothing else.
    """
    os.chown(folder, user, user)
    identity = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return ["setpriv", *identity, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as *condition* holds; fail when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not so within {PATIENCE_S} s"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether process *pid* runs; one that waits to be collected does not."""
    try:
        os.kill(pid, 0)
        return _state(Path(f"/proc/{pid}")) != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def stop(pid: int) -> None:
    """Stop process *pid*; return when each of its threads stands still: one that runs yet may answer."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _stands_still(pid))


def _stands_still(pid: int) -> bool:
    try:
        return all(_state(thread) == "T" for thread in Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):  # a thread has just ended
        return False


def _state(folder: Path) -> str:
    """Return the letter that /proc has for the state of a process or thread."""
    return (folder / "stat").read_text().rpartition(")")[2].split()[0]


def state_folder(folder: Path) -> Path:
    """Return the one state folder below *folder*."""
    (state,) = [path for path in folder.iterdir() if path.is_dir()]
    return state


def seeder_pid(folder: Path) -> int:
    """Return the process id of the seeder that announced itself below *folder*."""
    return int(json.loads((state_folder(folder) / "seeder.json").read_text())["pid"])


def postgres_pid(folder: Path) -> int:
    """Return the process id of the Postgres that runs below *folder*."""
    return int((state_folder(folder) / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


def answers(url: str) -> bool:
    """Return whether the seeder at *url* is ready."""
    with urllib.request.urlopen(f"{url}/readyz", timeout=PATIENCE_S) as response:
        return bool(response.status == 200)


def query(database_url: str | None, *statements: str) -> object:
    """Run *statements* in one session, each committed, and return the first value of the last."""

    async def run() -> object:
        connection = await asyncpg.connect(database_url)
        try:
            value = None
            for statement in statements:
                value = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    return asyncio.run(run())
