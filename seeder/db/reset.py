"""Removing what requests wrote and what the SUT hung below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.audit import EventKind
from seeder.db.audit import dump_events, wrong_token
from seeder.db.bulk import WIDE_TIMEOUT_S, BulkRemoval
from seeder.db.careful import CarefulReset, OvertakenError
from seeder.db.cells import dump_json
from seeder.db.changed import changed_sql
from seeder.db.closure import close_over
from seeder.db.reports import mark_repeated, read_report
from seeder.db.reset_sql import CHANGED_NOTE, NOTHING_NOTED, find_sql, lock_sql, remove_sql
from seeder.db.runs import unknown_request

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import asyncpg

    from pytest_atdm.core.model import ResetReport
    from seeder.db.closure import Closure
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.records import NewEvent

#: Requests per statement; the closure's rows are held in memory by Postgres.
BATCH_REQUESTS: Final = 200


class ResetWriter:
    """Resets requests of one target; keeps the text of its statements by the tables that were seeded.

    One that *insists* locks all rows first, so that nobody writes below them meanwhile; that takes a statement more.
    """

    def __init__(self, pool: Pool, target: Target, *, insists: bool = False) -> None:
        self._target = target
        self._insists = insists
        self._careful = CarefulReset(pool, target)
        self._bulk = BulkRemoval(target)
        self._closures: dict[frozenset[str], Closure] = {}
        self._statements: dict[tuple[frozenset[str], bool], str] = {}

    async def reset(
        self,
        connection: asyncpg.Connection,
        request_ids: Sequence[str],
        tables: frozenset[str],
        token_hash: bytes | None = None,
        events: Sequence[NewEvent] = (),
        *,
        wide: bool = False,
    ) -> list[ResetReport]:
        """Reset the requests, which seeded rows of *tables*; the reports are in the order of the ids.

        One statement does it all, unless foreign keys act on their own, or something stands in the way. *wide*: some of
        them may have volumes.

        Raises:
            NotFound, Unauthorized: there is none, or the token is not its own; then it has not changed.
            OvertakenError, asyncpg.PostgresError: nothing has changed.
        """
        kinds, details = dump_events(events)
        arguments = (list(request_ids), token_hash, [*kinds, EventKind.RESET_EXECUTED], details)
        if wide:
            async with connection.transaction():
                removed = await self._bulk.remove(connection, request_ids, token_hash)
                return await self._reset(connection, tables, request_ids, (*arguments, dump_json(removed)), wide=True)
        return await self._reset(connection, tables, request_ids, arguments, wide=False)

    async def _reset(
        self,
        connection: asyncpg.Connection,
        tables: frozenset[str],
        request_ids: Sequence[str],
        arguments: tuple[object, ...],
        *,
        wide: bool,
    ) -> list[ResetReport]:
        closure = self.closure(tables)
        rows = None if self._needs_care(closure) else await self._try_at_once(connection, tables, arguments, wide=wide)
        if rows is None:
            async with connection.transaction():
                rows = await self._careful.reset(connection, closure, tables, arguments, wide=wide)
        reports = {row["request_id"]: _read_outcome(row) for row in rows}
        return [reports[request_id] for request_id in request_ids]

    def _needs_care(self, closure: Closure) -> bool:
        """Return whether the database may do more, or less, than it is asked to."""
        return closure.is_blind or any(
            table.row_security or table.id in self._target.guarded for table in closure.tables
        )

    async def _try_at_once(
        self, connection: asyncpg.Connection, tables: frozenset[str], arguments: tuple[object, ...], *, wide: bool
    ) -> list[Any] | None:
        """Reset in one statement, after another that locks where foreign keys act; None where rows stand in the way."""
        timeout = WIDE_TIMEOUT_S if wide else None
        closure = self.closure(tables)
        statement = self._statement(tables, wide=wide)
        if not closure.locked_tables:
            rows = await connection.fetch(statement, *arguments, timeout=timeout)
        else:
            async with connection.transaction():
                lock = lock_sql(closure, self._target, wide=wide)
                locked = await connection.fetchval(lock, *arguments[:2], timeout=timeout)
                rows = await connection.fetch(statement, *arguments, locked, timeout=timeout)
        return None if any(row["outcome"] == "stuck" for row in rows) else rows

    def tables_below(self, tables: Collection[str]) -> set[str]:
        """Return the ids of *tables* and of all below them, partitions too."""
        found = self.closure(frozenset(tables)).tables
        return {one.id for one in found} | {part.id for one in found for part in one.partitions or ()}

    def closure(self, tables: frozenset[str]) -> Closure:
        """Return *tables* with all that is below them."""
        if tables not in self._closures:
            self._closures[tables] = close_over(self._target, tables, locks_all=self._insists)
        return self._closures[tables]

    def _statement(self, tables: frozenset[str], *, wide: bool) -> str:
        if (tables, wide) not in self._statements:
            closure = self.closure(tables)
            locked = f"${6 if wide else 5}" if closure.locked_tables else ""
            rows, notes = find_sql(closure, self._target, wide=wide, locked=locked), NOTHING_NOTED
            if changed := changed_sql(self._target, tables, closure):
                rows, notes = f"{rows},\n{changed}", f"{notes} || {CHANGED_NOTE}"
            self._statements[tables, wide] = remove_sql(rows, closure, self._target, notes, wide=wide)
        return self._statements[tables, wide]


def _read_outcome(row: Any) -> ResetReport:
    outcome, request_id = row["outcome"], row["request_id"]
    if outcome == "missing":
        raise unknown_request(request_id)
    if outcome == "unauthorized":
        raise wrong_token(request_id)
    if outcome == "busy":
        raise OvertakenError
    report = read_report(row["report"])
    return mark_repeated(report) if outcome == "already" else report
