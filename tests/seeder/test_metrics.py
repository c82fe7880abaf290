"""What the seeder counts."""

from __future__ import annotations

import re

from pytest_atdm.core.model import ResetReport
from seeder import metrics
from seeder.metrics import Counters
from seeder.records import Metrics
from tests.seeder.caller import Caller

NOW = Metrics(active_runs=1, live_requests=2, live_rows=3, events=4, pending_events=5, pending_seals=6, pending_s=7.5)


def read_metrics(shop: Caller) -> dict[str, float]:
    """Return every sample by name and labels."""
    text = shop.http.get("/metrics").raise_for_status().text
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def test_the_text_is_prometheus_format_as_a_whole() -> None:
    """One TYPE line per family, then its samples; nothing else."""
    counters = Counters()
    counters.count_request("seeded", rows=4, seconds=0.25)
    counters.count_request("refused", seconds=0.25)
    report = ResetReport(seeded={"a": 4}, made_by_sut={"b": 1})
    counters.count_reset(report, seconds=0.5)
    counters.count_reaped()
    counters.count_exported(9)
    counters.count_export_failure()

    assert """\
# TYPE atdm_requests_total counter
atdm_requests_total{result="seeded"} 1
atdm_requests_total{result="replayed"} 0
atdm_requests_total{result="refused"} 1
atdm_requests_total{result="failed"} 0
# TYPE atdm_seed_rows_total counter
atdm_seed_rows_total 4
# TYPE atdm_seed_seconds summary
atdm_seed_seconds_count 2
atdm_seed_seconds_sum 0.500000
# TYPE atdm_resets_total counter
atdm_resets_total 1
# TYPE atdm_reset_rows_total counter
atdm_reset_rows_total{made_by="atdm"} 4
atdm_reset_rows_total{made_by="sut"} 1
# TYPE atdm_reset_seconds summary
atdm_reset_seconds_count 1
atdm_reset_seconds_sum 0.500000
# TYPE atdm_reaped_runs_total counter
atdm_reaped_runs_total 1
# TYPE atdm_active_runs gauge
atdm_active_runs 1
# TYPE atdm_live_requests gauge
atdm_live_requests 2
# TYPE atdm_live_rows gauge
atdm_live_rows 3
# TYPE atdm_audit_events_total counter
atdm_audit_events_total 4
# TYPE atdm_audit_exported_events_total counter
atdm_audit_exported_events_total 9
# TYPE atdm_audit_export_failures_total counter
atdm_audit_export_failures_total 1
# TYPE atdm_audit_pending_events gauge
atdm_audit_pending_events 5
# TYPE atdm_audit_pending_seals gauge
atdm_audit_pending_seals 6
# TYPE atdm_audit_pending_seconds gauge
atdm_audit_pending_seconds 7
# TYPE atdm_audit_dropped_events_total counter
atdm_audit_dropped_events_total 0
""" == counters.render(NOW)


def test_every_metric_is_documented() -> None:
    """The module's table names each family."""
    families = set(re.findall(r"# TYPE (\w+)", Counters().render(NOW)))

    assert families == set(re.findall(r"atdm_\w+", metrics.__doc__ or ""))


def test_seeding_and_resetting_move_the_counters(shop: Caller, run_id: str) -> None:
    """Each result counts once, rows by who made them."""
    before = read_metrics(shop)
    plan = shop.plan(run_id)
    shop.seed(plan).raise_for_status()
    receipt = shop.seed(plan).json()
    shop.send(b"{}", key="refused")
    live = read_metrics(shop)
    shop.reset(receipt).raise_for_status()
    shop.reset(receipt).raise_for_status()
    after = read_metrics(shop)

    def moved(name: str) -> float:
        return after[name] - before[name]

    assert [1, 1, 1, 0] == [
        moved(f'atdm_requests_total{{result="{result}"}}') for result in ("seeded", "replayed", "refused", "failed")
    ]
    assert (4, 4) == (moved("atdm_seed_rows_total"), moved('atdm_reset_rows_total{made_by="atdm"}'))
    assert (1, 4) == (
        live["atdm_live_requests"] - before["atdm_live_requests"],
        live["atdm_live_rows"] - before["atdm_live_rows"],
    )
    assert (1, 2) == (moved("atdm_resets_total"), moved("atdm_reset_seconds_count"))
    assert 0 == after["atdm_audit_dropped_events_total"]
    assert 0 < moved("atdm_audit_events_total")
