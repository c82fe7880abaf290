"""The server process of a cluster: started, watched until it is ready, stopped; leftovers of a killed starter ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seeder.embedded.binaries import find_binaries, start_confined
from seeder.embedded.cluster import (
    DATABASE,
    OWNER,
    create_database,
    data_folder,
    ended_by_itself,
    failure,
    is_complete,
    make_cluster,
    mark_complete,
    read_password,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START_TIMEOUT_S: Final = 30  # recovery after a crash comes before "ready"
_STOP_TIMEOUT_S: Final = 5
_POLL_S: Final = 0.005
_PORT_ATTEMPTS: Final = 3
_STATUS_LINE: Final = 7  # of postmaster.pid: "starting", "ready", "stopping"
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)  # fast, immediate, no choice

# Throw-away data: what helps only after a crash of the whole machine is off. synchronous_commit stays on, so that what
# was acknowledged survives a killed server.
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "io_method": "sync",  # no I/O workers: three processes less to start and stop
}


@contextlib.contextmanager
def running_postgres(folder: Path, *, on_end: Callable[[], object] | None = None) -> Iterator[str]:
    """Yield the URL of the database ``atdm`` on a server that runs until the block ends.

    *folder* is made if missing; the cluster is ``folder/postgres``, the log ``folder/postgres.log``. The caller sees to
    it that no other process uses *folder* (a lock): a server found running there is what a killed starter left, and is
    ended first. Data stays from one start to the next. One role, a superuser, owns everything; the port, on
    127.0.0.1, is a free one each time. *on_end* is called, from another thread, if the server ends before the block.

    Raises:
        EmbeddedFailed: no binaries, the server did not start, or it ended before the block did and *on_end* is given;
            the message quotes its log.
    """
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    binaries, cluster, log = find_binaries(), folder / "postgres", folder / "postgres.log"
    end_leftover(data_folder(cluster))
    is_new = not is_complete(cluster)
    if is_new:
        make_cluster(cluster, binaries, log)
    process, port = _start_server(cluster, binaries, log)
    try:
        password = read_password(cluster)
        if is_new:
            create_database(binaries, port, password)
            mark_complete(cluster)
        with _watching(process, on_end, log) if on_end else contextlib.nullcontext():
            yield f"postgresql://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}"
    finally:
        _stop_server(process)


@contextlib.contextmanager
def _watching(process: subprocess.Popen[bytes], on_end: Callable[[], object], log: Path) -> Iterator[None]:
    """Call *on_end* if the server ends within the block, and raise that it did when the block ends."""
    is_over = threading.Event()

    def watch() -> None:
        process.wait()
        if not is_over.is_set():
            on_end()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
    if process.poll() is not None:
        raise ended_by_itself(process.returncode, log)


def end_leftover(data: Path) -> None:
    """End the server that still runs on *data*, if one does, and remove its pid file.

    The process is ended only if its command line names *data*: a pid alone may be anybody's by now.
    """
    pid_file = data / "postmaster.pid"
    lines = _read_lines(pid_file)
    if lines and lines[0].isdigit():
        _end_process(int(lines[0]), str(data))
    pid_file.unlink(missing_ok=True)


def _end_process(pid: int, named: str) -> None:
    for stop_signal in _STOP_SIGNALS:
        if named not in _read_command(pid):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while (named in _read_command(pid) or _is_ending(pid)) and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def _read_command(pid: int) -> str:
    """Return the command line of process *pid*; empty if there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout


def _is_ending(pid: int) -> bool:
    """Return whether process *pid* has given up its memory, and with it its command line, but not yet all else."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return not Path(f"/proc/{pid}/cmdline").read_bytes() and state not in "ZX"
    except OSError:
        return False


def _start_server(cluster: Path, binaries: Path, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Return the server, ready for connections, and its port; another port is tried if somebody took ours meanwhile."""
    for attempts_left in reversed(range(_PORT_ATTEMPTS)):
        port = _find_free_port()
        process = _launch(cluster, binaries, log, port)
        if process.poll() is None:
            return process, port
        if not attempts_left or b"Address already in use" not in log.read_bytes():
            raise failure(f"postgres ended with {process.returncode}", log)
    raise AssertionError("the last attempt returns or raises")


def _launch(cluster: Path, binaries: Path, log: Path, port: int) -> subprocess.Popen[bytes]:
    """Return a server that is ready, or has ended."""
    data = data_folder(cluster)
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in _SETTINGS.items()]
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *settings]
    with log.open("wb") as output:
        process = start_confined(command, death_signal=signal.SIGINT, cluster=cluster, log=output)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and not _is_ready(data, process.pid):
        if time.monotonic() > deadline:
            _stop_server(process)
            raise failure(f"postgres was not ready after {_START_TIMEOUT_S} s", log)
        time.sleep(_POLL_S)
    return process


def _is_ready(data: Path, pid: int) -> bool:
    lines = _read_lines(data / "postmaster.pid")
    return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE] == "ready"


def _read_lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except FileNotFoundError:
        return []


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop_server(process: subprocess.Popen[bytes]) -> None:
    for stop_signal in _STOP_SIGNALS:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
            return
    process.wait()
