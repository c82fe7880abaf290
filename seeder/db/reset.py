"""Removing what requests wrote and what the SUT hung below it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.audit import EventKind
from seeder.db.audit import dump_events, wrong_token
from seeder.db.bulk import WIDE_TIMEOUT_S, BulkRemoval
from seeder.db.cells import dump_json
from seeder.db.closure import close_over, reached_sql
from seeder.db.keys import match_sql
from seeder.db.queries import quote_ident, quote_table, quote_text
from seeder.db.reports import mark_repeated, read_report
from seeder.db.runs import unknown_request
from seeder.db.steps import Steps
from seeder.db.verdict import Reached, Row, judge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import asyncpg

    from pytest_atdm.core.model import ResetReport
    from seeder.db.closure import Closure
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.db.verdict import Verdict
    from seeder.records import NewEvent

#: Requests per statement; the closure's rows are held in memory by Postgres.
BATCH_REQUESTS: Final = 200

_NOTHING_NOTED: Final = '{"detached": [], "left": []}'

# The requests to reset: live, and with the right token. The hash is compared plainly: it is the SHA-256 of 256 random
# bits, so whatever the time of a comparison tells of the hash helps nobody to a token that has it.
_REQ: Final = """req AS MATERIALIZED (
    SELECT q.request_id, q.run_id,
        jsonb_build_object('at', (r.positions -> 'at') || q.positions, 'ahead', r.positions -> 'ahead') AS positions
    FROM atdm.request q JOIN atdm.run r ON r.run_id = q.run_id
    WHERE q.request_id = ANY ($1::text[]) AND q.state = 'live' AND ($2::bytea IS NULL OR q.token_hash = $2)
    FOR UPDATE OF q
)"""

_FOUND: Final = """found AS MATERIALIZED (
    SELECT relation, key, coalesce(min(request_id) FILTER (WHERE seeded), min(request_id)) AS request_id,
        bool_and(old) AS old, bool_or(seeded) AS seeded
    FROM reached GROUP BY relation, key
),
stuck AS MATERIALIZED (SELECT EXISTS (SELECT FROM found WHERE old) AS yes),
rows AS MATERIALIZED (SELECT * FROM found WHERE NOT (SELECT yes FROM stuck))"""

#: In the order of their making: rows of the ledger as they were written, then what was made below them.
_LIST_REACHED: Final = """SELECT r.relation, r.key::text, r.request_id, r.old, r.seeded, r.via, r.parent::text
FROM reached r LEFT JOIN atdm.ledger l ON l.relation = r.relation AND l.key = r.key
ORDER BY r.request_id, l.ordinal NULLS LAST"""

_REMOVED: Final = """stuck AS MATERIALIZED (SELECT false AS yes),
counts AS (
    SELECT relation, request_id, seeded, sum(rows)::bigint AS rows
    FROM jsonb_to_recordset({gone}) AS g (relation text, request_id text, seeded boolean, rows bigint) GROUP BY 1, 2, 3
)"""


class ResetWriter:
    """Resets requests of one target; keeps the text of its statements by the tables that were seeded."""

    def __init__(self, pool: Pool, target: Target) -> None:
        self._target = target
        self._steps = Steps(pool, target)
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
        """Reset the requests, which seeded rows of *tables*, in one statement; the reports are in the order of the ids.

        *wide*: some of them may have volumes.

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
        if any(table.id in self._target.guarded for table in self._closure(tables).tables):
            rows = await self._reset_with_care(connection, tables, arguments, wide=wide)
        else:
            timeout = WIDE_TIMEOUT_S if wide else None
            rows = await connection.fetch(self._statement(tables, wide=wide), *arguments, timeout=timeout)
            if any(row["outcome"] == "stuck" for row in rows):
                rows = await self._reset_with_care(connection, tables, arguments, wide=wide)
        reports = {row["request_id"]: _read_outcome(row) for row in rows}
        return [reports[request_id] for request_id in request_ids]

    def _closure(self, tables: frozenset[str]) -> Closure:
        if tables not in self._closures:
            self._closures[tables] = close_over(self._target, tables)
        return self._closures[tables]

    def _statement(self, tables: frozenset[str], *, wide: bool) -> str:
        if (tables, wide) not in self._statements:
            closure = self._closure(tables)
            walk = f"WITH RECURSIVE {_REQ},\n{reached_sql(closure, self._target, wide=wide)},\n{_FOUND}"
            self._statements[tables, wide] = _remove_sql(walk, closure, _quote_json(_NOTHING_NOTED), wide=wide)
        return self._statements[tables, wide]

    async def _reset_with_care(
        self, connection: asyncpg.Connection, tables: frozenset[str], arguments: tuple[object, ...], *, wide: bool
    ) -> list[Any]:
        """Reset where old rows refer to ours, or triggers take part in the deletion.

        Old references are loosened where they can be; what they hold is left standing, and the report says so.
        """
        closure = self._closure(tables)
        walk = f"WITH RECURSIVE {_REQ},\n{reached_sql(closure, self._target, with_edges=True, wide=wide)}"
        async with connection.transaction():
            timeout = WIDE_TIMEOUT_S if wide else None
            found = await connection.fetch(f"{walk}\n{_LIST_REACHED}", *arguments[:2], timeout=timeout)
            verdict = judge(
                [_read_reached(row, closure) for row in found],
                {edge.number for edge in closure.edges if edge.nullable_columns},
            )
            await _detach(connection, closure, verdict)
            removed = await self._steps.remove(connection, [step.row for step in verdict.delete])
            counts, notes = len(arguments) + 1, len(arguments) + 2
            gone = f"${counts}::jsonb" + (" || $5::jsonb" if wide else "")
            removed_sql = _REMOVED.format(gone=gone)
            statement = _finish_sql(
                f"WITH {_REQ},\n{removed_sql}",
                f"coalesce(${notes}::jsonb -> req.request_id, '{_NOTHING_NOTED}')",
                wide=wide,
            )
            given = (_dump_counts(verdict, removed), _dump_notes(verdict, closure))
            rows: list[Any] = await connection.fetch(statement, *arguments, *given)
            return rows


