"""What the audit log costs a seed, and how fast the whole of it is read and judged."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from tests.bench.figures import Figure, compare, reach
from tests.bench.seeding import median_ms
from tests.bench.situation import start_run

if TYPE_CHECKING:
    from tests.bench.situation import Bench

TURNS: Final = 3
SEEDS: Final = 300
_EVENTS: Final = """
SELECT request_id, array_agg(kind ORDER BY seq) AS kinds,
    array_agg((body::json -> 'detail')::text ORDER BY seq) AS details
FROM atdm.audit_event WHERE run_id = $1 AND request_id IS NOT NULL GROUP BY request_id ORDER BY request_id LIMIT 1
"""


def measure_share(bench: Bench, url: str) -> list[Figure]:
    """Return the latency of a seed, and of appending the events of one, in a transaction, beside it."""
    run_id, seeds = start_run(bench.client), list[float]()
    for number in range(SEEDS):
        made = bench.plan(number, run_id=run_id)
        began = time.perf_counter()
        receipt = bench.client.seed(made, idempotency_key=made.request_key)
        seeds.append(time.perf_counter() - began)
        bench.client.reset(receipt.request_id, receipt.cleanup_token)
    seed = Figure(name="seed of 16 rows", figure=round(median_ms(seeds), 3), unit="ms")
    events, took = asyncio.run(_time_appending(url, run_id))
    name = f"its {events} audit events, chained and stored"
    return [seed, compare(name, round(took * 1_000, 3), "ms", against=seed, at_most=0.1)]


async def _time_appending(url: str, run_id: str) -> tuple[int, float]:
    """Return how many events a seed has, and the seconds that Postgres takes to append them, the way there left out."""
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow(_EVENTS, run_id)
    kinds = [kind for kind in row["kinds"] if kind != "reset_executed"]
    arguments = (run_id, row["request_id"], kinds, row["details"][: len(kinds)])
    appending = "SELECT atdm.append_events($1, $2, $3, $4, 0)"
    pairs = [
        (await _time(connection, appending, *arguments), await _time(connection, "SELECT 1")) for _ in range(SEEDS)
    ]
    await connection.close()
    return len(kinds), statistics.median(one for one, _ in pairs) - statistics.median(one for _, one in pairs)


async def _time(connection: asyncpg.Connection[Any], statement: str, *arguments: object) -> float:
    transaction = connection.transaction()
    await transaction.start()
    began = time.perf_counter()
    await connection.fetchval(statement, *arguments)
    took = time.perf_counter() - began
    await transaction.rollback()
    return took


def measure_verify(old: Bench) -> list[Figure]:
    """Return the events per second, over HTTP, of the log that the past runs of *old* have left; the best of three."""
    verdict = old.client.verify_audit(None)
    assert verdict.intact, verdict.flaws
    fastest = min(_time_verify(old) for _ in range(TURNS))
    name = f"atdm audit verify: {verdict.events:,} events of {verdict.runs:,} runs"
    return [reach(name, round(verdict.events / fastest), "events/s", at_least=100_000)]


def _time_verify(bench: Bench) -> float:
    began = time.perf_counter()
    bench.client.verify_audit(None)
    return time.perf_counter() - began
