"""Runs and requests: begun, ended, listed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict, NotFound
from seeder.db.border import translated
from seeder.db.cells import dump_json
from seeder.db.queries import QUERIES, quote_ident, quote_table, quote_text
from seeder.db.reports import read_report
from seeder.records import Metrics, RequestRecord, RunRecord

if TYPE_CHECKING:
    import asyncpg

    from pytest_atdm.core.model import Cell
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.records import RunStart, RunState
    from seeder.settings import Settings

_SAME: Final = ("session_id", "actor", "seed", "as_of")


async def start_run(pool: Pool, target: Target, run: RunStart, seeder_id: str, settings: Settings) -> RunRecord:
    """Record the run and where the serial keys stand; one that is over is started again, its chain going on.

    Its lease is granted by the seeder process *seeder_id*, for ``lease_s`` of its *settings* or for as long as the run
    is to be kept. The same values again find the same active run.

    Raises:
        Conflict: the run is active with other values.
    """
    with translated(f"starting run {run.run_id}"):
        async with pool.acquire() as connection, connection.transaction():
            epoch = await connection.fetchval(
                QUERIES["start_run"],
                run.run_id,
                run.session_id,
                run.actor,
                run.seed,
                run.as_of,
                await connection.fetchval(positions_sql(target)),
                run.owner,
                seeder_id,
                run.keep_s or settings.lease_s,
                run.keep_s is not None,
            )
            if epoch is not None:
                detail: dict[str, Cell] = {name: getattr(run, name) for name in (*_SAME, "owner")}
                detail |= {"epoch": epoch, "token": settings.token_id}
                await connection.execute(
                    QUERIES["append_run_events"], run.run_id, [EventKind.RUN_STARTED], [dump_json(detail)]
                )
    record = replace(await read_run(pool, run.run_id), created=epoch is not None)
    if any(getattr(record, name) != getattr(run, name) for name in _SAME):
        raise Conflict(
            f"run {run.run_id} is active with other values: {record.owner or record.actor} started it at "
            f"{record.started_at}; its lease lapses at {record.expires_at} unless it is renewed",
            hint="wait until its session has ended, end it yourself, which lets go of rows that it keeps "
            f"(atdm reap {run.run_id}), or take another run id",
        )
    return record


def positions_sql(target: Target) -> str:
    """Return the query for the evidence that ``atdm.is_new`` weighs, as the run begins.

    ``ahead``: the lowest and highest key that lie above their sequence already (rows with keys given by hand).
    ``at``: where the sequences stand that hand out blocks; the others are looked up with each request, which is nearer.
    """
    ahead, at = [], []
    for name, column in target.serial_keys.items():
        sequence = f"{quote_text(column.sequence or '')}::regclass"
        key = quote_ident(column.name)
        # A query of its own is asked once, not for each row: then an index on the key serves.
        position = (
            f"(SELECT coalesce(CASE WHEN has_sequence_privilege({sequence}, 'USAGE, SELECT')"
            f" THEN pg_sequence_last_value({sequence}) END, 0))"
        )
        ahead.append(
            f"SELECT {quote_text(name)} AS relation, min({key}) AS low, max({key}) AS high"
            f" FROM {quote_table(name)} WHERE {key} > {position}"
        )
        if column.sequence not in target.one_by_one:
            at.append(f"SELECT {quote_text(name)} AS relation, {position} AS position")
    return f"""SELECT jsonb_build_object(
    'ahead', {_collect("jsonb_build_array(low, high)", "low IS NOT NULL", ahead)},
    'at', {_collect("position", "true", at)})"""


def _collect(value: str, condition: str, selects: list[str]) -> str:
    if not selects:
        return "'{}'::jsonb"
    rows = "\nUNION ALL ".join(selects)
    return f"(SELECT coalesce(jsonb_object_agg(relation, {value}) FILTER (WHERE {condition}), '{{}}') FROM ({rows}) s)"


async def lock_run(connection: asyncpg.Connection, run_id: str) -> None:
    """Let no request of the run commit before the connection's transaction ends.

    Raises:
        NotFound: no such run.
    """
    if await connection.fetchval(QUERIES["lock_run"], run_id) is None:
        raise unknown_run(run_id)


async def end_run(
    connection: asyncpg.Connection, run_id: str, *, state: RunState = "ended", kind: EventKind = EventKind.RUN_ENDED
) -> str:
    """Give the run, if it is active, that *state* and its lease back, and seal it; return the newest checkpoint.

    To be done last in the transaction: all ends of runs wait for one another from here on; see ``lock_run`` too.
    """
    return await connection.fetchval(QUERIES["end_run"], run_id, state, kind) or ""


async def list_runs(pool: Pool, limit: int, before: str | None) -> tuple[RunRecord, ...]:
    """Return at most *limit* runs, newest first, all older than *before*."""
    with translated("listing runs"):
        rows = await pool.fetch(QUERIES["read_runs"], None, before, limit)
    return tuple(RunRecord(**row) for row in rows)


async def read_run(pool: Pool, run_id: str) -> RunRecord:
    """Return one run.

    Raises:
        NotFound: no such run.
    """
    with translated(f"reading run {run_id}"):
        row = await pool.fetchrow(QUERIES["read_runs"], run_id, None, 1)
    if row is None:
        raise unknown_run(run_id)
    return RunRecord(**row)


async def read_request(pool: Pool, request_id: str) -> RequestRecord:
    """Return one request.

    Raises:
        NotFound: no such request.
    """
    with translated(f"reading request {request_id}"):
        row = await pool.fetchrow(QUERIES["read_request"], request_id)
    if row is None:
        raise unknown_request(request_id)
    values = dict(row)
    counts, report = values.pop("counts"), values.pop("report")
    return RequestRecord(**values, rows=json.loads(counts), report=read_report(report) if report else None)


async def read_metrics(pool: Pool) -> Metrics:
    """Return the counts of what stands in ATDM's schema."""
    with translated("counting"):
        return Metrics(**await pool.fetchrow(QUERIES["metrics"]))


def unknown_run(run_id: str) -> NotFound:
    """Return the error for a run id that stands nowhere."""
    return NotFound(f"there is no run {run_id}", hint="GET /runs lists the runs that there are")


def unknown_request(request_id: str) -> NotFound:
    """Return the error for a request id that stands nowhere."""
    return NotFound(f"there is no request {request_id}", hint="take request_id from the receipt")
