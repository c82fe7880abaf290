"""The seeder's database, as the service sees it: one method per use case."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg

from pytest_atdm.core.errors import Conflict, InternalError
from pytest_atdm.core.planner import MAX_LISTED
from pytest_atdm.core.virtual_keys import find_catalog_keys
from seeder.db import audit, coverage, leases, reference, runs, standing
from seeder.db.audit_check import verify_log
from seeder.db.border import CLASHES, LOCKED, REFERENCE_BROKEN, translated
from seeder.db.careful import OvertakenError
from seeder.db.export import ExportQueue
from seeder.db.holders import busy_error
from seeder.db.indexes import find_missing_indexes
from seeder.db.introspect import read_target
from seeder.db.keys import KeyBlocks
from seeder.db.owner import prepare, renew_rights
from seeder.db.pool import open_pool
from seeder.db.queries import QUERIES
from seeder.db.reports import sum_reports
from seeder.db.reset import BATCH_REQUESTS, ResetWriter
from seeder.db.roles import read_working_role
from seeder.db.rows_now import read_rows_now, rows_now_sql
from seeder.db.seed import SeedWriter
from seeder.db.trial import Trials
from seeder.settings import command_timeout_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from pytest_atdm.core.audit_check import Checkpoint, LogVerdict
    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.coverage import Use
    from pytest_atdm.core.model import Cell, Plan, RemovedBy, ResetReport, RowsNow, TargetState
    from pytest_atdm.core.schema import Schema
    from pytest_atdm.core.volume import Batch
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.db.roles import Footing
    from seeder.records import (
        AuditTrail,
        Lease,
        Metrics,
        NewEvent,
        ReferenceReport,
        ReferenceTable,
        RequestRecord,
        RunRecord,
        RunStart,
        SeedCommand,
        SeedOutcome,
        TrialOutcome,
        WorkingRole,
    )
    from seeder.settings import Settings

_Answer = TypeVar("_Answer")

#: Attempts of a reset while the SUT writes below the rows, the first included.
_ATTEMPTS: Final = 4
#: Of these, such as wait for a lock until Postgres gives up. Whoever holds it has had the time of one more.
_LOCKED_ATTEMPTS: Final = 2
#: What may be another way the next time.
_PASSING: Final = frozenset({LOCKED, *CLASHES, *REFERENCE_BROKEN})
#: How long a running statement may hold up the end of the process.
_CLOSE_S: Final = 5


class Database:
    """A pool of connections to one target database, with ATDM's schema in it.

    Every method may raise ``DatabaseUnavailable`` and ``DatabaseBusy``; the others are named with each.
    """

    def __init__(self, pool: Pool, settings: Settings, footing: Footing, catalog: Catalog | None = None) -> None:
        self._pool = pool
        self._settings = settings
        self._footing = footing
        self._catalog = catalog
        #: This process among all that grant leases, one after the other or at once.
        self.seeder_id = secrets.token_hex(8)
        #: What waits to be exported; *sealed* is set where more of it has come.
        self.exports = ExportQueue(pool, self.seeder_id)
        self.sealed = asyncio.Event()
        self._blocks = KeyBlocks(pool)
        self._restores = 0
        self._target: Target | None = None
        self._writers: tuple[SeedWriter, ResetWriter] | None = None
        self._counts_of: dict[str, Mapping[str, int]] = {}  # live requests that this process made
        self._tables_of: dict[str, set[str]] = defaultdict(set)  # by run, what was seeded by this process

    @classmethod
    async def open(cls, settings: Settings, catalog: Catalog | None = None, folders: Sequence[Path] = ()) -> Database:
        """Bring the database up to date as its owner, and connect for the work, as ``atdm_seeder`` where that can be.

        A reset follows the references that the domains of *catalog* tell of, as it does foreign keys. *folders* are the
        target's migrations: their ``*.sql`` files apply by name, once each.

        A database that does not come from the settings' migrations is made anew before.

        Raises:
            MigrationFailed: migrations did not run to their end.
            NotATestDatabase: on a host that is not allowed, or neither embedded, marked, nor allowed by name; nothing
                has been written.
            SettingError: the connecting role finds ATDM's own schema before the target's, or may not migrate; a file
                that was applied has been changed since. Nothing has been written.
        """
        footing = await prepare(settings, folders)
        return cls(await open_pool(settings, footing.session), settings, footing, catalog)

    async def close(self) -> None:
        """Close every connection; a statement that still runs is given up."""
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_S)
        except TimeoutError:
            self._pool.terminate()

    async def ping(self) -> None:
        """Return once Postgres has answered."""
        with translated("asking Postgres whether it is there"):
            await self._pool.fetchval("SELECT 1")

    async def read_role(self) -> WorkingRole:
        """Return the role that seeding and reset run as."""
        return await read_working_role(self._pool, self._footing.obstacle)

    async def read_schema(self) -> Schema:
        """Introspect the target now; the answer is what ``schema()`` gives from then on.

        Tables that came since the last time are opened to the role that the work is done as.
        """
        target = await self._read_target()
        has_changed = self._target not in (None, target)
        if has_changed and not self._footing.obstacle and await renew_rights(self._settings):
            target = await self._read_target()
        if target != self._target:
            self._target = target
            self._writers = SeedWriter(self._pool, target, self._blocks), ResetWriter(self._pool, target)
        return self._target.schema

    async def schema(self) -> Schema:
        """Return the schema of the last introspection."""
        return (await self._current())[0].schema

    async def start_run(self, run: RunStart) -> RunRecord:
        """Record the run, or start one that is over again; an active one with the same values has ``created=False``.

        Raises:
            Conflict: the run is active with other values, and its lease has not lapsed.
        """
        restores = await self._count_restores()
        if restores != self._restores:
            self.forget_keys()
            self._restores = restores
        await self.read_schema()  # the evidence of what is there already is taken of every table that there is now
        try:
            return await self._start_run(run)
        except Conflict:
            if await self.reap_run(run.run_id, grace_s=0) is None:
                raise
        return await self._start_run(run)

    def forget_keys(self) -> None:
        """Give up the keys that were taken ahead: their sequences stand elsewhere now."""
        self._blocks.forget()

    async def _count_restores(self) -> int:
        with translated("looking for restores"):
            return int(await self._pool.fetchval(QUERIES["count_restores"]))

    async def _start_run(self, run: RunStart) -> RunRecord:
        return await runs.start_run(self._pool, (await self._current())[0], run, self.seeder_id, self._settings)

    async def renew_lease(self, run_id: str, epoch: int) -> Lease:
        """Let the run's lease begin anew.

        Raises:
            NotFound: no such run.
            LeaseLost: the run is over, or was started again since *epoch*.
        """
        return await leases.renew_lease(self._pool, run_id, epoch, self.seeder_id)

    async def list_lapsed(self, grace_s: float) -> tuple[float, tuple[str, ...]]:
        """Return the time that counts, in seconds since 1970, and the runs whose lease lapsed *grace_s* seconds ago."""
        return await leases.list_lapsed(self._pool, grace_s)

    async def list_abandoned(self, *, by_others: bool) -> tuple[str, ...]:
        """Return the ids of the active runs of this seeder process, or of all others, that nobody asked to keep."""
        return await leases.list_abandoned(self._pool, self.seeder_id, by_others=by_others)

    async def seed(self, command: SeedCommand, batches: AsyncIterable[Batch] | None = None) -> SeedOutcome:
        """Write the plan's rows, their ledger and the audit events: all or nothing, one round trip.

        *batches* are the rows of its volumes, written as they come, in the same transaction.

        Raises:
            NotFound: no such run.
            Conflict: the run has ended; the idempotency key was used for another plan, or its request was reset.
            RowConflict: a row with the same unique key stands there already.
            RowRefused: a constraint or trigger of the target refused a row, or a table has no key to keep it by.
            SchemaMismatch: the plan names a table or column that the database lacks.
        """
        _, seeder, _ = await self._current()
        outcome = await seeder.write(command, batches)
        self._counts_of[outcome.request_id] = outcome.counts
        self._tables_of[command.plan.run_id].update(outcome.counts)
        return outcome

    async def try_plan(self, plan: Plan) -> TrialOutcome:
        """Write the plan's rows and remove them again, in a transaction that is rolled back.

        Raises:
            SchemaMismatch: the plan names a table or column that the database lacks.
        """
        target, seeder, _ = await self._current()
        return await Trials(self._pool, target, seeder).run(plan)

    async def list_rows(self, tables: Sequence[str], limit: int) -> dict[str, tuple[dict[str, Cell], ...]]:
        """Return the first *limit* rows of each of *tables* in the order of their keys.

        Raises:
            NotFound: no such table.
        """
        return await standing.list_rows(self._pool, (await self._current())[0], tables, limit)

    async def read_state(self, tables: Sequence[str]) -> TargetState:
        """Return what can be compared before and after: *tables*, the number of relations, where sequences stand.

        Raises:
            NotFound: no such table.
        """
        return await standing.read_state(self._pool, (await self._current())[0], tables)

    async def judge_rows(self, table: str, constraint: str, rows: Sequence[Mapping[str, Cell]]) -> tuple[bool, ...]:
        """Return for each row whether the CHECK *constraint* of *table*, or of a column's domain, lets it pass.

        Raises:
            NotFound: no such table or CHECK.
        """
        return await standing.judge_rows(self._pool, (await self._current())[0], table, constraint, rows)

    async def reset_request(
        self, request_id: str, token_hash: bytes | None, events: Sequence[NewEvent] = ()
    ) -> ResetReport:
        """Delete the request's rows and what hangs below them; *token_hash* None is the operator, who needs no token.

        Raises:
            NotFound: no such request.
            Unauthorized: the token is not this request's.
            Conflict: others change its rows all the time; nothing has changed.
            RowRefused: a constraint or trigger of the target refused the deletion; nothing has changed.
        """
        counts = self._counts_of.get(request_id)
        if counts is None:
            counts = (await runs.read_request(self._pool, request_id)).rows
        tables, wide = frozenset(counts), _may_be_wide(counts)
        limit_s = None if wide else command_timeout_s(self._settings)  # shorter than its caller waits

        async def reset(connection: asyncpg.Connection, writer: ResetWriter) -> ResetReport:
            (report,) = await writer.reset(connection, [request_id], tables, token_hash, events, wide=wide)
            return report

        report = await self._retry(f"resetting request {request_id}", reset, tables, limit_s)
        self._counts_of.pop(request_id, None)
        return report

    async def reset_run(self, run_id: str) -> ResetReport:
        """Reset every live request of the run and end it, so that no live request is ever in an ended run.

        The report tells of indexes that lack below what the run seeded, as far as this process did that.

        Raises:
            NotFound: no such run.
            Conflict, RowRefused: as with ``reset_request``.
        """
        touched: set[str] = set()

        async def reset(connection: asyncpg.Connection, writer: ResetWriter) -> ResetReport:
            async with connection.transaction():
                await runs.lock_run(connection, run_id)
                report = await _reset_live(connection, writer, run_id, touched)
                return dataclasses.replace(report, checkpoint=await runs.end_run(connection, run_id))

        report = await self._retry(f"resetting run {run_id}", reset, touched)
        self.sealed.set()
        seeded = frozenset(touched | self._tables_of.pop(run_id, set()))
        _, _, writer = await self._current()
        missing = await find_missing_indexes(self._pool, writer.closure(seeded))
        return dataclasses.replace(report, missing_indexes=missing)

    async def reap_run(self, run_id: str, *, grace_s: float | None) -> ResetReport | None:
        """Reset and end the run for its owner, if its lease lapsed *grace_s* seconds ago (None: whatever its lease).

        None where it is not so, where the run is over, or where somebody is at work on it in this moment.

        Raises:
            RowRefused: as with ``reset_request``; the run stays active.
        """
        touched: set[str] = set()

        async def reset(connection: asyncpg.Connection, writer: ResetWriter) -> ResetReport | None:
            async with connection.transaction():
                if not await leases.lock_lapsed(connection, run_id, grace_s):
                    return None
                report = await _reset_live(connection, writer, run_id, touched, by="reaper")
                return dataclasses.replace(report, checkpoint=await leases.end_as_reaped(connection, run_id))

        report = await self._retry(f"reaping run {run_id}", reset, touched)
        if report is not None:
            self._tables_of.pop(run_id, None)
            self.sealed.set()
        return report

    async def reset_all(self, *, force: bool) -> ResetReport:
        """Reset every live request of every run; runs stay as they are.

        Raises:
            Conflict: somebody is at work on a run that holds rows, and *force* is False; or as with ``reset_request``.
            RowRefused: as with ``reset_request``.
        """
        touched: set[str] = set()

        async def reset(connection: asyncpg.Connection, writer: ResetWriter) -> ResetReport:
            async with connection.transaction():
                return await _reset_live(connection, writer, None, touched, by="operator", force=force)

        return await self._retry("resetting every run", reset, touched)

    async def seed_reference(self, run_id: str, domain: str, tables: Sequence[ReferenceTable]) -> ReferenceReport:
        """Insert the reference rows that lack, update those that differ, and touch no other; the run's log says which.

        Raises:
            NotFound, Conflict: rows have to change, and there is no such run, or it has ended.
            RowRefused: a constraint or trigger of the target refused a row.
            SchemaMismatch: a table or column does not exist.
        """
        return await reference.seed_reference(self._pool, await self.schema(), run_id, domain, tables)

    async def list_runs(self, *, limit: int = 50, before: str | None = None) -> tuple[RunRecord, ...]:
        """Return runs, newest first; *before* is the run id that the last page ended with."""
        return await runs.list_runs(self._pool, limit, before)

    async def read_run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            NotFound: no such run.
        """
        return await runs.read_run(self._pool, run_id)

    async def read_request(self, request_id: str) -> RequestRecord:
        """Return one request.

        Raises:
            NotFound: no such request.
        """
        return await runs.read_request(self._pool, request_id)

    async def read_rows_now(self, request_id: str) -> RowsNow:
        """Return what has become of the request's rows, and what has come below them.

        Raises:
            NotFound: no such request.
        """
        counts = (await runs.read_request(self._pool, request_id)).rows
        target, _, writer = await self._current()
        query = rows_now_sql(writer.closure(frozenset(counts)), target, wide=_may_be_wide(counts))
        with translated(f"looking at the rows of request {request_id}"):
            return read_rows_now(await self._pool.fetch(query, [request_id], None), target)

    async def read_events(self, run_id: str) -> AuditTrail:
        """Return the run with its whole audit trail, chain checked.

        Raises:
            NotFound: no such run.
        """
        return await audit.read_events(self._pool, run_id)

    async def read_coverage(self, commit: str) -> tuple[Use, ...]:
        """Return each test's uses of scenarios at its newest commit, or the newest that begins with *commit*."""
        return await coverage.read_coverage(self._pool, commit)

    async def append_events(self, request_id: str, token_hash: bytes, events: Sequence[NewEvent]) -> None:
        """Append the client's events to the run of the request.

        Raises:
            NotFound: no such request.
            Unauthorized: the token is not this request's.
        """
        await audit.append_events(self._pool, request_id, token_hash, events)

    async def append_run_events(self, run_id: str, events: Sequence[NewEvent]) -> None:
        """Append events to the run that belong to no request of it.

        Raises:
            NotFound: no such run.
        """
        await audit.append_run_events(self._pool, run_id, events)

    async def verify_log(self, expected: Sequence[Checkpoint]) -> LogVerdict:
        """Return whether the whole audit log is as it was written, and fits the checkpoints *expected*."""
        return await verify_log(self._pool, expected)

    async def metrics(self) -> Metrics:
        """Return the counts for ``/metrics``."""
        return await runs.read_metrics(self._pool)

    async def _read_target(self) -> Target:
        target = await read_target(self._pool)
        if self._catalog is None:
            return target
        return dataclasses.replace(target, references=find_catalog_keys(self._catalog, target.schema))

    async def _current(self) -> tuple[Target, SeedWriter, ResetWriter]:
        """Return what belongs to the schema of the last introspection, which is made now if there was none."""
        if self._target is None or self._writers is None:
            await self.read_schema()
        if self._target is None or self._writers is None:
            raise InternalError("the schema was read, and is not there", hint="please report this")
        return self._target, *self._writers

    async def _retry(
        self,
        doing: str,
        reset: Callable[[asyncpg.Connection, ResetWriter], Awaitable[_Answer]],
        tables: Collection[str],
        limit_s: float | None = None,
    ) -> _Answer:
        """Call *reset*, at most *limit_s* seconds long, until the SUT does not interfere.

        *tables* are those that it has to do with by the time it fails: whoever holds rows of them is named.
        """
        why = f"it did not come to an end within {limit_s} s"
        with translated(doing):
            limit = asyncio.timeout(limit_s)
            try:
                async with limit:
                    return await self._try_to_reset(doing, reset)
            except TimeoutError:
                if not limit.expired():
                    raise  # Postgres did not answer
            except asyncpg.PostgresError as error:
                if error.sqlstate != LOCKED:
                    raise
                why = str(error)
        _, _, writer = await self._current()
        raise await busy_error(self._pool.beside, doing, why, writer.tables_below(tables))

    async def _try_to_reset(
        self, doing: str, reset: Callable[[asyncpg.Connection, ResetWriter], Awaitable[_Answer]]
    ) -> _Answer:
        """Call *reset* again where that may help; a new foreign key is found by reading the schema again."""
        locked, insists = 0, False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._reset_once(reset, insists=insists)
            except OvertakenError as error:
                if attempt == _ATTEMPTS:
                    why = f"{doing}: others changed its rows each of the {attempt} times that it looked"
                    raise Conflict(why, hint="is another reset at work on it? try again") from error
            except asyncpg.PostgresError as error:
                locked += error.sqlstate == LOCKED
                if attempt == _ATTEMPTS or locked == _LOCKED_ATTEMPTS or error.sqlstate not in _PASSING:
                    raise
                if error.sqlstate in REFERENCE_BROKEN:
                    await self.read_schema()
                    insists = True  # somebody writes below the rows, perhaps faster than they are found
        raise AssertionError

    async def _reset_once(
        self, reset: Callable[[asyncpg.Connection, ResetWriter], Awaitable[_Answer]], *, insists: bool
    ) -> _Answer:
        target, _, writer = await self._current()
        if insists:
            writer = ResetWriter(self._pool, target, insists=True)
        async with self._pool.acquire() as connection:
            return await reset(connection, writer)


