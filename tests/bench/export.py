"""How fast the audit log is exported, and how fast the files are judged."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

import asyncpg
import httpx

from pytest_atdm._audit_files import verify_files
from tests.bench.figures import Figure, reach
from tests.bench.situation import start_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.situation import Bench

#: Of one run, in calls of a thousand.
EVENTS: Final = 200_000
_CALL: Final = 1_000
_PATIENCE_S: Final = 600.0
_APPEND: Final = "SELECT atdm.append_events($1, NULL, $2, $3, 0)"


def wait_until_exported(address: str) -> None:
    """Return once nothing waits to be exported; what follows is measured beside an exporter that is at rest."""
    deadline = time.monotonic() + _PATIENCE_S
    while "\natdm_audit_pending_seals 0\n" not in httpx.get(f"{address}/metrics", timeout=60).raise_for_status().text:
        assert time.monotonic() < deadline, "the exporter does not come to an end"
        time.sleep(0.05)


def measure_export(bench: Bench, url: str, address: str, folder: Path) -> list[Figure]:
    """Return the events per second of an export into the store below *folder*, and of a check of the files."""
    wait_until_exported(address)
    run_id = start_run(bench.client)
    asyncio.run(_append_events(url, run_id))
    began = time.perf_counter()
    bench.client.reset_run(run_id)
    wait_until_exported(address)
    exported = round(EVENTS / (time.perf_counter() - began))
    (place,) = {str(path) for path in folder.rglob("store/audit")}
    began = time.perf_counter()
    verdict = verify_files(place, None)
    judged = round(verdict.events / (time.perf_counter() - began))
    assert verdict.intact, verdict.flaws
    return [
        Figure(name=f"export of a run with {EVENTS:,} events", figure=exported, unit="events/s"),
        reach(f"verify --from-parquet: {verdict.events:,} events", judged, "events/s", at_least=100_000),
    ]


async def _append_events(url: str, run_id: str) -> None:
    connection = await asyncpg.connect(url)
    detail = json.dumps({"nodeid": "tests/test_it.py::test_a[one of many]", "outcome": "passed"})
    for _ in range(EVENTS // _CALL):
        await connection.execute(_APPEND, run_id, ["consumed_by_test"] * _CALL, [detail] * _CALL)
    await connection.close()
