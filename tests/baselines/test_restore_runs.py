"""A restore among runs: whose rows go, and what their reset does afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core.errors import Conflict
from tests.database.world import RUN, planned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site

DDL = (
    "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE s (id serial PRIMARY KEY, t int, v text)",
    "INSERT INTO t VALUES (1, 'old')",
)
OTHER = "01OTHER"


def events_of(site: Site, run_id: str, kind: str) -> list[dict[str, Any]]:
    """The details of the run's events of that kind."""
    trail = site.wait(site.database.read_events(run_id))
    assert trail.intact
    return [dict(event.detail) for event in trail.events if event.kind == kind]


def test_restore_stands_in_the_audit_log(make_site: Callable[..., Site]) -> None:
    """The event of the run names the baseline, its digest, and how many rows of which tables changed."""
    site = make_site(*DDL)
    manifest = site.take()
    site.execute("DELETE FROM t; INSERT INTO s (v) VALUES ('x')")

    site.restore()

    assert [
        {
            "baseline": "base",
            "content": manifest.content,
            "inserted": {"public.t": 1},
            "updated": {},
            "deleted": {"public.s": 1},
            "sequences": ["public.s_id_seq"],
            "released": 0,
        }
    ] == events_of(site, RUN, "baseline_restored")


def test_live_rows_of_others_are_in_the_way(make_site: Callable[..., Site]) -> None:
    """Where another run has rows in the tables it is named, and nothing changes; a kept one without is nobody's."""
    site = make_site(*DDL)
    site.take()
    site.start_run(OTHER, keep_s=60)
    site.restore()
    site.seed(planned("row", "t", {"id": 5, "v": "seeded"}), run_id=OTHER)
    state = site.state()

    with pytest.raises(Conflict, match=f"run {OTHER} of") as refused:
        site.restore()

    assert "force" in refused.value.hint
    assert state == site.state()


def test_others_at_work_are_in_the_way(make_site: Callable[..., Site]) -> None:
    """A session between two tests counts on what stands there: it is named, too, though it has no rows."""
    site = make_site(*DDL)
    site.take()
    site.start_run(OTHER)

    with pytest.raises(Conflict, match=f"run {OTHER} of") as refused:
        site.restore()

    assert "atdm reap" in refused.value.hint
    site.restore(force=True)


def test_reset_takes_no_row_of_the_baseline_for_a_seeded_one(make_site: Callable[..., Site]) -> None:
    """After a restore with force the requests are reset, and so leave a row of the baseline with the same key alone."""
    site = make_site(*DDL)
    site.execute("INSERT INTO t VALUES (5, 'old')")
    site.take()
    state = site.state()
    site.execute("DELETE FROM t WHERE id = 5")
    site.start_run(OTHER)
    outcome = site.seed(planned("row", "t", {"id": 5, "v": "seeded"}), run_id=OTHER)

    report = site.restore(force=True)
    reset = site.reset(outcome)
    site.wait(site.database.reset_run(OTHER))

    assert 1 == report.released
    assert reset.already
    assert state == site.state()
    assert 0 == site.fetch("SELECT count(*) FROM atdm.ledger")
    (detail,) = events_of(site, OTHER, "reset_executed")
    assert ("base", "operator") == (detail["baseline"], detail["by"])


def test_own_rows_go_without_force(make_site: Callable[..., Site]) -> None:
    """The run that restores is not in its own way: what it seeded is gone, and it can seed anew."""
    site = make_site(*DDL)
    site.take()
    state = site.state()
    site.seed(planned("row", "t", {"id": 5, "v": "seeded"}))

    report = site.restore()

    assert 1 == report.released
    assert state == site.state()
    outcome = site.seed(planned("row", "t", {"id": 5, "v": "seeded"}))
    assert {"public.t": 1} == dict(site.reset(outcome).seeded)
    assert state == site.state()


def test_requests_with_rows_elsewhere_stay_live(make_site: Callable[..., Site]) -> None:
    """Of a baseline of some tables, a request keeps what it has in the others, and its reset removes that."""
    site = make_site(*DDL)
    manifest = site.take()
    state = site.state()
    outcome = site.seed(planned("one", "t", {"id": 5, "v": "x"}), planned("two", "s", {"v": "y"}))

    site.restore_from(site.with_tables(manifest, "public.t"))
    reset = site.reset(outcome)

    assert {"public.s": 1} == dict(reset.seeded)
    assert state["t"] == site.state()["t"]
    assert state["s"] == site.state()["s"]


def test_rows_of_the_baseline_are_old_for_runs_that_go_on(make_site: Callable[..., Site]) -> None:
    """A row of the baseline above its sequence is not taken for one that the application made after the restore."""
    site = make_site(
        *DDL, "ALTER TABLE s ADD FOREIGN KEY (t) REFERENCES t; INSERT INTO s (id, v) VALUES (900, 'by hand')"
    )
    site.take()
    site.execute("DELETE FROM s")
    site.start_run(OTHER)
    site.restore(force=True)
    outcome = site.seed(planned("row", "t", {"id": 5, "v": "x"}), run_id=OTHER)
    site.execute("UPDATE s SET t = 5 WHERE id = 900")

    report = site.reset(outcome)

    assert [("public.s", {"id": 900})] == [(row.table, dict(row.key)) for row in report.detached]
    assert '(900,,"by hand")' in site.state()["s"]
    assert json.loads(site.fetch("SELECT positions FROM atdm.run WHERE run_id = $1", OTHER))["ahead"]
