"""What one seeder process has done since it started, as Prometheus text.

| metric | meaning |
|---|---|
| atdm_requests_total{result} | seed requests: seeded, replayed, refused (a 4xx), failed (a 5xx) |
| atdm_seed_rows_total | rows written for tests |
| atdm_seed_seconds | summary (count and sum): from body read to receipt |
| atdm_resets_total | reset calls that found something to do |
| atdm_reset_rows_total{made_by} | rows removed: made_by="atdm" seeded them, made_by="sut" hung below |
| atdm_reset_seconds | summary: from call to report |
| atdm_reaped_runs_total | runs ended for their owners |
| atdm_active_runs, atdm_live_requests, atdm_live_rows | what stands in the database now, whoever made it |
| atdm_audit_events_total | events in the audit log, whoever wrote them |
| atdm_audit_exported_events_total | events that this process put into the store, or found there |
| atdm_audit_export_failures_total | rounds of the export that failed; it is tried again |
| atdm_audit_pending_events, atdm_audit_pending_seals | ended and not exported yet, whoever is to do it |
| atdm_audit_pending_seconds | for how long the oldest of them has been waiting |
| atdm_audit_dropped_events_total | changes acknowledged without their event: 0, as both commit in one transaction |
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.model import ResetReport
    from seeder.records import Metrics

SeedResult = Literal["seeded", "replayed", "refused", "failed"]

#: No acknowledged change can lack its event: the database writes both in one transaction or neither.
DROPPED_EVENTS: Final = 0


class Counters:
    """Counts of this process; one event loop, so plain integers do."""

    def __init__(self) -> None:
        self._requests: Counter[SeedResult] = Counter({"seeded": 0, "replayed": 0, "refused": 0, "failed": 0})
        self._seed_rows = 0
        self._seed_seconds = 0.0
        self._resets = 0
        self._reset_calls = 0
        self._reset_rows = {"atdm": 0, "sut": 0}
        self._reset_seconds = 0.0
        self._reaped_runs = 0
        self._exported_events = 0
        self._export_failures = 0

    def count_request(self, result: SeedResult, *, rows: int = 0, seconds: float = 0.0) -> None:
        """Count one seed request that ended with *result* after *seconds*."""
        self._requests[result] += 1
        self._seed_rows += rows
        self._seed_seconds += seconds

    def count_reset(self, report: ResetReport, *, seconds: float) -> None:
        """Count one reset call and what it removed; a repeated call counts as a call only."""
        self._reset_calls += 1
        self._reset_seconds += seconds
        if report.already:
            return
        self._resets += 1
        self._reset_rows["atdm"] += sum(report.seeded.values())
        self._reset_rows["sut"] += sum(report.made_by_sut.values())

    def count_reaped(self) -> None:
        """Count one run that was ended for its owner."""
        self._reaped_runs += 1

    def count_exported(self, events: int) -> None:
        """Count the events of one file that stands in the store."""
        self._exported_events += events

    def count_export_failure(self) -> None:
        """Count one round of the export that did not come to its end."""
        self._export_failures += 1

    def render(self, now: Metrics) -> str:
        """Return all metrics as Prometheus text, version 0.0.4; *now* is what the database holds."""
        return "".join(f"{line}\n" for line in self._lines(now))

    def _lines(self, now: Metrics) -> Iterator[str]:
        yield from _family("atdm_requests_total", "counter", _labelled("result", self._requests))
        yield from _family("atdm_seed_rows_total", "counter", {"": self._seed_rows})
        yield from _summary("atdm_seed_seconds", sum(self._requests.values()), self._seed_seconds)
        yield from _family("atdm_resets_total", "counter", {"": self._resets})
        yield from _family("atdm_reset_rows_total", "counter", _labelled("made_by", self._reset_rows))
        yield from _summary("atdm_reset_seconds", self._reset_calls, self._reset_seconds)
        yield from _family("atdm_reaped_runs_total", "counter", {"": self._reaped_runs})
        yield from _family("atdm_active_runs", "gauge", {"": now.active_runs})
        yield from _family("atdm_live_requests", "gauge", {"": now.live_requests})
        yield from _family("atdm_live_rows", "gauge", {"": now.live_rows})
        yield from _family("atdm_audit_events_total", "counter", {"": now.events})
        yield from _family("atdm_audit_exported_events_total", "counter", {"": self._exported_events})
        yield from _family("atdm_audit_export_failures_total", "counter", {"": self._export_failures})
        yield from _family("atdm_audit_pending_events", "gauge", {"": now.pending_events})
        yield from _family("atdm_audit_pending_seals", "gauge", {"": now.pending_seals})
        yield from _family("atdm_audit_pending_seconds", "gauge", {"": int(now.pending_s)})
        yield from _family("atdm_audit_dropped_events_total", "counter", {"": DROPPED_EVENTS})


def _labelled(label: str, values: Mapping[SeedResult, int] | Mapping[str, int]) -> dict[str, int]:
    return {f'{{{label}="{name}"}}': value for name, value in values.items()}


def _family(name: str, kind: str, samples: Mapping[str, int]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in samples.items():
        yield f"{name}{labels} {value}"


def _summary(name: str, count: int, total: float) -> Iterator[str]:
    yield f"# TYPE {name} summary"
    yield f"{name}_count {count}"
    yield f"{name}_sum {total:.6f}"
