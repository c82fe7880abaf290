"""Reset step by step, where old rows refer to ours, triggers take part, or keys act on rows that nobody sees."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from seeder.db.bulk import WIDE_TIMEOUT_S
from seeder.db.cells import dump_json
from seeder.db.changed import changed_sql
from seeder.db.closure import refers_sql
from seeder.db.keys import match_sql
from seeder.db.queries import quote_ident
from seeder.db.reset_sql import REQ, lock_sql, report_sql, walk_sql
from seeder.db.steps import Steps, source_sql
from seeder.db.verdict import Reached, Row, judge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import asyncpg

    from seeder.db.closure import Closure, Edge
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.db.steps import Activity, Removal
    from seeder.db.verdict import Verdict

#: So often the walk is repeated while others hang rows below those that it has locked.
_WALKS: Final = 4


class OvertakenError(Exception):
    """Others changed what was being reset: look again. Never leaves ``seeder.db``."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a verdict: rows that are *gone*, that the database *kept*, and what else was done, by table."""

    gone: frozenset[Row]
    kept: frozenset[Row]
    beyond: Mapping[str, Mapping[str, int]]


class CarefulReset:
    """Resets requests of one target, within a transaction of the caller.

    Old references are loosened where they can be; what they hold is left standing, and the report says so. It says too
    what the database did beyond that.
    """

    def __init__(self, pool: Pool, target: Target) -> None:
        self._target = target
        self._steps = Steps(pool, target)

    async def reset(
        self,
        connection: asyncpg.Connection,
        closure: Closure,
        roots: Collection[str],
        arguments: tuple[object, ...],
        *,
        wide: bool,
    ) -> list[Any]:
        """Reset requests that seeded rows of the tables *roots*; return what ``report_sql`` does.

        Raises:
            OvertakenError, asyncpg.PostgresError: nothing may be kept of what was done.
        """
        before = await self._steps.activity(connection)
        reached = await self._walk(connection, closure, arguments[:2], wide=wide)
        notes = await self._find_changed(connection, closure, roots, arguments[:2])
        verdict = judge(reached, {edge.number for edge in closure.edges if edge.nullable_columns})
        outcome = await self._carry_out(connection, closure, verdict, before)
        _add_notes(notes, closure, verdict, outcome)
        counts, told = len(arguments) + 1, len(arguments) + 2
        given = f"${counts}::jsonb" + (" || $5::jsonb" if wide else "")
        statement = report_sql(given, f"${told}", wide=wide)
        rows: list[Any] = await connection.fetch(
            statement, *arguments, _dump_counts(verdict, outcome.gone), dump_json(notes)
        )
        return rows

    # -- what there is

    async def _walk(
        self, connection: asyncpg.Connection, closure: Closure, arguments: tuple[object, ...], *, wide: bool
    ) -> list[Reached]:
        """Return all that is reached; what foreign keys that act could be made to hit is locked."""
        timeout = WIDE_TIMEOUT_S if wide else None
        lockable = {table.id for table in closure.locked_tables}
        for _ in range(_WALKS):
            locked = await self._lock(connection, closure, arguments, wide=wide) if lockable else frozenset()
            found = await connection.fetch(walk_sql(closure, self._target, wide=wide), *arguments, timeout=timeout)
            reached = [_read_reached(row, closure) for row in found]
            if all(step.seeded or step.row in locked for step in reached if step.row.relation in lockable):
                return reached
        raise OvertakenError

    async def _lock(
        self, connection: asyncpg.Connection, closure: Closure, arguments: tuple[object, ...], *, wide: bool
    ) -> frozenset[Row]:
        timeout = WIDE_TIMEOUT_S if wide else None
        text = await connection.fetchval(lock_sql(closure, self._target, wide=wide), *arguments, timeout=timeout)
        return frozenset(Row(*pair) for pair in json.loads(text))

    async def _find_changed(
        self, connection: asyncpg.Connection, closure: Closure, roots: Collection[str], arguments: tuple[object, ...]
    ) -> dict[str, dict[str, Any]]:
        """Return, by request, what its report says of rows from before that were written since."""
        notes: dict[str, dict[str, Any]] = defaultdict(lambda: {"detached": [], "left": []})
        changed = changed_sql(self._target, roots, closure)
        if changed:
            statement = f"WITH {REQ},\n{changed}\nSELECT request_id, note::text FROM changed"
            for row in await connection.fetch(statement, *arguments):
                notes[row["request_id"]] |= json.loads(row["note"])
        return notes

    # -- what is done

    async def _carry_out(
        self, connection: asyncpg.Connection, closure: Closure, verdict: Verdict, before: Activity
    ) -> _Outcome:
        doomed = [step.row for step in verdict.delete]
        stood = await self._steps.find_standing(connection, doomed)
        detached = await self._detach(connection, closure, verdict)
        removal = await self._steps.remove(connection, doomed)
        unsure = (stood | removal.written) - removal.rows.keys()
        kept = await self._steps.find_standing(connection, unsure)
        beyond = await self._find_beyond(connection, before, (stood | removal.written) - kept, removal, detached)
        return _Outcome(
            gone=frozenset(Row(*row) for row in stood - kept),
            kept=frozenset(Row(*row) for row in stood & kept),
            beyond=beyond,
        )

    async def _detach(self, connection: asyncpg.Connection, closure: Closure, verdict: Verdict) -> Counter[str]:
        """Set the references of old rows to NULL, edge by edge, for a statement may update a row only once.

        A row that refers elsewhere by now is left as it is. Returns how many were changed, by table.
        """
        found: dict[int, list[Reached]] = defaultdict(list)
        for step in verdict.detach:
            if step.via is not None:
                found[step.via].append(step)
        detached: Counter[str] = Counter()
        for number, steps in found.items():
            edge = closure.edges[number]
            parents = [step.parent.key for step in steps if step.parent is not None]
            status = await connection.execute(self._detach_sql(edge), [step.row.key for step in steps], parents)
            detached[edge.child.id] += int(status.rpartition(" ")[2])
        return detached

    def _detach_sql(self, edge: Edge) -> str:
        columns = ", ".join(f"{quote_ident(name)} = NULL" for name in edge.nullable_columns)
        parent, refers = refers_sql(edge, self._target, "t", "k.parent")
        sources = ", ".join(filter(None, ("unnest($1::jsonb[], $2::jsonb[]) AS k (key, parent)", parent)))
        return (
            f"UPDATE {source_sql(self._target, edge.child.id)} t SET {columns} FROM {sources}"
            f" WHERE {match_sql(edge.child, 't', 'k.key')} AND {refers}"
        )

    async def _find_beyond(
        self,
        connection: asyncpg.Connection,
        before: Activity,
        gone: Collection[tuple[str, str]],
        removal: Removal,
        detached: Counter[str],
    ) -> dict[str, dict[str, int]]:
        """Return, by table, what was done to other rows than those that are *gone* or *detached*."""
        done = (await self._steps.activity(connection)).since(before)
        inserted = Counter(done.inserted) - Counter(table for table, _ in removal.written.intersection(gone))
        deleted = Counter(done.deleted) - Counter(table for table, _ in gone)
        updated = Counter(done.updated) - detached
        for table in list(updated):
            if touched := removal.count_touched(table):
                standing = await self._steps.count_mine(connection, table)
                others = updated[table] - touched if standing is None else standing - inserted[table] - detached[table]
                updated[table] = min(updated[table], others)
        return {
            table: {kind: count for kind, count in counts.items() if count > 0}
            for table in sorted({*inserted, *+updated, *deleted})
            for counts in [{"inserted": inserted[table], "updated": updated[table], "deleted": deleted[table]}]
        }


