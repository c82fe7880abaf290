"""``atdm runs`` and ``atdm reap``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.cli.runs import describe_reaped, show_seconds

if TYPE_CHECKING:
    from tests.cli.conftest import Atdm

SCENARIO = "active_member_clean"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (7_199, "1h"), (86_400, "1d"), (None, "0s")]
)
def test_durations_are_shown_in_their_largest_unit(seconds: int | None, shown: str) -> None:
    """What is left out is less than one of it."""
    assert shown == show_seconds(seconds)


def test_active_runs_are_listed_with_owner_rows_and_lease(atdm: Atdm) -> None:
    """Whoever looks sees whose rows stand there, and for how long; runs that are over on request only."""
    kept = atdm("request", SCENARIO, "--keep-data", "2h", "--json").payload
    over = atdm("request", SCENARIO, "--json").payload
    atdm("reap", over["run_id"])

    shown = atdm("runs").out.splitlines()
    every = atdm("runs", "--all").out

    assert ["run", "state", "owner", "age", "requests", "rows", "lease"] == shown[0].split()
    (line,) = [line for line in shown if kept["run_id"] in line]
    assert re.search(rf"active +\S+@\S+ pid \d+ +\d+s +1 +{kept['rows']} +kept for (1h|2h)$", line)
    assert over["run_id"] not in "\n".join(shown)
    assert re.search(rf"{over['run_id']} +reaped ", every)


def test_the_list_in_json_is_what_the_seeder_says(atdm: Atdm) -> None:
    """One object for each run, with the moment at which its rows go."""
    receipt = atdm("request", SCENARIO, "--json").payload

    runs = atdm("runs", "--json").payload

    (run,) = [run for run in runs if run["run_id"] == receipt["run_id"]]
    assert ("active", True, receipt["rows"], receipt["kept_until"]) == (
        run["state"], run["kept"], run["live_rows"], run["expires_at"],
    )  # fmt: skip


def test_a_run_is_ended_whatever_its_lease(atdm: Atdm) -> None:
    """Its rows go and are counted; a second time there is nothing to end."""
    receipt = atdm("request", SCENARIO, "--json").payload

    outcomes = [atdm("reap", receipt["run_id"]) for _ in range(2)]

    assert [f"ended {receipt['run_id']}: {receipt['rows']} rows removed\n", "nothing to end\n"] == [
        outcome.out for outcome in outcomes
    ]
    assert "reaped" == next(
        run["state"] for run in atdm("runs", "--all", "--json").payload if run["run_id"] == receipt["run_id"]
    )


def test_without_a_run_only_lapsed_ones_are_ended(atdm: Atdm) -> None:
    """What has a lease stands on."""
    receipt = atdm("request", SCENARIO, "--json").payload

    outcome = atdm("reap", "--json")

    assert [] == outcome.payload
    assert receipt["run_id"] in atdm("runs").out


@pytest.mark.parametrize("word", ["01JD0000000000000000000000", "nothing"])
def test_a_run_that_never_was_cannot_be_ended(atdm: Atdm, word: str) -> None:
    """An unknown id is an error with a code, as is what is no id."""
    outcome = atdm("reap", word, "--json")

    assert (2, "not_found") == (outcome.code, outcome.payload["error"]["code"])
    assert outcome.payload["error"]["hint"]
    assert ["nothing to end"] == list(describe_reaped([]))
