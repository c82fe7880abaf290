"""A real S3 server, SeaweedFS, on free ports of this machine: started, stopped in every way, ended for sure."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

from seeder.settings import StorePlace
from tests.process.actors import is_running, stop

KEY: Final = "tester"
SECRET: Final = "a-secret-of-no-worth"
BUCKET: Final = "atdm"

#: The parts of the server that listen; each listens for gRPC too, 10,000 above.
_PARTS: Final = ("master", "volume", "filer", "admin", "s3")
_GRPC: Final = 10_000
#: Where ports are looked for: below those that systems give to outgoing connections, gRPC included.
_PORTS: Final = range(11_000, 22_000)
_START_TIMEOUT_S: Final = 30
_START_ATTEMPTS: Final = 5
_POLL_S: Final = 0.05
_READY: Final = "are running and ready to use"

#: Runs the server in the background, says its process id, and kills it when nobody holds standard input any more. The
#: server makes sockets beside its ports, always in /tmp.
_KEEPER: Final = '"$@" </dev/null >&2 & echo $!; read -r _; kill -9 $!; wait; rm -f $SOCKETS'


class S3Server:
    """A server with the bucket ``BUCKET``, for who has ``KEY`` and ``SECRET``; its data is in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports: list[int] = []
        self._keeper: subprocess.Popen[str] | None = None
        self.pid = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of its S3; they stay the same over restarts."""
        return "127.0.0.1", self._ports[_PARTS.index("s3")]

    @property
    def endpoint(self) -> str:
        """The URL of its S3."""
        return f"http://127.0.0.1:{self.address[1]}"

    def place(self, prefix: str = "", **other: Any) -> StorePlace:
        """Return the setting of a seeder that keeps its objects here, below *prefix*; *other* fields replace these."""
        fields: dict[str, Any] = {
            "url": f"s3://{BUCKET}/{prefix}",
            "endpoint": self.endpoint,
            "key": KEY,
            "secret": SECRET,
        }
        return StorePlace(**fields | other)

    def start(self) -> None:
        """Start it, with the data of an earlier start; return when it answers."""
        assert self._keeper is None, "it runs"
        is_restart = bool(self._ports)
        for _ in range(_START_ATTEMPTS):
            self._ports = self._ports if is_restart else _find_ports()
            self._spawn()
            if self._is_ready():
                return
            self.kill()
        raise AssertionError(f"SeaweedFS does not start:\n{self._log.read_text(errors='replace')[-4000:]}")

    def kill(self) -> None:
        """End it as a crash does."""
        if self._keeper is not None:
            self._keeper.communicate()  # closes its standard input, which it waits for
            self._keeper = None

    def pause(self) -> None:
        """Stop it: it takes connections, and does not answer."""
        stop(self.pid)

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def _log(self) -> Path:
        return self._folder / "weed.log"

    def _spawn(self) -> None:
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).with_name("weed")), "mini", f"-dir={data}", f"-bucket={BUCKET}"]
        command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-webdav=false"]
        command += ["-admin.ui=false", "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += [f"-{part}.port={port}" for part, port in zip(_PARTS, self._ports, strict=False)]
        sockets = " ".join(f"/tmp/seaweedfs-*-{port}.sock" for port in self._ports)
        told = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "SOCKETS": sockets}
        with self._log.open("wb") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", *command],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder)} | told,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the tests, which end it then
            )
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())

    def _is_ready(self) -> bool:
        """Wait until it takes requests; False where it has ended, or takes too long."""
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline_s and is_running(self.pid):
            if _READY in self._log.read_text(errors="replace"):
                return True
            time.sleep(_POLL_S)
        return False


def _find_ports() -> list[int]:
    """Return a port for each of the server's parts and, after these, one for the gRPC of each."""
    while True:
        first = random.choice(_PORTS)
        ports = [*range(first, first + len(_PARTS)), *range(first + _GRPC, first + _GRPC + len(_PARTS))]
        if all(_is_free(port) for port in ports):
            return ports


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
