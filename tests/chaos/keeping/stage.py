"""The stage of a cell: a database, a store, one seeder or two, and somebody who calls them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import httpx

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.ulid import make_ulid
from seeder.settings import StorePlace
from seeder.store.places import open_store
from tests.chaos.server import Sql, make_library, wait_until
from tests.chaos.stage import ROOT
from tests.plugin.database import CATALOG
from tests.store.forwarder import Forwarder
from tests.store.server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from seeder.store.port import Store
    from tests.chaos.server import Server

DEADLINE_S: Final = 180.0
_TOKEN: Final = secrets.token_hex(16)
_TABLES: Final = ("genres", "readers", "books", "loans", "reminders", "shelves")


class Stage:
    """Everything that takes part. *bucket* is a real S3 server, None where a folder is the store."""

    def __init__(self, place: Path, server: Server, bucket: S3Server | None) -> None:
        self.place = place
        self.folder = place / "store"
        self.bucket = bucket
        self._closing = contextlib.ExitStack()
        self.database = f"keeping_{secrets.token_hex(4)}"
        self.url = make_library(server, self.database)
        self.sql = Sql(self.url)
        self.gateway = self._closing.enter_context(Forwarder(bucket)) if bucket else None
        self.seeders: list[subprocess.Popen[bytes]] = []
        self._ports = [_find_free_port(), _find_free_port()]
        self.states: list[Mapping[str, list[str]]] = []  # of which the target has to have one in the end
        self.background: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End every process, close every connection."""
        for process in (*self.seeders, *([self.background] if self.background else [])):
            if process.poll() is None:
                process.kill()
                process.wait()
        self._closing.close()
        self.sql.close()

    # -- seeders

    def start_seeder(self, number: int = 0, environment: Mapping[str, str] | None = None) -> None:
        """Start a seeder, on its own port each time, and return once it answers; *environment* is for it alone."""
        process = self._spawn(number, environment or {})
        self.seeders.append(process)
        wait_until(lambda: self._answers(number) or process.poll() is not None, "the seeder answers")
        assert process.poll() is None, self.log

    def arm(self) -> None:
        """Have what the first seeder was told come true from now on."""
        self.seeders[0].send_signal(signal.SIGUSR2)

    def try_seeder(self) -> int:
        """Start a seeder that is expected to end by itself, and return its exit code."""
        return self._spawn(0, {}).wait(DEADLINE_S)

    def restart_seeder(self) -> None:
        """End the seeders that still are there, and start one."""
        for process in self.seeders:
            process.kill()
            process.wait()
        self.seeders.clear()
        self.start_seeder()

    def _spawn(self, number: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        told = {
            "ATDM_DATABASE_URL": self.url,
            "ATDM_TOKEN": _TOKEN,
            "ATDM_ALLOW_DATABASES": self.database,
            "PYTHONPATH": str(ROOT),
            **self._describe_store(),
            **environment,
        }
        command = [sys.executable, "-P", "-m", "tests.chaos.keeping.stepwise", "serve"]
        command += [f"--port={self._ports[number]}", f"--catalog={CATALOG}"]
        with (self.place / "seeder.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=os.environ | told, stdout=log, stderr=log)

    def _describe_store(self) -> dict[str, str]:
        place = self.store_place
        told = {"ATDM_STORE": place.url, "ATDM_STORE_ENDPOINT": place.endpoint, "ATDM_STORE_KEY": place.key}
        return {name: text for name, text in {**told, "ATDM_STORE_SECRET": place.secret}.items() if text}

    @property
    def store_place(self) -> StorePlace:
        """The store as the seeder is told of it: through the gateway, where it is a bucket."""
        if self.bucket is None or self.gateway is None:
            return StorePlace(url=str(self.folder))
        return self.bucket.place(self.database, endpoint=self.gateway.endpoint)

    @property
    def store_behind(self) -> StorePlace:
        """The same store, past the gateway."""
        return self.store_place if self.bucket is None else self.bucket.place(self.database)

    @property
    def log(self) -> str:
        """What the seeders have said."""
        return (self.place / "seeder.log").read_text(encoding="utf-8", errors="replace")

    @contextlib.contextmanager
    def client(self, number: int = 0) -> Iterator[SeederClient]:
        """Yield a client of a seeder."""
        address = SeederAddress(f"http://127.0.0.1:{self._ports[number]}", _TOKEN, None, "remote")
        with contextlib.closing(SeederClient(address)) as client:
            yield client

    def read_metric(self, name: str) -> float:
        """Return a metric of the first seeder."""
        text = httpx.get(f"http://127.0.0.1:{self._ports[0]}/metrics", timeout=30).raise_for_status().text
        return float(next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")))

    def _answers(self, number: int) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self._ports[number]}/healthz", timeout=5).is_success
        return False

    # -- what somebody does

    def end_a_run(self, number: int = 0) -> None:
        """Have a run seed a row, remove it, and end."""
        run_id = make_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
        with self.client(number) as client:
            client.start_run(run_id=run_id, session_id=run_id, actor="chaos", seed=0, as_of="2026-01-31")
            receipt = client.request("overdue_loan", run_id=run_id, request_key="one")
            client.reset(receipt.request_id, receipt.cleanup_token)
            client.reset_run(run_id)

    def take(self, name: str = "clean") -> None:
        """Take a baseline."""
        with self.client() as client:
            client.take_baseline(name, actor="chaos", tell=lambda _: None)

    def restore(self, name: str = "clean") -> None:
        """Restore a baseline."""
        with self.client() as client:
            client.restore_baseline(name, actor="chaos", tell=lambda _: None)

    def drop(self, name: str = "clean") -> None:
        """Drop a baseline."""
        with self.client() as client:
            client.drop_baseline(name, actor="chaos")

    def bend(self) -> None:
        """Change, remove and add rows, as somebody who forgets the others."""
        self.sql.execute(
            "UPDATE readers SET items = items + 1; UPDATE genres SET title = upper(title);"
            "DELETE FROM reminders; INSERT INTO genres VALUES ('odd', 'Odd');"
            "INSERT INTO books (genre, title, price) SELECT 'odd', 'b' || n, 1 FROM generate_series(1, 200) n"
        )

    def read_rows(self) -> Mapping[str, list[str]]:
        """Return every row of every table, as text."""
        return {
            table: [row["row"] for row in self.sql.rows(f"SELECT t::text AS row FROM {table} t ORDER BY 1")]
            for table in _TABLES
        }

    def attempt(self, act: Callable[[Stage], None]) -> str:
        """Return ``done``, or the code of the error that whoever does this is shown."""
        try:
            act(self)
        except AtdmError as error:
            return error.code
        return "done"

    @property
    def store(self) -> Store:
        """The store, past the gateway."""
        return open_store(self.store_behind)


def wait_for_death(stage: Stage) -> None:
    """Return once the first seeder has killed itself."""
    process = stage.seeders[0]
    wait_until(lambda: process.poll() is not None, "the seeder comes to the step where it is killed", DEADLINE_S)
    assert process.returncode == -signal.SIGKILL


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
