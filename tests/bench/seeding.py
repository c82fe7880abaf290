"""Seed and reset of one situation: through client and seeder, and by the ways people use today, in turns."""

from __future__ import annotations

import asyncio
import itertools
import operator
import statistics
import time
from typing import TYPE_CHECKING, Any

import asyncpg

from pytest_atdm.core.errors import RowConflict
from pytest_atdm.data import folder
from tests.bench.figures import Figure, compare
from tests.bench.situation import KeyMaker, start_run
from tests.bench.strategies import OneCall, RowByRow, TemplateClone, Truncate, open_factory_boy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.model import Plan
    from tests.bench.situation import Bench
    from tests.bench.strategies import Strategy

ROUNDS = 12
CYCLES = 25  # of each fast strategy per round
PAST_RUNS = (1_000, 5_000)


def median_ms(samples: list[float]) -> float:
    """Return the median of *samples* (seconds) in milliseconds."""
    return statistics.median(samples) * 1_000


def time_product(bench: Bench, plans: Iterator[Plan], cycles: int) -> list[float]:
    """Return the seconds of *cycles* seeds and resets through client and seeder, each of a fresh plan."""
    return [seed + reset for seed, reset in time_both(bench, plans, cycles)]


def time_both(bench: Bench, plans: Iterator[Plan], cycles: int) -> list[tuple[float, float]]:
    """Return the seconds of *cycles* seeds, and of the resets that followed them.

    Beside a million rows one plan in some thousands has a number that stands there already: a session would plan anew,
    and here it is passed over.
    """
    samples = []
    for made in list(itertools.islice(plans, cycles)):
        began = time.perf_counter()
        try:
            receipt = bench.client.seed(made, idempotency_key=made.request_key)
        except RowConflict:
            continue
        seeded = time.perf_counter()
        bench.client.reset(receipt.request_id, receipt.cleanup_token)
        samples.append((seeded - began, time.perf_counter() - seeded))
    return samples


def time_planning(bench: Bench, plans: Iterator[Plan], cycles: int) -> list[float]:
    """Return the seconds of *cycles* times planning and gating in the test process."""
    samples = []
    for _ in range(cycles):
        began = time.perf_counter()
        bench.gate.approve(next(plans))
        samples.append(time.perf_counter() - began)
    return samples


async def time_strategy(strategy: Strategy, bench: Bench, plans: Iterator[Plan], cycles: int) -> list[float]:
    """Return the seconds of *cycles* cycles of *strategy*, each with the rows of a fresh plan."""
    keys, samples = KeyMaker(), []
    for rows in [keys.rows(made, bench.schema) for made in itertools.islice(plans, cycles)]:
        began = time.perf_counter()
        await strategy.cycle(rows)
        samples.append(time.perf_counter() - began)
    return samples


async def measure_seeding(bench: Bench, url: str) -> list[Figure]:
    """Return the figures of all ways; they take turns, so that a drift of the machine hits all alike."""
    admin = await asyncpg.connect(url)
    template = await _make_template(admin, url)
    own = await asyncpg.connect(url, database="bench_own")
    slow: dict[str, Strategy] = {"template clone": TemplateClone(admin, url, template), "TRUNCATE": Truncate(own)}
    fast: dict[str, Strategy] = {
        "asyncpg, one call per direction (floor)": OneCall(admin),
        "asyncpg, row by row": RowByRow(admin),
        "factory_boy + SQLAlchemy": open_factory_boy(url),
    }
    samples = await _take_turns(bench, fast, slow)
    await own.close()
    await admin.close()
    return _figures({name: median_ms(found) for name, found in samples.items()})


async def _take_turns(bench: Bench, fast: dict[str, Strategy], slow: dict[str, Strategy]) -> dict[str, list[float]]:
    plans = bench.iter_plans()
    samples: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        samples.setdefault("pytest-atdm", []).extend(time_product(bench, plans, CYCLES))
        samples.setdefault("planning", []).extend(time_planning(bench, plans, CYCLES))
        for name, strategy in fast.items():
            samples.setdefault(name, []).extend(await time_strategy(strategy, bench, plans, CYCLES))
        for name, strategy in slow.items():
            samples.setdefault(name, []).extend(await time_strategy(strategy, bench, plans, 1))
    return samples