def _may_be_wide(counts: Mapping[str, int]) -> bool:
    """Return whether a request that seeded so many rows of each table may have volumes."""
    return any(count > MAX_LISTED for count in counts.values())


async def _reset_live(
    connection: asyncpg.Connection,
    writer: ResetWriter,
    run_id: str | None,
    touched: set[str],
    *,
    by: RemovedBy = "owner",
    force: bool = True,
) -> ResetReport:
    """Reset the live requests of the run, or of all, newest first: later ones may refer to earlier ones' rows.

    The tables that they seeded are added to *touched* on the way. Their owners will hear who it was, unless it was
    themselves.

    Raises:
        Conflict: somebody is at work on one of the runs, and *force* is False.
    """
    live = await connection.fetch(QUERIES["live_requests"], run_id)
    if not force:
        leases.refuse_at_work(live)
    reports: list[ResetReport] = []
    for start in range(0, len(live), BATCH_REQUESTS):
        batch = live[start : start + BATCH_REQUESTS]
        counts = [json.loads(row["counts"]) for row in batch]
        tables, wide = frozenset(name for one in counts for name in one), any(map(_may_be_wide, counts))
        touched |= tables
        ids = [row["request_id"] for row in batch]
        reports += await writer.reset(connection, ids, tables, wide=wide)
        if by != "owner":
            await connection.execute(QUERIES["mark_removed_by"], ids, by)
    return sum_reports(reports, by)
