"""A Postgres cluster in a folder: ``data`` (the data directory), ``password`` (0600), ``complete`` (written last)."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import EmbeddedFailed
from seeder.embedded.binaries import clean_environment, start_confined

if TYPE_CHECKING:
    from pathlib import Path

OWNER: Final = "tester"  # not "atdm": the search path begins with the schema of the user's name, and that one is ATDM's
DATABASE: Final = "atdm"

_MAKE_TIMEOUT_S: Final = 60
_CREATE_DATABASE_TIMEOUT_S: Final = 30
_LOG_LINES_QUOTED: Final = 8
_PASSWORD_BYTES: Final = 24

# Collation is the server's own, so that rows sort the same on every machine; upper and lower know all of Unicode.
_INITDB: Final = (
    f"--username={OWNER}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--no-data-checksums", "--no-sync", "--no-instructions",
)  # fmt: skip


def data_folder(cluster: Path) -> Path:
    """Return the data directory of *cluster*."""
    return cluster / "data"


def is_complete(cluster: Path) -> bool:
    """Return whether *cluster* was made to its end; anything else is to be made anew."""
    return (cluster / "complete").is_file()


def mark_complete(cluster: Path) -> None:
    """Say that *cluster* was made to its end."""
    (cluster / "complete").touch()


def read_password(cluster: Path) -> str:
    """Return the password of the owner role."""
    return (cluster / "password").read_text(encoding="ascii")


def make_cluster(cluster: Path, binaries: Path, log: Path) -> None:
    """Make the data directory below *cluster*, in place of whatever an interrupted start left there.

    Raises:
        EmbeddedFailed: initdb failed or took longer than a minute.
    """
    _discard(cluster)
    cluster.mkdir(mode=0o700)
    _write_password(cluster / "password")
    places = (f"--pwfile={cluster / 'password'}", f"--pgdata={data_folder(cluster)}")
    command = [str(binaries / "initdb"), *_INITDB, *places]
    with log.open("wb") as output:
        # Told to stop by another signal, initdb would remove its folder: in the worst case that of the next attempt.
        process = start_confined(command, death_signal=signal.SIGKILL, cluster=cluster, log=output)
        try:
            code = process.wait(_MAKE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    if code != 0:
        raise failure(f"initdb ended with {code} in {cluster}", log)


def create_database(binaries: Path, port: int, password: str) -> None:
    """Create the database ``atdm`` on the server that listens on *port*.

    Raises:
        EmbeddedFailed: the server refused, or did not answer.
    """
    address = ("--host=127.0.0.1", f"--port={port}", f"--username={OWNER}", "--no-password")
    command = [str(binaries / "createdb"), *address, DATABASE]
    environment = clean_environment(PGPASSWORD=password)
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=_CREATE_DATABASE_TIMEOUT_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace").strip() or str(error)
        raise EmbeddedFailed(f'the database "{DATABASE}" could not be created: {said}', hint="start again") from error


def quote_end(log: Path) -> str:
    """Return the last lines of *log*, as the last part of a message."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LOG_LINES_QUOTED:]
    return f"{log} ends with:" + ("".join(f"\n  | {line}" for line in lines) or " (nothing was logged)")


def failure(what: str, log: Path) -> EmbeddedFailed:
    """Return the error that says *what* failed and quotes the end of *log*."""
    return EmbeddedFailed(
        f"the embedded Postgres did not start: {what}; {quote_end(log)}",
        hint=f"cure what the log says, remove {log.parent} for a fresh one, or set ATDM_DATABASE_URL to one of yours",
    )


def ended_by_itself(status: int, log: Path) -> EmbeddedFailed:
    """Return the error for a server that ended with *status*, a negative signal, while it was needed."""
    return EmbeddedFailed(
        f"the embedded Postgres ended by itself with {status}; {quote_end(log)}",
        hint="run the tests again: the next start recovers it; a machine without memory to spare kills it again",
    )


def _discard(cluster: Path) -> None:
    """Remove *cluster*; moved away first, because a process of the interrupted start may still be writing to it."""
    if cluster.exists():
        cluster.rename(cluster.with_name(f"{cluster.name}.{secrets.token_hex(4)}.discarded"))
    for discarded in cluster.parent.glob(f"{cluster.name}.*.discarded"):
        shutil.rmtree(discarded, ignore_errors=True)


def _write_password(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_urlsafe(_PASSWORD_BYTES), encoding="ascii")
