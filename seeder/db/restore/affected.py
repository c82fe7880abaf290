"""What a restore means for runs: their rows may go with it, and what was there before they began is something else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict
from pytest_atdm.core.schema import Schema
from seeder.db.cells import dump_json
from seeder.db.leases import name_runs
from seeder.db.queries import QUERIES
from seeder.db.runs import positions_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import asyncpg

    from pytest_atdm.core.model import Cell
    from seeder.db.introspect import Target


async def find_affected(
    connection: asyncpg.Connection, tables: Collection[str], own_run: str, *, force: bool
) -> tuple[str, ...]:
    """Return the ids of the live requests that hold rows of *tables*; those of *own_run* and, with *force*, of others.

    Raises:
        Conflict: others are at work, or left requests with rows there, and *force* is False.
    """
    rows = await connection.fetch(QUERIES["affected_requests"], list(tables))
    at_work = await connection.fetch(QUERIES["runs_at_work"], own_run)
    others = {row["run_id"]: row for row in [*at_work, *rows] if row["run_id"] != own_run}
    if others and not force:
        raise _in_the_way(list(others.values()))
    return tuple(row["request_id"] for row in rows)


def _in_the_way(runs: Sequence[Any]) -> Conflict:
    return Conflict(
        f"others are at work here, or left rows in these tables: {name_runs(runs)}",
        hint="wait until they have ended, end them (atdm reap ID), or restore with force: their rows are gone then",
    )


async def release_rows(
    connection: asyncpg.Connection, requests: Sequence[str], tables: Collection[str], baseline: str
) -> None:
    """Let *requests* hold nothing of *tables* any more: a later reset must not take rows of the baseline for theirs.

    Those that hold nothing else are reset with it, which their runs' audit logs tell.
    """
    if not requests:
        return
    report: dict[str, Cell] = {"seeded": {}, "made_by_sut": {}, "detached": [], "left": [], "by": "operator"}
    rows = await connection.fetch(QUERIES["release_rows"], list(requests), list(tables), dump_json(report))
    detail = dump_json({**report, "baseline": baseline})
    for row in sorted(rows, key=lambda row: (row["run_id"], row["request_id"])):
        await connection.execute(
            QUERIES["append_request_event"], row["run_id"], row["request_id"], [EventKind.RESET_EXECUTED], [detail]
        )


async def renew_positions(connection: asyncpg.Connection, target: Target, tables: Collection[str]) -> None:
    """Tell active runs what is there now in *tables*: no row of the baseline is to be taken for a new one."""
    own = {name: table for name, table in target.schema.tables.items() if name in tables}
    positions = positions_sql(dataclasses.replace(target, schema=Schema(tables=own)))
    await connection.execute(QUERIES["renew_positions"], list(tables), await connection.fetchval(positions))


async def append_restored(connection: asyncpg.Connection, run_id: str, detail: Mapping[str, Cell]) -> None:
    """Append the event of the restore to the audit log of the run, and have seeders give up keys that they took ahead.

    Raises:
        asyncpg.PostgresError: there is no such run, or it is over.
    """
    await connection.fetchval(QUERIES["note_restore"])
    await connection.execute(QUERIES["append_run_events"], run_id, [EventKind.BASELINE_RESTORED], [dump_json(detail)])
