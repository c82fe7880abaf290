"""``atdm baseline``: named states of the target's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, read_settings, setting_options
from pytest_atdm.cli.runs import show_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.baseline import Baseline, RestoreReport


@click.group()
def baseline() -> None:
    """Keep the rows of all tables under a name, and bring them back."""


@baseline.command(short_help="Keep all tables as they are now.")
@click.argument("name")
@click.option("--tables", multiple=True, metavar="TABLE", help="Only this table, as schema.table; may be repeated.")
@setting_options("url", "database_url", "catalog", "actor")
def snapshot(name: str, tables: tuple[str, ...]) -> None:
    """Keep the rows of all tables, as they are in one moment, as the baseline NAME in the seeder's store.

    Nobody is kept waiting. It is there whole, or not at all.
    """
    from pytest_atdm._progress import tables_shown  # lazy: startup
    from pytest_atdm.cli.desk import open_client

    with open_client() as client, tables_shown() as tell:
        taken = client.take_baseline(name, actor=_actor(), tables=tables, tell=tell)
    read_console().answer(taken, describe_baseline(taken))


@baseline.command(short_help="Bring the tables back to a baseline.")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--force", is_flag=True, help="Also while other runs are active: their rows are gone then.")
@setting_options("url", "database_url", "catalog", "actor")
def restore(name: str, *, dry_run: bool, force: bool) -> None:
    """Bring the tables to exactly the rows of the baseline NAME, in one transaction, and sequences to where they stood.

    Rows that are the same are not written. It is refused while other runs are active.
    """
    from pytest_atdm._progress import tables_shown  # lazy: startup
    from pytest_atdm.cli.desk import open_client

    with open_client() as client, tables_shown() as tell:
        if dry_run:
            report = client.compare_baseline(name, tell=tell)
        else:
            report = client.restore_baseline(name, actor=_actor(), force=force, tell=tell)
    read_console().answer(report, describe_changes(report, "would change" if dry_run else "changed"))


@baseline.command(short_help="Say what differs from a baseline.")
@click.argument("name")
@setting_options("url", "database_url", "catalog")
@click.pass_context
def diff(ctx: click.Context, name: str) -> None:
    """Compare every row with the baseline NAME, and write nothing; exit with 1 if anything differs."""
    from pytest_atdm._progress import tables_shown  # lazy: startup
    from pytest_atdm.cli.desk import open_client

    with open_client() as client, tables_shown() as tell:
        report = client.compare_baseline(name, tell=tell)
    read_console().answer(report, describe_changes(report, "differ"))
    if report.changes or report.sequences:
        ctx.exit(1)


@baseline.command("list", short_help="List the baselines.")
@setting_options("url", "database_url", "catalog")
def list_baselines() -> None:
    """List the baselines in the seeder's store, by name."""
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        found = client.baselines()
    read_console().answer(found, describe_list(found))


@baseline.command(short_help="Show a baseline with its tables.")
@click.argument("name")
@setting_options("url", "database_url", "catalog")
def show(name: str) -> None:
    """Show the baseline NAME: when it was taken, of which tables, with how many rows."""
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        found = client.baseline(name)
    read_console().answer(found, describe_baseline(found))


@baseline.command(short_help="Remove a baseline.")
@click.argument("name")
@setting_options("url", "database_url", "catalog", "actor")
def drop(name: str) -> None:
    """Remove the baseline NAME from the seeder's store."""
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        left = client.drop_baseline(name, actor=_actor())
    read_console().answer(left, [f"dropped {name}; baselines left: {len(left)}"])


def _actor() -> str:
    return f"{read_settings().actor} (atdm)"


def describe_list(found: Sequence[Baseline]) -> Iterator[str]:
    """Yield a table of baselines, for a person."""
    rows = [
        (one.name, f"damaged: {one.damage}", "", "", "")
        if one.damage
        else (one.name, one.taken_at[:19], len(one.tables), one.rows, one.size)
        for one in found
    ]
    yield from format_table(("baseline", "taken at (UTC)", "tables", "rows", "bytes"), rows)
    yield f"{len(rows)} {'baseline' if len(rows) == 1 else 'baselines'}"


def describe_baseline(one: Baseline) -> Iterator[str]:
    """Yield what a baseline holds, for a person."""
    rows = [(table.table, table.rows, table.size, ", ".join(table.masked)) for table in one.tables]
    yield from format_table(("table", "rows", "bytes", "masked"), rows)
    what = "all tables" if one.whole else "some tables"
    yield f"baseline {one.name}: {what}, {show_rows(one.rows)}, taken at {one.taken_at[:19]}Z by {one.actor}"
    yield f"content {one.content}"


def describe_changes(report: RestoreReport, word: str) -> Iterator[str]:
    """Yield what a restore did or would do, for a person; *word* says which."""
    changed = {table: one for table, one in report.tables.items() if one.changes}
    if changed:
        rows = [(table, one.inserted, one.updated, one.deleted) for table, one in changed.items()]
        yield from format_table(("table", "inserted", "updated", "deleted"), rows)
    moved = "put back" if word == "changed" else "stands elsewhere"
    yield from (f"sequence {name}: {moved}" for name in report.sequences)
    if report.released:
        yield f"live requests whose rows are gone: {report.released}"
    same = len(report.tables) - len(changed)
    yield f"{show_rows(report.changes)} {word}; tables that are the same: {same}"
