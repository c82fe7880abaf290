"""A restore from its begin to its commit: one connection as the owner, one transaction.

Materialized views are not refreshed. Publications are left as they are, and send what changes as they send all else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.baseline import RestoreReport, TableChanges
from pytest_atdm.core.errors import DatabaseBusy
from seeder.db.border import CLASHES, LOCKED, translated
from seeder.db.holders import busy_error
from seeder.db.introspect import read_target
from seeder.db.pool import connect
from seeder.db.queries import QUERIES
from seeder.db.restore.affected import append_restored, find_affected, release_rows, renew_positions
from seeder.db.restore.check import check_ownership, check_tables
from seeder.db.restore.compare import compare_tables
from seeder.db.restore.lifting import Lifting
from seeder.db.restore.positions import find_moved, move_sequences, name_sequences
from seeder.db.restore.relations import list_standings, read_relations
from seeder.db.restore.rewrite import Rewrite
from seeder.db.row_hash import TEXT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from pytest_atdm.core.model import Cell
    from seeder.db.restore.relations import Standing
    from seeder.db.restore.wanted import Position, Progress, Wanted
    from seeder.settings import Settings

#: Whoever is stopped in the middle keeps its locks no longer than this; reading a file takes a moment.
_IDLE_MS: Final = 600_000
_SESSION: Final = {
    **TEXT_SETTINGS,
    "application_name": "atdm-seeder restore",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": str(_IDLE_MS),
    "enable_seqscan": "on",
    "enable_bitmapscan": "on",
    "plan_cache_mode": "auto",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    # Rows that a policy hides would be taken for rows that lack.
    "row_security": "off",
    "default_tablespace": "",
}
#: Attempts to get all locks, the first included: applications take them in another order.
_ATTEMPTS: Final = 3


async def restore_rows(
    settings: Settings, wanted: Wanted, *, run_id: str, force: bool, progress: Progress
) -> RestoreReport:
    """Bring the tables of *wanted* to exactly its rows, and its sequences to where they stood: all or nothing.

    Rows that are the same already are not written. Triggers and rules do not fire. Nobody else writes to these tables
    meanwhile; whoever wants to waits. Live requests of the run *run_id*, whose audit log gets the event, and with
    *force* those of any run, hold no rows of the tables any more.

    Raises:
        SchemaMismatch: the tables, columns or sequences are others than the baseline's.
        SettingError: the connecting role does not own them.
        Conflict: live requests of other runs have rows in these tables; or the run *run_id* is over.
        NotFound: there is no such run.
        RowRefused, RowConflict: the database refuses a row, or that one goes; nothing has changed.
        DatabaseBusy, DatabaseUnavailable, NotATestDatabase: nothing has changed.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await _Restore(settings, wanted, progress).run(run_id, force=force)
        except DatabaseBusy as busy:
            state = getattr(busy.__cause__, "sqlstate", "")
            if state == LOCKED:
                raise await _name_holders(settings, wanted, busy) from busy
            if state not in CLASHES or attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _name_holders(settings: Settings, wanted: Wanted, busy: DatabaseBusy) -> DatabaseBusy:
    """Return *busy* with who holds the tables now."""
    connection = await connect(settings, settings.owner_url or settings.database_url)
    try:
        doing = f'restoring baseline "{wanted.name}"'
        why = f"its tables were locked for {settings.lock_timeout_ms} ms"
        return await busy_error(connection, doing, why, [rows.table for rows in wanted.tables])
    finally:
        await connection.close()


async def compare_rows(settings: Settings, wanted: Wanted, *, progress: Progress) -> RestoreReport:
    """Return what ``restore_rows`` would do now. Nothing is written.

    Nobody waits for it, but for who wants tables where FORCE ROW LEVEL SECURITY hides rows from their owner.

    Raises:
        SchemaMismatch, SettingError: as ``restore_rows``.
        DatabaseBusy, DatabaseUnavailable, NotATestDatabase: it cannot be told.
    """
    return await _Restore(settings, wanted, progress).compare()


