"""``atdm runs`` and ``atdm reap``: whose rows stand, for how long, and an end for those that nobody ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm._client import Json
    from pytest_atdm.core.model import ReapedRun

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


@click.command(short_help="List the runs: whose they are, how old, with how many rows.")
@click.option("--all", "everything", is_flag=True, help="List those that are over too; the newest 200.")
@setting_options("url", "database_url", "catalog")
def runs(*, everything: bool) -> None:
    """List the active runs, newest first: owner, age, rows that stand, and what is left of the lease.

    A run's rows go when its lease lapses. The owner's process renews it; one that is kept lapses at a stated time.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        found = [run for run in client.runs(limit=200) if everything or run["state"] == "active"]
    read_console().answer(found, describe_runs(found))


@click.command(short_help="End runs whose lease has lapsed, or one whatever its lease.")
@click.argument("run", required=False)
@setting_options("url", "database_url", "catalog")
def reap(run: str | None) -> None:
    """Remove the rows of the run RUN and end it, whatever its lease; without RUN, of all whose lease has lapsed.

    Its owner, should it still be at work, is refused from then on. The seeder does the same by itself, a little later.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        client.expect_live_rows()
        reaped = client.reap(run)
    read_console().answer(reaped, describe_reaped(reaped))


def describe_runs(runs: Sequence[Json]) -> Iterator[str]:
    """Yield a table of *runs*, as ``GET /runs`` has them, for a person."""
    heads = ("run", "state", "owner", "age", "requests", "rows", "lease")
    rows = [
        (
            run["run_id"],
            run["state"],
            run["owner"] or run["actor"],
            show_seconds(run["age_s"]),
            run["requests"],
            run["live_rows"],
            _describe_lease(run),
        )
        for run in runs
    ]
    yield from format_table(heads, rows)
    yield f"{len(rows)} {'run' if len(rows) == 1 else 'runs'}"


def describe_reaped(reaped: Sequence[ReapedRun]) -> Iterator[str]:
    """Yield what reaping did, for a person."""
    for one in reaped:
        rows = sum(one.report.seeded.values()) + sum(one.report.made_by_sut.values())
        yield f"ended {one.run_id}: {rows} rows removed"
    if not reaped:
        yield "nothing to end"


def show_rows(rows: int) -> str:
    """Return a number of rows with its noun."""
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def show_seconds(seconds: object) -> str:
    """Return a duration in its largest whole unit: ``90`` is ``1m``."""
    number = max(seconds, 0) if isinstance(seconds, int) else 0
    return next((f"{number // size}{unit}" for size, unit in _UNITS if number >= size), "0s")


def _describe_lease(run: Json) -> str:
    left = run["lease_left_s"]
    if not isinstance(left, int):
        return ""
    if left < 0:
        return f"lapsed {show_seconds(-left)} ago"
    return f"kept for {show_seconds(left)}" if run["kept"] else f"{show_seconds(left)} left"