def _quote_json(text: str) -> str:
    return f"{quote_text(text)}::jsonb"


def _remove_sql(rows: str, closure: Closure, notes: str, *, wide: bool) -> str:
    """Return the statement that deletes ``rows``, writes the reports (with *notes*), and appends to the chains.

    Foreign keys are checked when it ends, so the order of its deletions is free, cycles included.
    """
    deletions = ",\n".join(
        f"x{number} AS (DELETE FROM {quote_table(table.id)} t USING rows d"
        f" WHERE d.relation = {quote_text(table.id)} AND {match_sql(table, 't', 'd.key')}"
        " RETURNING d.relation, d.request_id, d.seeded)"
        for number, table in enumerate(closure.tables)
    )
    gone = " UNION ALL ".join(f"SELECT * FROM x{number}" for number in range(len(closure.tables)))
    gone = gone or "SELECT relation, request_id, seeded FROM rows WHERE false"
    counts = f"counts AS (SELECT relation, request_id, seeded, count(*) AS rows FROM ({gone}) gone GROUP BY 1, 2, 3)"
    if wide:  # what went in bulk is counted already
        counts = (
            counts.replace("counts AS", "single AS", 1)
            + """,
counts AS (
    SELECT relation, request_id, seeded, sum(rows)::bigint AS rows FROM (
        SELECT * FROM single UNION ALL SELECT * FROM jsonb_to_recordset($5::jsonb)
            AS g (relation text, request_id text, seeded boolean, rows bigint)) gone
    GROUP BY 1, 2, 3
)"""
        )
    return _finish_sql(",\n".join(filter(None, (rows, deletions, counts))), notes, wide=wide)


