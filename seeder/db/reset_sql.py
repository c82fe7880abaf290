"""The statements of a reset: walk, lock, delete, report. Parameters: $1 request ids, $2 token hash, $3, $4 events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seeder.db.closure import reached_sql
from seeder.db.keys import match_sql
from seeder.db.queries import quote_text
from seeder.db.steps import source_sql

if TYPE_CHECKING:
    from pytest_atdm.core.schema import Table
    from seeder.db.closure import Closure
    from seeder.db.introspect import Target

# The requests with the right token that are live. The hash is compared plainly: it is the SHA-256 of 256 random bits,
# so whatever the time of a comparison tells of the hash helps nobody to a token that has it.
LIVE: Final = """SELECT q.request_id, q.run_id,
        jsonb_build_object('at', (r.positions -> 'at') || q.positions, 'ahead', r.positions -> 'ahead') AS positions
    FROM atdm.request q JOIN atdm.run r ON r.run_id = q.run_id
    WHERE q.request_id = ANY ($1::text[]) AND q.state = 'live' AND ($2::bytea IS NULL OR q.token_hash = $2)"""

REQ: Final = f"""req AS MATERIALIZED (
    {LIVE}
    FOR UPDATE OF q
)"""

NOTHING_NOTED: Final = '\'{"detached": [], "left": []}\'::jsonb'

#: What a report says of ``changed``, which stands before it.
CHANGED_NOTE: Final = "coalesce((SELECT c.note FROM changed c WHERE c.request_id = req.request_id), '{}')"

#: In the order of their making: rows of the ledger as they were written, then what was made below them.
_LIST_REACHED: Final = """SELECT r.relation, r.key::text, r.request_id, r.old, r.seeded, r.via, r.parent::text
FROM reached r LEFT JOIN atdm.ledger l ON l.relation = r.relation AND l.key = r.key
ORDER BY r.request_id, l.ordinal NULLS LAST"""

#: Rows by table and request, as a parameter gives them, and summed.
_COUNTED: Final = "jsonb_to_recordset({given}) AS g (relation text, request_id text, seeded boolean, rows bigint)"
_SUMMED: Final = "SELECT relation, request_id, seeded, sum(rows)::bigint AS rows FROM {rows} GROUP BY 1, 2, 3"


def walk_sql(closure: Closure, target: Target, *, wide: bool) -> str:
    """Return the statement that lists all that is reached, and by which edge."""
    return f"WITH RECURSIVE {REQ},\n{reached_sql(closure, target, with_edges=True, wide=wide)}\n{_LIST_REACHED}"


def lock_sql(closure: Closure, target: Target, *, wide: bool) -> str:
    """Return the statement that locks what is reached of ``closure.locked_tables``, and returns it for ``find_sql``.

    Whoever is about to refer to one of these rows must lock it too, and so waits, or has done it by then. A walk in a
    later statement sees it: until its end no key that acts finds other rows than those.
    """
    locks = ",\n".join(
        f"k{number} AS MATERIALIZED (SELECT f.relation, f.key FROM listed f"
        f" JOIN {source_sql(target, table.id)} t ON {match_sql(table, 't', 'f.key')}"
        f" WHERE f.relation = {quote_text(table.id)} FOR UPDATE OF t)"
        for number, table in enumerate(closure.locked_tables)
    )
    all_locked = " UNION ALL ".join(f"SELECT * FROM k{number}" for number in range(len(closure.locked_tables)))
    return (
        f"WITH RECURSIVE {REQ},\n{reached_sql(closure, target, wide=wide)},\n"
        f"listed AS MATERIALIZED (SELECT DISTINCT relation, key FROM reached),\n{locks}\n"
        f"SELECT coalesce(jsonb_agg(jsonb_build_array(relation, key::text)), '[]')::text FROM ({all_locked}) l"
    )


def find_sql(closure: Closure, target: Target, *, wide: bool, locked: str = "") -> str:
    """Return ``found`` and what comes before it; no ``rows`` to delete where one of them is old.

    *locked* is the parameter with what ``lock_sql`` returned, where that went before: then nothing may have come to
    those tables' rows since.
    """
    stuck = "old"
    if locked:
        names = ", ".join(quote_text(table.id) for table in closure.locked_tables)
        known = f'SELECT (k ->> 0) COLLATE "C", (k ->> 1)::jsonb FROM jsonb_array_elements({locked}::jsonb) k'
        stuck += f" OR relation IN ({names}) AND NOT seeded AND (relation, key) NOT IN ({known})"
    return f"""WITH RECURSIVE {REQ},
{reached_sql(closure, target, wide=wide)},
found AS MATERIALIZED (
    SELECT relation, key, coalesce(min(request_id) FILTER (WHERE seeded), min(request_id)) AS request_id,
        bool_and(old) AS old, bool_or(seeded) AS seeded
    FROM reached GROUP BY relation, key
),
stuck AS MATERIALIZED (SELECT EXISTS (SELECT FROM found WHERE {stuck}) AS yes),
rows AS MATERIALIZED (SELECT * FROM found WHERE NOT (SELECT yes FROM stuck))"""


def remove_sql(rows: str, closure: Closure, target: Target, notes: str, *, wide: bool) -> str:
    """Return the statement that deletes ``rows``, writes the reports (with *notes*), and appends to the chains.

    Foreign keys are checked when it ends, so the order of its deletions is free, cycles included. *wide*: what went in
    bulk before is counted in $5.
    """
    deletions = ",\n".join(_delete_sql(number, table, target) for number, table in enumerate(closure.tables))
    gone = " UNION ALL ".join(f"SELECT *, 1 AS rows FROM x{number}" for number in range(len(closure.tables)))
    gone = gone or "SELECT relation, request_id, seeded, 1 AS rows FROM rows WHERE false"
    if wide:
        gone += f" UNION ALL SELECT * FROM {_COUNTED.format(given='$5::jsonb')}"
    counts = f"counts AS ({_SUMMED.format(rows=f'({gone}) gone')})"
    return _finish_sql(",\n".join(filter(None, (rows, deletions, counts))), notes, wide=wide)


def _delete_sql(number: int, table: Table, target: Target) -> str:
    return (
        f"x{number} AS (DELETE FROM {source_sql(target, table.id)} t USING rows d"
        f" WHERE d.relation = {quote_text(table.id)} AND {match_sql(table, 't', 'd.key')}"
        " RETURNING d.relation, d.request_id, d.seeded)"
    )


def report_sql(given: str, notes: str, *, wide: bool) -> str:
    """Return the statement that does the rest where the rows have gone already; *given* is the SQL of their counts.

    *notes* is the parameter with what the reports say beside them, by request.
    """
    counts = f"""WITH {REQ},
stuck AS MATERIALIZED (SELECT false AS yes),
counts AS ({_SUMMED.format(rows=_COUNTED.format(given=given))})"""
    return _finish_sql(counts, f"coalesce({notes}::jsonb -> req.request_id, {NOTHING_NOTED})", wide=wide)


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
        atdm.append_events(r.run_id, r.request_id, $3::text[], $4::json[] || r.report::json, 0) END AS seq
FROM unnest($1::text[]) a (request_id)
LEFT JOIN atdm.request q ON q.request_id = a.request_id
LEFT JOIN req ON req.request_id = a.request_id
LEFT JOIN reports r ON r.request_id = a.request_id"""