def _read_reached(row: Any, closure: Closure) -> Reached:
    via: int | None = row["via"]
    return Reached(
        row=Row(row["relation"], row["key"]),
        request_id=row["request_id"],
        old=row["old"],
        seeded=row["seeded"],
        via=via,
        parent=None if via is None else Row(closure.edges[via].parent.id, row["parent"]),
    )


def _dump_counts(verdict: Verdict, gone: Collection[Row]) -> str:
    counts = Counter((step.row.relation, step.request_id, step.seeded) for step in verdict.delete if step.row in gone)
    return dump_json(
        [
            {"relation": relation, "request_id": request_id, "seeded": seeded, "rows": rows}
            for (relation, request_id, seeded), rows in counts.items()
        ]
    )


def _add_notes(notes: dict[str, dict[str, Any]], closure: Closure, verdict: Verdict, outcome: _Outcome) -> None:
    """Add, by request, the rows that were detached or left, and what was done beyond, as the report shows them.

    What a transaction did beyond cannot be told apart by request: where several are reset together, the newest has it.
    """
    for step in verdict.detach:
        columns = ", ".join(closure.edges[step.via].nullable_columns) if step.via is not None else ""
        notes[step.request_id]["detached"].append(_note(step.row, f"reference set to null: {columns}"))
    for step, referrer in verdict.left:
        notes[step.request_id]["left"].append(_note(step.row, f"old row refers: {referrer.relation} {referrer.key}"))
    for step in verdict.delete:
        if step.row in outcome.kept:
            notes[step.request_id]["left"].append(_note(step.row, "the database keeps it: a trigger, rule or policy"))
    if outcome.beyond:
        notes[max(step.request_id for step in verdict.delete or verdict.detach)]["beyond"] = outcome.beyond


def _note(row: Row, why: str) -> dict[str, object]:
    return {"table": row.relation, "key": json.loads(row.key), "why": why}