def _finish_sql(counts: str, notes: str, *, wide: bool) -> str:
    """Return the statement around ``req``, ``stuck`` and ``counts``: reports, ledger, requests and events."""
    ranges = "unranged AS (DELETE FROM atdm.ledger_range l USING reports r WHERE l.request_id = r.request_id),"
    return f"""{counts},
reports AS MATERIALIZED (
    SELECT req.request_id, req.run_id, {notes} || jsonb_build_object(
        'seeded', coalesce(jsonb_object_agg(c.relation, c.rows) FILTER (WHERE c.seeded), '{{}}'),
        'made_by_sut', coalesce(jsonb_object_agg(c.relation, c.rows) FILTER (WHERE NOT c.seeded), '{{}}')) AS report
    FROM req LEFT JOIN counts c ON c.request_id = req.request_id
    WHERE NOT (SELECT yes FROM stuck) GROUP BY req.request_id, req.run_id
),
emptied AS (DELETE FROM atdm.ledger l USING reports r WHERE l.request_id = r.request_id),
{ranges if wide else ""}
marked AS (
    UPDATE atdm.request q SET state = 'reset', reset_at = clock_timestamp(), report = r.report, answer = NULL
    FROM reports r WHERE q.request_id = r.request_id
)
SELECT a.request_id, coalesce(r.report, q.report)::text AS report,
    CASE WHEN q.request_id IS NULL THEN 'missing' WHEN q.token_hash <> $2 THEN 'unauthorized'
        WHEN q.state = 'reset' THEN 'already' WHEN r.report IS NOT NULL THEN 'done'
        WHEN req.request_id IS NULL THEN 'busy' ELSE 'stuck' END AS outcome,
    CASE WHEN r.report IS NOT NULL THEN
        atdm.append_events(r.run_id, r.request_id, $3::text[], $4::json[] || r.report::json, NULL) END AS seq
FROM unnest($1::text[]) a (request_id)
LEFT JOIN atdm.request q ON q.request_id = a.request_id
LEFT JOIN req ON req.request_id = a.request_id
LEFT JOIN reports r ON r.request_id = a.request_id"""


async def _detach(connection: asyncpg.Connection, closure: Closure, verdict: Verdict) -> None:
    """Set the references of old rows to NULL, edge by edge: a statement may update a row only once."""
    keys: dict[int, list[str]] = defaultdict(list)
    for step in verdict.detach:
        if step.via is not None:
            keys[step.via].append(step.row.key)
    for number, found in keys.items():
        edge = closure.edges[number]
        columns = ", ".join(f"{quote_ident(name)} = NULL" for name in edge.nullable_columns)
        await connection.execute(
            f"UPDATE {quote_table(edge.child.id)} t SET {columns} FROM unnest($1::jsonb[]) k (key)"
            f" WHERE {match_sql(edge.child, 't', 'k.key')}",
            found,
        )


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


def _dump_counts(verdict: Verdict, removed: Collection[tuple[str, str]]) -> str:
    gone = Counter((step.row.relation, step.request_id, step.seeded) for step in verdict.delete if step.row in removed)
    return dump_json(
        [
            {"relation": relation, "request_id": request_id, "seeded": seeded, "rows": rows}
            for (relation, request_id, seeded), rows in gone.items()
        ]
    )


def _dump_notes(verdict: Verdict, closure: Closure) -> str:
    """Return, by request, the rows that were detached or left, as the report shows them."""
    notes: dict[str, dict[str, list[object]]] = defaultdict(lambda: {"detached": [], "left": []})
    for step in verdict.detach:
        columns = ", ".join(closure.edges[step.via].nullable_columns) if step.via is not None else ""
        notes[step.request_id]["detached"].append(_note(step.row, f"reference set to null: {columns}"))
    for step, referrer in verdict.left:
        notes[step.request_id]["left"].append(_note(step.row, f"old row refers: {referrer.relation} {referrer.key}"))
    return dump_json(notes)


def _note(row: Row, why: str) -> dict[str, object]:
    return {"table": row.relation, "key": json.loads(row.key), "why": why}


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


class OvertakenError(Exception):
    """Another reset of the request committed while this one waited: look again. Never leaves ``seeder.db``."""
