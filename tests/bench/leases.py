"""What a lease costs: one renewal, and a test whose session's heart beats."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from pytest_atdm._heartbeat import Heartbeat
from tests.bench.figures import Figure, compare
from tests.bench.seeding import CYCLES, ROUNDS, median_ms, time_product
from tests.bench.situation import start_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm._sidecar import SeederAddress
    from tests.bench.situation import Bench

#: Ten times as often as with the default lease of 30 s, so that what it costs can be seen at all.
LEASE_S: Final = 3.0
CALLS: Final = 300


def measure_leases(bench: Bench, address: SeederAddress) -> list[Figure]:
    """Return the latency of a renewal, and of seed + reset with and without a heartbeat, in turns."""
    run_id = start_run(bench.client)
    call = Figure(name="a call that asks nothing of Postgres", figure=_time(bench.client.version), unit="ms")
    renewal = compare(
        "renew a lease", _time(lambda: bench.client.renew_lease(run_id, 1)), "ms", against=call, at_most=3.0
    )
    plans, without, beside = bench.iter_plans(), list[float](), list[float]()
    for _ in range(ROUNDS):
        without += time_product(bench, plans, CYCLES)
        with _beating(address, run_id):
            beside += time_product(bench, plans, CYCLES)
    quiet = Figure(name="seed + reset without a heartbeat", figure=round(median_ms(without), 3), unit="ms")
    name = "seed + reset beside a heart that beats every second, 10 times as often as it does"
    return [call, renewal, quiet, compare(name, round(median_ms(beside), 3), "ms", against=quiet, at_most=1.05)]


@contextlib.contextmanager
def _beating(address: SeederAddress, run_id: str) -> Iterator[None]:
    heartbeat = Heartbeat(address, run_id, epoch=1, lease_s=LEASE_S)
    try:
        yield
    finally:
        heartbeat.stop()


def _time(call: Callable[[], object]) -> float:
    samples = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return round(median_ms(samples), 3)
