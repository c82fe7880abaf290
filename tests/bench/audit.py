"""How fast the audit log is read and judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.bench.figures import reach

if TYPE_CHECKING:
    from tests.bench.figures import Figure
    from tests.bench.situation import Bench

TURNS: Final = 3


def measure_verify(old: Bench) -> list[Figure]:
    """Return the events per second, over HTTP, of the log that the past runs of *old* have left; the best of three."""
    verdict, took = old.client.verify_audit(None), []
    assert verdict.intact, verdict.flaws
    for _ in range(TURNS):
        began = time.perf_counter()
        old.client.verify_audit(None)
        took.append(time.perf_counter() - began)
    name = f"atdm audit verify: {verdict.events:,} events of {verdict.runs:,} runs"
    return [reach(name, round(verdict.events / min(took)), "events/s", at_least=100_000)]