async def _make_template(admin: asyncpg.Connection[Any], url: str) -> str:
    """Make ``bench_template`` with the domain's tables and reference rows, and ``bench_own``, a clone of it."""
    for name in ("bench_own", "bench_template"):
        await admin.execute(f"DROP DATABASE IF EXISTS {name}")
    await admin.execute("CREATE DATABASE bench_template")
    target = await asyncpg.connect(url, database="bench_template")
    for statements in _read_migrations():
        await target.execute(statements)
    for table in ("procedure_codes", "diagnosis_codes"):
        rows = await admin.fetch(f"SELECT * FROM {table}")
        await target.copy_records_to_table(table, records=[tuple(row) for row in rows], columns=list(rows[0].keys()))
    await target.close()
    await admin.execute("CREATE DATABASE bench_own TEMPLATE bench_template")
    return "bench_template"


def _read_migrations() -> list[str]:
    paths = sorted((folder("migrations") / "healthcare").glob("*.sql"))
    return [path.read_text(encoding="utf-8") for path in paths]


def _figures(medians: dict[str, float]) -> list[Figure]:
    def plain(name: str, label: str) -> Figure:
        return Figure(name=label, figure=round(medians[name], 3), unit="ms")

    floor = plain("asyncpg, one call per direction (floor)", "seed + reset, asyncpg one call per direction (floor)")
    ours = round(medians["pytest-atdm"], 3)
    peers = {
        name: plain(name, f"seed + reset, {name}")
        for name in ("asyncpg, row by row", "factory_boy + SQLAlchemy", "TRUNCATE", "template clone")
    }
    targets = {"factory_boy + SQLAlchemy": 3.0, "template clone": 40.0}
    label = "seed + reset, pytest-atdm"
    return [
        floor,
        *peers.values(),
        compare(label, ours, "ms", against=floor, at_most=3.5),
        *(
            compare(label, ours, "ms", against=peer, at_least=targets.get(name, 0.0) or None)
            for name, peer in peers.items()
        ),
        plain("planning", "plan + gate in the test process"),
    ]


def measure_history(old: Bench, fresh: Bench, *, come_to_rest: Callable[[], None]) -> list[Figure]:
    """Return the latency of seed + reset after 1,000 and 5,000 past runs; it has to stay flat within 10 %.

    *come_to_rest* returns when the seeder of *old* has done with them all that it does beside its work.

    *old* gets the past runs, *fresh* is a seeder with a database of its own that has none. The two take turns, so that
    the machine's drift hits both alike, and whatever past runs leave behind (dead rows, vacuum) hits *old* alone.
    """
    figures: list[Figure] = []
    done = 0
    for runs in PAST_RUNS:
        _make_past_runs(old, runs - done)
        done = runs
        come_to_rest()
        figures += compare_in_turns(fresh, old, f"after 0 past runs, beside {runs:,}", f"after {runs:,} past runs")
    return figures


def compare_in_turns(first: Bench, second: Bench, before: str, after: str) -> list[Figure]:
    """Return the latency of seed + reset, and of the reset alone, on *second* beside those on *first*, in turns."""
    benches = [(bench, bench.iter_plans(), list[tuple[float, float]]()) for bench in (first, second)]
    for bench, plans, _ in benches:
        time_both(bench, plans, 200)  # warm
    for _ in range(2 * ROUNDS):
        for bench, plans, samples in benches:
            samples.extend(time_both(bench, plans, CYCLES))
    figures = []
    for what, part in (("seed + reset", sum), ("reset", operator.itemgetter(1))):
        medians = [round(median_ms([part(one) for one in samples]), 3) for _, _, samples in benches]
        basis = Figure(name=f"{what} {before}", figure=medians[0], unit="ms")
        figures += [basis, compare(f"{what} {after}", medians[1], "ms", against=basis, at_most=1.1)]
    return figures


def _make_past_runs(bench: Bench, count: int) -> None:
    for _ in range(count):
        run_id = start_run(bench.client)
        made = bench.plan(0, run_id=run_id)
        receipt = bench.client.seed(made, idempotency_key=made.request_key)
        bench.client.reset(receipt.request_id, receipt.cleanup_token)
        bench.client.reset_run(run_id)


def run_seeding(bench: Bench, url: str) -> list[Figure]:
    """Return ``measure_seeding``, from a process without an event loop."""
    return asyncio.run(measure_seeding(bench, url))
