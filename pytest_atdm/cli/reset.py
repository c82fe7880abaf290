"""``atdm reset``: the rows of a request gone again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options
from pytest_atdm.core.errors import NotFound, Unauthorized, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.model import LeftRow, ResetReport, SideEffect


@click.command(short_help="Remove the rows of a request, or of all.")
@click.argument("run", required=False)
@click.option("--token", metavar="TOKEN", help="The cleanup token from the receipt.")
@click.option("--all", "everything", is_flag=True, help="Remove the rows of every request of every run instead.")
@click.option("--force", is_flag=True, help="With --all: also while others are at work; their rows are gone then.")
@setting_options("url", "database_url", "catalog")
def reset(run: str | None, token: str | None, *, everything: bool, force: bool) -> None:
    """Remove the rows of a request and whatever the application hung below them.

    RUN is the id of a request, or of a run: then the request of that run to which TOKEN belongs. Rows that stood there
    before the request are never removed. Repeated, it changes nothing.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    if everything == bool(run or token) or bool(run) != bool(token) or (force and not everything):
        raise UsageError("reset what?", hint="write atdm reset RUN --token TOKEN, or atdm reset --all [--force]")
    with open_client() as client:
        client.expect_live_rows()
        report = reset_by_token(client, run, token) if run and token else client.reset_all(force=force)
    read_console().answer(report, describe_reset(report))


def reset_by_token(client: SeederClient, name: str, token: str) -> ResetReport:
    """Reset the request *name*, or that request of the run *name* to which *token* belongs; the seeder compares.

    Raises:
        NotFound: there is neither a request nor a run of that id.
        Unauthorized: the token belongs to no request of it.
    """
    try:
        return client.reset(name, token)
    except NotFound:
        requests = _list_requests(client, name)
    for request_id in requests:
        try:
            return client.reset(request_id, token)
        except Unauthorized:
            continue
    raise Unauthorized(
        f"the token belongs to none of the {len(requests)} requests of run {name}",
        hint="take the token from the receipt that atdm request printed; without it: atdm reset --all",
    )


def _list_requests(client: SeederClient, run_id: str) -> list[str]:
    """Return the ids of the run's requests, the latest first."""
    events = client.audit(run_id)["events"]
    found = [event["request_id"] for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    return [str(one) for one in dict.fromkeys(reversed(found)) if one]


def describe_reset(report: ResetReport) -> Iterator[str]:
    """Yield what *report* says, for a person."""
    if report.already:
        yield "it had been reset before; then it removed:"
    tables = sorted({*report.seeded, *report.made_by_sut})
    rows = [(table, report.seeded.get(table, 0), report.made_by_sut.get(table, 0)) for table in tables]
    if rows:
        yield from format_table(("table", "seeded", "made by the application"), rows)
    total = sum(report.seeded.values()) + sum(report.made_by_sut.values())
    yield f"{total} rows removed, {report.requests} {'request' if report.requests == 1 else 'requests'}"
    for label in ("detached", "left", "changed"):
        yield from (f"{label}: {_describe_row(row)}" for row in getattr(report, label))
    if report.more_changed:
        yield f"changed: {report.more_changed} more"
    for table, effect in report.beyond.items():
        yield f"beyond: {table}: {_describe_effect(effect)} by triggers, rules or ON DELETE"
    for index in report.missing_indexes:
        yield f"slow: no index serves the reference of {index.table} (about {index.rows} rows) to {index.parent}:"
        yield f"  {index.statement}"


def _describe_effect(effect: SideEffect) -> str:
    counts = {"inserted": effect.inserted, "updated": effect.updated, "deleted": effect.deleted}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _describe_row(row: LeftRow) -> str:
    key = ", ".join(f"{column} {value}" for column, value in row.key.items())
    return f"{row.table} {key}: {row.why}"
