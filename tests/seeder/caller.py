"""What a client of the seeder does, in the least words, and a look into the database past the seeder."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import httpx
import uvicorn

from pytest_atdm.core.gate import Gate
from pytest_atdm.core.model import Plan
from pytest_atdm.core.planner import plan as make_plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.ulid import make_ulid
from pytest_atdm.core.wire import dump_plan, load_schema, plan_hash
from seeder.app import create_app, read_catalog
from seeder.settings import Settings

SHOP_TABLES = ("countries", "customers", "orders", "order_lines", "order_notes")
AS_OF = datetime.date(2026, 3, 1)
CATALOG = Path(__file__).parent / "shop" / "catalog"


class Caller:
    """Plans with the core as the plugin does, and calls over HTTP."""

    def __init__(self, base_url: str, token: str, database_url: str, catalog: Path = CATALOG) -> None:
        self.http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        self.base_url = base_url
        self.as_of = AS_OF
        self.database_url = database_url
        self._catalog = read_catalog(catalog)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def start_run(self, *, as_of: datetime.date, actor: str = "a test") -> str:
        """Start a run and return its id."""
        body = {
            "run_id": new_ulid(),
            "session_id": "build-7",
            "actor": actor,
            "seed": 7,
            "as_of": as_of.isoformat(),
        }
        return str(self.http.post("/runs", json=body).raise_for_status().json()["run_id"])

    def plan(self, run_id: str, scenario: str = "shipped_order", request_key: str = "", **overrides: object) -> Plan:
        """Return a plan of the shop's catalog for the database as it is."""
        schema = load_schema(self.http.get("/target/schema").raise_for_status().content)
        found = self._catalog.scenario(scenario)
        return make_plan(
            found,
            Rulebook(schema, self._catalog.domain(found.domain)),
            overrides=overrides,
            run_id=run_id,
            request_key=request_key or new_ulid(),
            seed=7,
            as_of=self.as_of,
        )

    def gate(self) -> Gate:
        """Return the gate as the plugin has it."""
        schema = load_schema(self.http.get("/target/schema").raise_for_status().content)
        return Gate(Rulebook(schema, self._catalog.domain("shop")))

    def seed(self, plan: Plan, *, key: str = "", context: str = "") -> httpx.Response:
        """Send *plan* and return whatever the answer is."""
        return self.send(dump_plan(plan), key=key or plan.request_key, context=context)

    def send(self, body: bytes, *, key: str, digest: str = "", context: str = "") -> httpx.Response:
        """Send *body* as a plan; its own hash unless *digest* says otherwise."""
        headers = {"ATDM-Plan-Hash": digest or plan_hash(body), "Idempotency-Key": key}
        if context:
            headers["ATDM-Context"] = context
        return self.http.post("/internal/scenarios/seed", content=body, headers=headers)

    def reset(self, receipt: dict[str, Any], events: list[dict[str, Any]] | None = None) -> httpx.Response:
        """Clean up the request of *receipt*."""
        return self.http.request(
            "DELETE",
            f"/test-data/requests/{receipt['request_id']}",
            headers={"ATDM-Cleanup-Token": receipt["cleanup_token"]},
            json=None if events is None else {"events": events},
        )

    def audit(self, run_id: str) -> dict[str, Any]:
        """Return the audit trail of the run."""
        trail: dict[str, Any] = self.http.get(f"/audit/runs/{run_id}").raise_for_status().json()
        return trail

    def rows(self) -> dict[str, list[str]]:
        """Return every row of every table of the shop, past the seeder."""
        return {table: self.query(f"SELECT t::text FROM {table} t ORDER BY 1") for table in SHOP_TABLES}  # noqa: S608

    def query(self, sql: str, *values: object) -> list[Any]:
        """Return the first column of what *sql* yields, past the seeder."""
        return asyncio.run(_query(self.database_url, sql, *values))


async def _query(url: str, sql: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


@contextlib.contextmanager
def running_seeder(settings: Settings, listener: socket.socket) -> Iterator[None]:
    """Serve *settings* on *listener* from a thread of this process; ready once entered."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", ws="none", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        httpx.get(f"{settings.base_url}/readyz", timeout=30).raise_for_status()
        yield
    finally:
        server.should_exit = True
        thread.join()


def new_ulid() -> str:
    """Return a ULID of now."""
    return make_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def free_listener() -> socket.socket:
    """Return a socket bound to a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets it only on sockets that know their protocol; create_server leaves 0, and each answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
