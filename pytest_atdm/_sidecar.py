"""The seeder beside this test process: found running, or started; held on to until ``close``.

The state of a seeder is a folder below ``.atdm``, one per (catalog, database), so that only a matching one is joined:

    seeder.lock    locked (flock) by the seeder from before its start to after its end
    seeder.json    where it answers; there while it does
    seeder.log     what it logged since its start
    migrate.log    what the command of the project's migrations printed when it last ran
    postgres/      the embedded Postgres, with postgres.log
    store/         Parquet that the seeder keeps, unless ATDM_STORE names another place
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from pytest_atdm.core.errors import InternalError, SeederFailed, SeederUnreachable, SettingError, error_for_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_atdm.core.migrations import MigrationSource

_POLL_S: Final = 0.02
_JOIN_TIMEOUT_S: Final = 1.0
_STOP_TIMEOUT_S: Final = 15.0
_LOG_LINES_QUOTED: Final = 12


@dataclass(frozen=True, slots=True)
class SeederAddress:
    """Where a seeder answers, what it wants to be shown, and whose database it writes to (None: not known here)."""

    url: str
    token: str = field(repr=False)
    database_url: str | None = field(repr=False)
    origin: Literal["embedded", "database", "remote"]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A hold on a running seeder; it ends when the last hold is gone, a killed holder's included."""

    address: SeederAddress
    _let_go: Callable[[], None]

    def close(self) -> None:
        """Let go. Returns when the seeder and its Postgres have ended, or at once if others still hold on."""
        self._let_go()


class _Announcement(TypedDict):
    url: str
    token: str
    database_url: str
    pid: int
    lifeline: int


def ensure_seeder(
    folder: Path,
    *,
    catalog: Path,
    database_url: str | None,
    migrations: MigrationSource | None = None,
    timeout_s: float,
) -> Sidecar:
    """Return a hold on the seeder of this *catalog* and database: the running one if there is one, else a new one.

    *folder* is the project's ``.atdm`` (made if missing). Without *database_url* the seeder runs an embedded Postgres,
    whose data stays in the folder as long as *migrations* make the same tables; None takes the database as it is.
    However many processes ask at once, one seeder starts. Takes at most *timeout_s* seconds.

    Raises:
        SettingError: the folder cannot be written, the seeder's packages are not installed, or the running seeder's
            database was made from other migrations.
        SeederUnreachable: *timeout_s* seconds have passed.
        AtdmError: what the seeder itself says about its failed start.
    """
    deadline = time.monotonic() + timeout_s
    state = _make_state_folder(folder, catalog, database_url)
    while True:
        lock = _try_lock(state)
        if lock is not None:
            log = state / "seeder.log"
            command = _make_command(state, catalog, database_url, migrations)
            return _start(command, lock, database_url, log, deadline)
        sidecar = _try_join(state, "database" if database_url else "embedded", migrations)
        if sidecar is not None:
            return sidecar
        if time.monotonic() > deadline:
            raise SeederUnreachable(
                f"the seeder of {state} is held by another process, and did not answer within {timeout_s:g} s",
                hint=f"look into {state / 'seeder.log'}; end the process that has {state / 'seeder.lock'} open",
            )
        time.sleep(_POLL_S)


def _make_state_folder(folder: Path, catalog: Path, database_url: str | None) -> Path:
    identity = f"{catalog.resolve()}\n{database_url or ''}"
    kind = "database" if database_url else "embedded"
    state = folder.resolve() / f"{kind}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    try:
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
    except OSError as error:
        raise _cannot_write(error) from error
    return state


def _try_lock(state: Path) -> int | None:
    """Return the descriptor of the lock; None if a seeder has it (it runs, or is about to start or end)."""
    try:
        lock = os.open(state / "seeder.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_write(error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _try_join(
    state: Path, origin: Literal["embedded", "database"], migrations: MigrationSource | None
) -> Sidecar | None:
    """Return a hold on the seeder that announced itself in *state*; None if it does not answer (yet, or any more)."""
    try:
        announcement: _Announcement = json.loads((state / "seeder.json").read_bytes())
        lifeline = socket.create_connection(("127.0.0.1", announcement["lifeline"]), timeout=_JOIN_TIMEOUT_S)
    except (OSError, ValueError):
        return None
    greeting = announcement["token"] + (f" {json.dumps(migrations)}" if migrations else "")
    try:
        lifeline.sendall(greeting.encode() + b"\n")
        answer = lifeline.recv(3)
    except OSError:
        answer = b""
    if answer == b"ok\n":
        return Sidecar(_read_address(announcement, origin), lifeline.close)
    lifeline.close()
    if answer == b"no\n":
        raise SettingError(
            f"the seeder that runs in {state} (process {announcement['pid']}) has a database of other migrations, "
            "or they have changed since it started",
            hint="end what holds it, another session or atdm serve; the next start makes the database anew",
        )
    return None


