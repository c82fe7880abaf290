"""Rows from before that seeded rows refer to and that were written since: their version is younger than the ledger's.

A transaction number tells the age of a version (xmin). Foreign keys only lock the row that they refer to, which leaves
its version as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seeder.db.closure import discriminator_sql
from seeder.db.keys import PLACE, identify, key_sql, match_sql
from seeder.db.queries import quote_ident, quote_text
from seeder.db.reports import MAX_CHANGED
from seeder.db.steps import source_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_atdm.core.schema import ForeignKey, Table
    from seeder.db.closure import Closure
    from seeder.db.introspect import Target

_WHY: Final = "written since the request was made, by the application or somebody beside it"

#: The entries of the ledger, each with the transaction that made it: the one that seeded.
_ENTERED: Final = """entered AS MATERIALIZED (
    SELECT l.relation, l.key, l.ordinal, l.xmin AS made, req.request_id, req.positions
    FROM req JOIN atdm.ledger l ON l.request_id = req.request_id
)"""


def changed_sql(target: Target, roots: Collection[str], closure: Closure) -> str:
    """Return the SQL of ``changed`` (request_id, note) after ``req``, for requests that seeded rows of *roots*.

    It looks at tables outside *closure* only: each of the others would cost the reset two per cent, and their rows are
    the request's own nearly always. A row that another live request seeded does not count, nor one that is younger than
    the request. Empty where the seeded tables refer to no others.
    """
    within = {table.id for table in closure.tables}
    branches = [_branch_sql(target, *one) for one in _iter_references(target, roots) if one[2].id not in within]
    if not branches:
        return ""
    rows = "\n        UNION".join(branches)
    return f"""{_ENTERED},
changed AS MATERIALIZED (
    SELECT request_id, jsonb_build_object(
        'changed', to_jsonb((array_agg(note ORDER BY note ->> 'table', note -> 'key'))[1:{MAX_CHANGED}]),
        'more_changed', greatest(count(*) - {MAX_CHANGED}, 0)) AS note
    FROM ({rows}
    ) c GROUP BY request_id
)"""


def _iter_references(target: Target, roots: Collection[str]) -> Iterator[tuple[Table, ForeignKey, Table]]:
    """Yield what leads from tables of *roots* to tables whose rows can be read and told from one another."""
    tables = target.schema.tables
    for table in (tables[name] for name in sorted(roots) if name in tables):
        for key in (*table.foreign_keys, *target.references.get(table.id, ())):
            parent = tables[key.parent]
            is_hidden = "select" in (*table.missing_rights, *parent.missing_rights)
            if not (is_hidden or key.period or identify(parent) == PLACE):
                yield table, key, parent


def _branch_sql(target: Target, table: Table, key: ForeignKey, parent: Table) -> str:
    """Rows of *parent* by one reference. What costs anything is asked of the few that are younger than the request.

    The age 0 is this transaction's own: an earlier part of it may have made a trigger write the row.
    """
    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    refers = " AND ".join(f"p.{quote_ident(other)} = t.{quote_ident(own)}" for own, other in pairs)
    return f"""
        SELECT e.request_id, jsonb_build_object('table', {quote_text(parent.id)}, 'key', {key_sql(parent, "p")},
            'why', {quote_text(_WHY)}) AS note
        FROM entered e JOIN {source_sql(target, table.id)} t ON {match_sql(table, "t", "e.key")}
        JOIN {source_sql(target, parent.id)} p ON {refers}{discriminator_sql(key, "t")}
        WHERE e.relation = {quote_text(table.id)} AND CASE WHEN age(p.xmin) BETWEEN 1 AND age(e.made) - 1
            THEN {_stood_before_sql(target, parent)} AND {_was_referred_to_sql(key)} END"""


def _stood_before_sql(target: Target, parent: Table) -> str:
    """Whether the row *p* is no live request's, and nothing shows that it came after the request *e*."""
    name = quote_text(parent.id)
    owner = f"SELECT o.request_id FROM atdm.ledger o WHERE o.relation = {name} AND o.key = {key_sql(parent, 'p')}"
    serial = target.serial_keys.get(parent.id)
    if serial is None:
        return f"({owner}) IS NULL"
    number = f"p.{quote_ident(serial.name)}::bigint"
    return (
        f"({owner}) IS NULL AND atdm.range_owner({name}, {number}) IS NULL"
        f" AND atdm.is_new(e.positions, {name}, {number}) IS NOT TRUE"
    )


def _was_referred_to_sql(key: ForeignKey) -> str:
    """Whether the row *t* referred to *p* already when it was written: it is as it was, or the receipt says so."""
    same = " AND ".join(
        f"(a.body -> {quote_text(name)})::jsonb = to_jsonb(t.{quote_ident(name)})" for name in key.columns
    )
    return f"""(t.xmin = e.made OR (SELECT {same}
                FROM atdm.request q, json_each(q.answer) WITH ORDINALITY AS a (name, body, n)
                WHERE q.request_id = e.request_id AND a.n = e.ordinal))"""
