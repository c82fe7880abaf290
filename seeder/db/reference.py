"""Reference rows: inserted where they lack, updated where they differ, never deleted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pytest_atdm.core.audit import EventKind
from seeder.db.border import translated
from seeder.db.cells import dump_json
from seeder.db.queries import quote_ident, quote_table, quote_text
from seeder.records import ReferenceReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Column, Schema, Table
    from seeder.db.pool import Pool
    from seeder.records import ReferenceTable


async def seed_reference(
    pool: Pool, schema: Schema, run_id: str, domain: str, tables: Sequence[ReferenceTable]
) -> ReferenceReport:
    """Upsert the rows by their keys, and append what has changed to the run's chain, all in one statement.

    Raises:
        NotFound, Conflict: rows have to change, and there is no such run, or it has ended; nothing has been written.
        RowRefused, SchemaMismatch: nothing has been written.
    """
    upserts, payloads = [], []
    for reference in tables:
        table = schema.table(reference.table, where=f'reference rows of "{domain}"')
        for columns, rows in _group_by_columns(reference.rows).items():
            found = [table.column(name, where=f'reference rows of "{domain}"') for name in columns]
            payloads.append(dump_json(rows))
            upserts.append(_upsert_sql(table, found, reference.key, len(payloads) + 2))  # $1 and $2 are run and kind
    if not upserts:
        return ReferenceReport(inserted={}, updated={}, unchanged={})
    with translated(f'seeding the reference rows of "{domain}"'):
        written = await pool.fetch(_collect_sql(upserts, domain), run_id, EventKind.REFERENCE_SEEDED, *payloads)
    return _report(schema, tables, written)


def _group_by_columns(rows: Sequence[Mapping[str, Cell]]) -> dict[tuple[str, ...], list[Mapping[str, Cell]]]:
    groups: dict[tuple[str, ...], list[Mapping[str, Cell]]] = defaultdict(list)
    for row in rows:
        groups[tuple(sorted(row))].append(row)
    return groups


def _upsert_sql(table: Table, columns: Sequence[Column], key: Sequence[str], parameter: int) -> str:
    names = ", ".join(quote_ident(column.name) for column in columns)
    types = ", ".join(f"{quote_ident(column.name)} {column.type}" for column in columns)
    others = [column for column in columns if column.name not in key]
    overriding = "OVERRIDING SYSTEM VALUE " if any(column.identity for column in columns) else ""
    return (
        f"INSERT INTO {quote_table(table.id)} AS t ({names}) {overriding}"
        f"SELECT {names} FROM jsonb_to_recordset(${parameter}::jsonb) AS v ({types})"
        f" ON CONFLICT ({', '.join(quote_ident(name) for name in key)}) {_change_sql(others)}"
        # xmax is zero in a row that this statement inserted, and this transaction's number in one that it updated.
        f" RETURNING {quote_text(table.id)} AS relation, xmax = 0 AS inserted"
    )


def _change_sql(others: Sequence[Column]) -> str:
    if not others:
        return "DO NOTHING"
    changes = ", ".join(f"{quote_ident(column.name)} = EXCLUDED.{quote_ident(column.name)}" for column in others)
    differs = " OR ".join(
        f"{_comparable(column, 't')} IS DISTINCT FROM {_comparable(column, 'EXCLUDED')}" for column in others
    )
    return f"DO UPDATE SET {changes} WHERE {differs}"


def _comparable(column: Column, alias: str) -> str:
    """Return the column so that it can be compared: the type json itself knows no equality."""
    return f"{alias}.{quote_ident(column.name)}{'::jsonb' if column.type == 'json' else ''}"


def _collect_sql(upserts: Sequence[str], domain: str) -> str:
    """Return the statement around the upserts; where none of them wrote a row, nothing is appended."""
    named = ",\n".join(f"u{number} AS ({text})" for number, text in enumerate(upserts))
    written = " UNION ALL ".join(f"SELECT * FROM u{number}" for number in range(len(upserts)))
    return f"""WITH {named},
counts AS (SELECT relation, inserted, count(*) AS rows FROM ({written}) w GROUP BY relation, inserted),
detail AS (
    SELECT json_build_object('domain', {quote_text(domain)},
        'inserted', coalesce(json_object_agg(relation, rows) FILTER (WHERE inserted), '{{}}'),
        'updated', coalesce(json_object_agg(relation, rows) FILTER (WHERE NOT inserted), '{{}}')) AS value
    FROM counts HAVING count(*) > 0
),
appended AS (SELECT atdm.append_events($1, NULL, ARRAY[$2], ARRAY[value], 0) AS seq FROM detail)
SELECT relation, inserted, rows FROM counts, appended WHERE seq > 0"""


def _report(schema: Schema, tables: Sequence[ReferenceTable], written: Sequence[Mapping[str, Any]]) -> ReferenceReport:
    counts: dict[tuple[str, bool], int] = {(row["relation"], row["inserted"]): row["rows"] for row in written}
    inserted, updated, unchanged = {}, {}, {}
    for reference in tables:
        name = schema.table(reference.table).id
        inserted[name] = counts.get((name, True), 0)
        updated[name] = counts.get((name, False), 0)
        unchanged[name] = len(reference.rows) - inserted[name] - updated[name]
    return ReferenceReport(inserted=inserted, updated=updated, unchanged=unchanged)
