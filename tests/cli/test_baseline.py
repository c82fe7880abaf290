"""``atdm baseline``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.cli.baseline import describe_baseline, describe_changes, describe_list
from pytest_atdm.core.baseline import Baseline, BaselineTable, RestoreReport, TableChanges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Atdm


@pytest.fixture
def quiet(atdm: Atdm) -> Iterator[Atdm]:
    """Reference rows stand, no run is active, and no baseline stays."""
    atdm("request", "active_member_clean")
    for run in atdm("runs", "--json").payload:
        atdm("reap", run["run_id"])
    yield atdm
    for one in atdm("baseline", "list", "--json").payload:
        atdm("baseline", "drop", one["name"])


def test_a_baseline_from_beginning_to_end(quiet: Atdm) -> None:
    """It is taken, listed, shown, compared, restored and dropped; each answer is for a person to read."""
    taken = quiet("baseline", "snapshot", "clean")
    listed, shown = quiet("baseline", "list"), quiet("baseline", "show", "clean")
    same = quiet("baseline", "diff", "clean")
    receipt = quiet("request", "active_member_clean", "--json").payload
    differs = quiet("baseline", "diff", "clean")
    refused = quiet("baseline", "restore", "clean")
    dry = quiet("baseline", "restore", "clean", "--dry-run")
    forced = quiet("baseline", "restore", "clean", "--force")
    dropped = quiet("baseline", "drop", "clean")

    done = (taken, listed, shown, same, dry, forced, dropped)
    assert [0] * len(done) == [one.code for one in done]
    assert re.search(
        r"^baseline clean: all tables, [0-9,]+ rows, taken at \S+Z by \S+ \(atdm\)$", taken.out, re.MULTILINE
    )
    assert taken.out == shown.out
    assert re.search(r"^clean +20\S+ +\d+ +\d+ +\d+$", listed.out, re.MULTILINE)
    assert same.out.startswith("0 rows differ; tables that are the same: ")
    assert (1, 2) == (differs.code, refused.code)
    assert f"run {receipt['run_id']}" in refused.err
    assert f"{receipt['rows']} rows would change" in dry.out
    assert f"{receipt['rows']} rows changed" in forced.out
    assert "live requests whose rows are gone: 1" in forced.out
    assert dropped.out == "dropped clean; baselines left: 0\n"


def test_some_tables_and_json(quiet: Atdm) -> None:
    """--tables may be repeated, and --json is what the seeder says."""
    taken = quiet(
        "baseline", "snapshot", "few", "--tables", "public.plans", "--tables", "public.members", "--json"
    ).payload

    assert (False, ["public.members", "public.plans"]) == (taken["whole"], [one["table"] for one in taken["tables"]])
    assert quiet("baseline", "list", "--json").payload == [taken]
    report = quiet("baseline", "restore", "few", "--json").payload
    assert {"public.members", "public.plans"} == set(report["tables"])


def test_an_unknown_baseline_is_an_error(quiet: Atdm) -> None:
    """The hint says which there are."""
    quiet("baseline", "snapshot", "clean")

    outcome = quiet("baseline", "restore", "other")

    assert 2 == outcome.code
    assert "there are: clean" in outcome.err


def test_descriptions() -> None:
    """Damaged baselines, masked columns and moved sequences are told."""
    table = BaselineTable(table="public.a", rows=1, size=9, masked=("b", "c"))
    one = Baseline(
        name="n", taken_at="2026-01-31T08:00:00.5+00:00", actor="x", whole=False, content="ab", tables=(table,)
    )
    changes = RestoreReport(
        tables={
            "public.a": TableChanges(inserted=1, updated=2, deleted=3),
            "public.b": TableChanges(inserted=0, updated=0, deleted=0),
        },
        sequences=("public.s",),
        released=2,
    )

    assert [
        "baseline  taken at (UTC)       tables  rows  bytes",
        "--------  -------------------  ------  ----  -----",
        "n         2026-01-31T08:00:00  1       1     9",
        "m         damaged: cut",
        "2 baselines",
    ] == list(describe_list([one, Baseline(name="m", damage="cut")]))
    assert [
        "table     rows  bytes  masked",
        "--------  ----  -----  ------",
        "public.a  1     9      b, c",
        "baseline n: some tables, 1 row, taken at 2026-01-31T08:00:00Z by x",
        "content ab",
    ] == list(describe_baseline(one))
    assert [
        "table     inserted  updated  deleted",
        "--------  --------  -------  -------",
        "public.a  1         2        3",
        "sequence public.s: stands elsewhere",
        "live requests whose rows are gone: 2",
        "6 rows would change; tables that are the same: 1",
    ] == list(describe_changes(changes, "would change"))
