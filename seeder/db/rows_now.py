"""What has become of a request's rows, and what has come below them: what a reset would remove, only looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.model import RowNow, RowsNow
from seeder.db.cells import CellReader, parse_row
from seeder.db.closure import reached_sql
from seeder.db.keys import match_sql
from seeder.db.queries import quote_text
from seeder.db.reset_sql import LIVE
from seeder.db.steps import read_key, source_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from seeder.db.closure import Closure
    from seeder.db.introspect import Target

#: So many rows are listed; who has to look at more looks at the database.
MAX_ROWS_NOW: Final = 200


def rows_now_sql(closure: Closure, target: Target, *, wide: bool) -> str:
    """Return the query for the rows of the live request $1, in the order of their making, and what hangs below them.

    Columns: relation, key, seeded, body (NULL: it is gone), total. $2 is NULL: nobody shows a token. *wide*: it may
    have volumes.
    """
    bodies = "\n    UNION ALL ".join(
        f"SELECT f.relation, f.key, row_to_json(t.*)::text AS body FROM listed f"
        f" JOIN {source_sql(target, table.id)} t ON {match_sql(table, 't', 'f.key')}"
        f" WHERE f.relation = {quote_text(table.id)}"
        for table in closure.tables
    )
    return f"""WITH RECURSIVE req AS MATERIALIZED ({LIVE}),
{reached_sql(closure, target, wide=wide)},
found AS MATERIALIZED (
    SELECT r.relation, r.key, bool_or(r.seeded) AS seeded, min(l.ordinal) AS ordinal, count(*) OVER () AS total
    FROM reached r LEFT JOIN atdm.ledger l ON l.relation = r.relation AND l.key = r.key
    GROUP BY r.relation, r.key HAVING NOT bool_and(r.old)
),
listed AS MATERIALIZED (
    SELECT * FROM found ORDER BY NOT seeded, ordinal NULLS LAST, relation, key LIMIT {MAX_ROWS_NOW}
)
SELECT l.relation, l.key::text AS key, l.seeded, b.body, l.total FROM listed l
LEFT JOIN ({bodies}) b ON b.relation = l.relation AND b.key = l.key
ORDER BY NOT l.seeded, l.ordinal NULLS LAST, l.relation, l.key"""


def read_rows_now(rows: Sequence[Any], target: Target) -> RowsNow:
    """Return what the query of ``rows_now_sql`` found."""
    readers = {
        name: CellReader(target.schema.tables[name], target.schema) for name in {row["relation"] for row in rows}
    }
    listed = tuple(
        RowNow(
            table=row["relation"],
            key=read_key(row["key"]),
            seeded=row["seeded"],
            cells=None if row["body"] is None else readers[row["relation"]].read(parse_row(row["body"])),
        )
        for row in rows
    )
    return RowsNow(rows=listed, more=rows[0]["total"] - len(rows) if rows else 0)
