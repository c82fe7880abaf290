"""The stage of one cell: database, seeder and proxies between all; a bystander whose run must not be disturbed."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from pytest_atdm._client import SeederClient
from pytest_atdm._heartbeat import Heartbeat
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.ulid import make_ulid
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server, Sql, make_library, wait_until
from tests.plugin.database import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Short, so that a cell takes seconds; the same seeder and plugin as with long ones.
LEASE_S: Final = 3
STATEMENT_S: Final = 3.0
#: Within so many seconds after the fault is over a session has ended, if with an error.
DEADLINE_S: Final = 180.0
ROOT: Final = Path(__file__).parents[2]
_TOKEN: Final = secrets.token_hex(16)

_CONFTEST: Final = '''
import os, pathlib, time
import pytest

PLACE = pathlib.Path(os.environ["CHAOS_PLACE"])
MOMENTS = os.environ["CHAOS_MOMENTS"].split(",")


def reach(moment):
    """Say that the moment has come, and wait there until told to go on."""
    if moment not in MOMENTS:
        return
    (PLACE / f"{moment}.pid").write_text(str(os.getpid()))
    (PLACE / f"{moment}.reached").touch()
    while not (PLACE / f"{moment}.go").exists():
        time.sleep(0.01)
    MOMENTS.remove(moment)


def note(receipt):
    """Write down what the seeder has acknowledged, so that it outlives this process."""
    with (PLACE / "acknowledged").open("a") as file:
        file.write(receipt + "\\n")
        file.flush()
        os.fsync(file.fileno())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    reach("before")
'''

_TESTS: Final = '''
import asyncio, contextlib, os
import asyncpg, pytest
from pytest_atdm import atdm_scenario
from conftest import note, reach


def remind(loan_id):
    """What the application does below the rows of a test, if it can."""
    async def write():
        connection = await asyncpg.connect(os.environ["CHAOS_APPLICATION_URL"], timeout=3)
        await connection.execute("INSERT INTO reminders (loan_id, text) VALUES ($1, 'again')", loan_id, timeout=3)
        await connection.close()
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        asyncio.run(write())


@atdm_scenario("overdue_loan")
@pytest.mark.parametrize("number", range(int(os.environ["CHAOS_TESTS"])))
def test_it(atdm_data, number):
    note(atdm_data.facts.request_id)
    remind(atdm_data.loan.loan_id)
    reach("body")
'''


class Stage:
    """Everything that takes part in a cell. *place* is its folder, *server* the Postgres, which others may share."""

    def __init__(self, place: Path, server: Server) -> None:
        self.place = place
        self.server = server
        self.seeder: subprocess.Popen[bytes] | None = None
        self.session: subprocess.Popen[bytes] | None = None
        self.application: subprocess.Popen[bytes] | None = None
        self._holds = False
        self.stopped = 0  # the process that was told to stop
        self.environment: dict[str, str] = {}
        self.seeder_environment: dict[str, str] = {}
        self._closing = contextlib.ExitStack()
        name = f"chaos_{secrets.token_hex(4)}"
        self.database = name
        self.url = make_library(server, name)
        self._port = _find_free_port()
        self.to_postgres = self._open_proxy(server.address)
        self.application_to_postgres = self._open_proxy(server.address)
        self.to_seeder = self._open_proxy(("127.0.0.1", self._port))
        self.sql = self._connect()
        self.standing: Mapping[str, list[str]] = {}
        (place / "test_it.py").write_text(_TESTS, encoding="utf-8")
        (place / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
        (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    def close(self) -> None:
        """End every process, close every connection."""
        for process in (self.session, self.application, self.seeder):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self._closing.close()
        self.sql.close()

    # -- the seeder

    def start_seeder(self) -> None:
        """Start the seeder, on the same port each time, and return once it answers."""
        environment = os.environ | {
            "ATDM_DATABASE_URL": self.server.url_of(self.database, self.to_postgres.port),
            "ATDM_TOKEN": _TOKEN,
            "ATDM_ALLOW_DATABASES": self.database,
            "ATDM_LEASE_S": str(LEASE_S),
            "ATDM_STATEMENT_TIMEOUT_MS": str(int(STATEMENT_S * 1000)),
            "ATDM_LOCK_TIMEOUT_MS": "1500",
            "ATDM_IDLE_TIMEOUT_MS": "3000",
            **self.seeder_environment,
        }
        command = [sys.executable, "-P", "-m", "seeder", "serve", f"--port={self._port}", f"--catalog={CATALOG}"]
        with (self.place / "seeder.log").open("ab") as log:
            self.seeder = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        wait_until(self._is_seeder_there, "the seeder answers")

    def end_seeder(self, number: signal.Signals) -> None:
        """Send the signal to the seeder and return once it is gone."""
        assert self.seeder is not None
        self.seeder.send_signal(number)
        self.seeder.wait(DEADLINE_S)

    def restart_postgres(self, number: signal.Signals) -> None:
        """End Postgres by the signal and start it again; the proxies lead to the new one."""
        self.sql.close()
        self._holds = False
        self.server.end(number)
        self.server.start()
        self.to_postgres.target = self.application_to_postgres.target = self.server.address
        self.url = self.server.url_of(self.database)
        self.sql = self._connect()

    def open_client(self) -> SeederClient:
        """Return a client that calls the seeder without a proxy."""
        return SeederClient(self.seeder_address)

    @property
    def seeder_address(self) -> SeederAddress:
        """Where the seeder answers, without a proxy."""
        return SeederAddress(f"http://127.0.0.1:{self._port}", _TOKEN, None, "remote")

    # -- the session of tests

    def start_session(self, *arguments: str, moments: str = "", tests: int = 3) -> None:
        """Start pytest on the stage's tests; it stops at each of *moments* (commas between) until told to go on."""
        environment = os.environ | {
            "ATDM_URL": f"http://127.0.0.1:{self.to_seeder.port}",
            "ATDM_TOKEN": _TOKEN,
            "ATDM_CATALOG": str(CATALOG),
            "CHAOS_PLACE": str(self.place),
            "CHAOS_MOMENTS": moments,
            "CHAOS_TESTS": str(tests),
            "CHAOS_APPLICATION_URL": self.server.url_of(self.database, self.application_to_postgres.port),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        with (self.place / "session.log").open("wb") as log:
            self.session = subprocess.Popen(
                command, cwd=self.place, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for(self, moment: str) -> None:
        """Return once the session has come to that moment."""
        reached = self.place / f"{moment}.reached"
        wait_until(lambda: reached.exists() or self.has_ended, f"the session reaches {moment}")
        assert reached.exists(), self.said

    def let_go(self, moment: str) -> None:
        """Let the session go on from that moment."""
        (self.place / f"{moment}.go").touch()

    def pid_at(self, moment: str) -> int:
        """Return the process that came to that moment: of pytest, or of its worker."""
        return int((self.place / f"{moment}.pid").read_text())

    def show_stacks(self) -> None:
        """Have every process of a session that does not end write its stacks to the log, and end."""
        if self.session is not None and not self.has_ended:
            os.killpg(self.session.pid, signal.SIGABRT)  # pytest's faulthandler writes them
            self.session.wait(DEADLINE_S)

    @property
    def has_ended(self) -> bool:
        """Whether the session's process is over."""
        return self.session is not None and self.session.poll() is not None

    @property
    def said(self) -> str:
        """What the session has printed."""
        return (self.place / "session.log").read_text(encoding="utf-8", errors="replace")

    # -- the database as it is

    def read_rows(self) -> Mapping[str, list[str]]:
        """Return every row of every table, as text, past every proxy."""
        tables = ("genres", "readers", "books", "loans", "reminders", "shelves")
        return {
            table: [row["row"] for row in self.sql.rows(f"SELECT t::text AS row FROM {table} t ORDER BY 1")]
            for table in tables
        }

    def hold(self, statement: str) -> None:
        """Hold what the statement locks, until ``release``."""
        self.sql.execute(f"BEGIN; {statement}")
        self._holds = True

    def release(self) -> None:
        """Let go of what is held, if anything is."""
        if self._holds:
            self.sql.execute("ROLLBACK")
        self._holds = False

    def wait_for_blocked(self, at_least: int = 1) -> None:
        """Return once so many of the seeder's connections wait for a lock."""
        query = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND (database IS NULL OR database = $1)"
        database = self.sql.value("SELECT oid FROM pg_database WHERE datname = current_database()")
        wait_until(lambda: self.sql.value(query, database) >= at_least, "the seeder waits for a lock")

    def _connect(self) -> Sql:
        return Sql(self.url)

    def _open_proxy(self, target: tuple[str, int]) -> Proxy:
        proxy = Proxy(target)
        self._closing.callback(proxy.close)
        return proxy

    def _is_seeder_there(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self._port}/healthz", timeout=5).is_success
        return False


class Bystander:
    """Another session's run, with rows and a beating heart, which is to be undisturbed by whatever happens.

    Before its own rows are written it sees what stands there: ``stage.standing``.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._client = stage.open_client()
        self.run_id = make_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
        started = self._client.start_run(
            run_id=self.run_id, session_id=self.run_id, actor="bystander", seed=0, as_of="2026-01-31"
        )
        self._client.seed_reference("library", run_id=self.run_id)
        stage.standing = stage.read_rows()
        self._receipt = self._client.request("overdue_loan", run_id=self.run_id, request_key="bystander")
        self._heartbeat = Heartbeat(stage.seeder_address, self.run_id, epoch=started.epoch, lease_s=started.lease_s)

    def leave(self) -> int:
        """End the run by its token and return how many rows stood until now."""
        report = self._client.reset(self._receipt.request_id, self._receipt.cleanup_token)
        assert "owner" == report.by, "the bystander's rows were taken away"
        self._client.reset_run(self.run_id)
        return sum(report.seeded.values())

    def close(self) -> None:
        """Stop the heart."""
        self._heartbeat.stop()
        self._client.close()


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