def _start(command: list[str], lock: int, database_url: str | None, log: Path, deadline: float) -> Sidecar:
    """Start a seeder, hand it the *lock*, and wait until it answers."""
    try:
        process = _spawn(command, lock, database_url, log)
    except OSError as error:
        raise _cannot_write(error) from error
    finally:
        os.close(lock)  # the child's copy keeps the file locked, for the child's whole life
    try:
        announcement = _read_announcement(process, deadline, log)
    except BaseException:
        _kill(process)
        raise
    return Sidecar(_read_address(announcement, "database" if database_url else "embedded"), lambda: _let_go(process))


def _make_command(
    state: Path, catalog: Path, database_url: str | None, migrations: MigrationSource | None
) -> list[str]:
    # -P: a folder called "seeder" in the working directory must not take the place of ours.
    command = [sys.executable, "-P", "-m", "seeder", "serve", "--owned", "--port=0", f"--catalog={catalog.resolve()}"]
    command.append(f"--state={state}" if database_url else f"--embedded={state}")
    if migrations is None:
        return command
    told = {"migrations": migrations.folder, "migrate-command": migrations.command}
    told["migrate-files"] = " ".join(migrations.files)
    root = state.parent.parent
    return [*command, f"--root={root}", *(f"--{name}={text}" for name, text in told.items() if text)]


def _spawn(command: list[str], lock: int, database_url: str | None, log: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"ATDM_DATABASE_URL": database_url or ""}  # others can read a command line
    log.touch(mode=0o600)
    with log.open("wb") as stderr:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            env=environment, pass_fds=(lock,), start_new_session=True,
        )  # fmt: skip


def _read_announcement(process: subprocess.Popen[bytes], deadline: float, log: Path) -> _Announcement:
    """Return what the seeder says first; its failure is raised as the error that it names."""
    line = _read_line(process, deadline)
    if line is None:
        raise SeederUnreachable(
            f"the seeder did not start in time; {_quote(log)}", hint="give it more time, or cure what the log says"
        )
    if not line:
        code = process.wait()
        raise SeederFailed(f"the seeder ended with code {code} at its start; {_quote(log)}", hint=f"look into {log}")
    said = json.loads(line)
    if "error" not in said:
        announcement: _Announcement = said
        return announcement
    error = said["error"]
    kind = error_for_code(error["code"])
    quoted = f"; {_quote(log)}" if kind is InternalError else ""
    raise kind(error["message"] + quoted, hint=error["hint"])


def _read_line(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """Return the next line on stdout; empty at its end, None if nothing came until *deadline*."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    line = b""
    while not line.endswith(b"\n"):
        if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
            return None
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            return b""
        line += chunk
    return line


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Close the seeder's standard input, and wait for its end unless it says that it stays for others."""
    if process.returncode is not None:
        return
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    line = _read_line(process, time.monotonic() + _STOP_TIMEOUT_S)
    if line is None:
        process.kill()
    if line:
        process.returncode = 0  # it lives on for others: without this, Popen would warn of a child left behind
    process.stdout.close()
    process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:  # closes its pipes and waits
        pass


def _read_address(announcement: _Announcement, origin: Literal["embedded", "database"]) -> SeederAddress:
    return SeederAddress(announcement["url"], announcement["token"], announcement["database_url"], origin)


def _quote(log: Path) -> str:
    """Return the end of *log*, as the last part of a message."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LOG_LINES_QUOTED:]
    return f"{log} ends with:" + "".join(f"\n  | {line}" for line in lines) if lines else f"{log} is empty"


def _cannot_write(error: OSError) -> SettingError:
    hint = "make the folder writable, or remove it if another user (root?) made it"
    return SettingError(f"ATDM cannot keep its state: {error}", hint=hint)