class _Restore:
    def __init__(self, settings: Settings, wanted: Wanted, progress: Progress) -> None:
        self._settings = settings
        self._wanted = wanted
        self._progress = progress
        self._connection: asyncpg.Connection

    async def run(self, run_id: str, *, force: bool) -> RestoreReport:
        self._connection = await self._connect()
        try:
            with translated(self._doing):
                async with self._connection.transaction():
                    return await self._restore(run_id, force=force)
        finally:
            await self._close()

    async def compare(self) -> RestoreReport:
        self._connection = await self._connect()
        try:
            with translated(f'comparing with baseline "{self._wanted.name}"'):
                transaction = self._connection.transaction(isolation="repeatable_read")
                await transaction.start()
                await self._prepare()
                moved = await self._compare()
                await transaction.rollback()
                return self._report(moved, 0)
        finally:
            await self._close()

    @property
    def _doing(self) -> str:
        return f'restoring baseline "{self._wanted.name}"'

    async def _connect(self) -> asyncpg.Connection:
        session = {**_SESSION, "lock_timeout": str(self._settings.lock_timeout_ms)}
        return await connect(
            self._settings, self._settings.owner_url or self._settings.database_url, session, is_unhurried=True
        )

    async def _close(self) -> None:
        """End the session at once where it is at work: its transaction is given up."""
        if self._connection.is_in_transaction():
            self._connection.terminate()
        else:
            await self._connection.close()

    async def _restore(self, run_id: str, *, force: bool) -> RestoreReport:
        await self._prepare()
        target = await read_target(self._connection)
        await self._connection.execute(QUERIES["lock_runs"])
        requests = await find_affected(self._connection, self._roots, run_id, force=force)
        await self._lock()
        moved = await self._compare()
        await self._rewrite()
        await move_sequences(self._connection, moved, self._sequences)
        await self._lifting.give_back()
        await release_rows(self._connection, requests, self._roots, self._wanted.name)
        await renew_positions(self._connection, target, self._roots)
        report = self._report(moved, len(requests))
        await append_restored(self._connection, run_id, self._detail(report))
        self._progress("", "commit", 0, 1)
        return report

    async def _prepare(self) -> None:
        """Read the catalog, and see that it can be done."""
        footing = await self._connection.fetchrow(QUERIES["restore_footing"])
        self._role, self._same_server = footing["role"], footing["server"] == self._wanted.server
        if footing["hushes"]:
            await self._connection.execute("SET LOCAL event_triggers = off")
        ids = [rows.table for rows in self._wanted.tables]
        relations = await read_relations(self._connection, ids, whole=self._wanted.whole)
        check_tables(self._wanted, relations)
        self._relations = [relations[id] for id in ids]
        self._roots = sorted({one.root for one in self._relations})  # as ledger and schema call them
        check_ownership(self._role, ((one.name, one.owner, one.is_mine) for one in self._relations))
        self._sequences = await name_sequences(self._connection, self._wanted.positions, self._role)
        self._standings: Sequence[Standing] = list_standings(self._wanted.tables, relations)

    async def _lock(self) -> None:
        """Let nobody else write to the tables until the end; reading goes on."""
        if self._standings:
            names = ", ".join(one.source for one in self._standings)
            await self._connection.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    async def _compare(self) -> Sequence[Position]:
        """Compare all tables, and return the positions where sequences do not stand."""
        self._lifting = Lifting(self._connection, [one.oid for one in self._relations])
        await self._lifting.begin()
        await self._lifting.unveil(self._relations)
        await compare_tables(self._connection, self._standings, same_server=self._same_server, progress=self._progress)
        return await find_moved(self._connection, self._wanted.positions, self._sequences)

    async def _rewrite(self) -> None:
        changed = [one for one in self._standings if one.differs]
        if changed:
            await self._lifting.silence(one.relation for one in changed)
            known = frozenset(relation.oid for relation in self._relations)
            await Rewrite(self._connection, self._lifting, changed, known, self._progress).run(self._role)

    def _report(self, moved: Sequence[Position], released: int) -> RestoreReport:
        tables = {
            one.id: TableChanges(
                inserted=one.missing - one.matched, updated=one.matched, deleted=one.surplus - one.matched
            )
            for one in self._standings
        }
        return RestoreReport(tables=tables, sequences=tuple(one.sequence for one in moved), released=released)

    def _detail(self, report: RestoreReport) -> dict[str, Cell]:
        counts = {
            kind: {name: getattr(one, kind) for name, one in report.tables.items() if getattr(one, kind)}
            for kind in ("inserted", "updated", "deleted")
        }
        return {
            "baseline": self._wanted.name,
            "content": self._wanted.content,
            **counts,
            "sequences": list(report.sequences),
            "released": report.released,
        }
