"""What stands in the target, and what its CHECKs say of rows that do not stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.errors import NotFound
from pytest_atdm.core.model import TargetState
from seeder.db.border import translated
from seeder.db.cells import CellReader, dump_json, parse_row
from seeder.db.queries import QUERIES, quote_ident, quote_table, quote_text
from seeder.db.steps import source_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Column, Table
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool

#: The content of larger tables is not compared: it would take seconds.
MAX_SUMMED_ROWS: Final = 200_000


async def list_rows(
    pool: Pool, target: Target, tables: Sequence[str], limit: int
) -> dict[str, tuple[dict[str, Cell], ...]]:
    """Return the first *limit* rows of each of *tables*, by key; none of those that the role may not read.

    Raises:
        NotFound: no such table.
    """
    shapes = [_find_table(target, name) for name in dict.fromkeys(tables)]
    readable = [shape for shape in shapes if "select" not in shape.missing_rights]
    found: dict[str, list[dict[str, Cell]]] = {shape.id: [] for shape in shapes}
    if readable:
        statement = " UNION ALL ".join(f"({_first_rows_sql(shape, limit)})" for shape in readable)
        with translated("reading rows that stand there"):
            rows = await pool.fetch(statement)
        readers = {shape.id: CellReader(shape, target.schema) for shape in readable}
        for name, body in rows:
            found[name].append(readers[name].read(parse_row(body)))
    return {name: tuple(rows) for name, rows in found.items()}


def _find_table(target: Target, name: str) -> Table:
    if name not in target.schema.tables:
        raise NotFound(f'the database has no table "{name}"', hint="tables go by schema.table: see /target/schema")
    return target.schema.tables[name]


def _first_rows_sql(table: Table, limit: int) -> str:
    order = ", ".join(f"t.{quote_ident(name)}" for name in table.primary_key) or "t.ctid"
    return (
        f"SELECT {quote_text(table.id)} AS name, row_to_json(t.*)::text AS body"
        f" FROM {quote_table(table.id)} t ORDER BY {order} LIMIT {limit}"
    )


async def sum_tables(
    connection: asyncpg.Connection | Pool, target: Target, tables: Collection[str]
) -> dict[str, tuple[int, str]]:
    """Return how many rows each of *tables* has, and a sum over their content; none of those that are large."""
    readable = [name for name in sorted(tables) if "select" not in target.schema.tables[name].missing_rights]
    small = [row["name"] for row in await connection.fetch(QUERIES["small_tables"], readable, MAX_SUMMED_ROWS)]
    if not small:
        return {}
    statement = " UNION ALL ".join(
        f"SELECT {quote_text(name)} AS name, count(*) AS rows,"
        " coalesce(sum(hashtextextended(ROW(t.*)::text, 0)::numeric), 0)::text AS sum"
        f" FROM {source_sql(target, name)} t"
        for name in small
    )
    return {row["name"]: (row["rows"], row["sum"]) for row in await connection.fetch(statement)}


async def read_state(pool: Pool, target: Target, tables: Collection[str]) -> TargetState:
    """Return what can be compared before and after: *tables*, the number of relations, where sequences stand.

    Raises:
        NotFound: no such table.
    """
    shapes = [_find_table(target, name) for name in tables]
    with translated("reading the target's state"):
        return TargetState(
            tables=await sum_tables(pool, target, [shape.id for shape in shapes]),
            relations=await pool.fetchval(QUERIES["relations"]),
            sequences={row["name"]: row["value"] for row in await pool.fetch(QUERIES["sequences"])},
        )


async def judge_rows(
    pool: Pool, target: Target, table: str, constraint: str, rows: Sequence[Mapping[str, Cell]]
) -> tuple[bool, ...]:
    """Return for each row whether the CHECK lets it pass; in one round trip, unless one of them makes it raise.

    Raises:
        NotFound: no such table or CHECK.
    """
    statement = _verdicts_sql(_find_table(target, table), target, constraint)
    with translated(f"judging rows by {constraint}"):
        try:
            return await _judge(pool, statement, rows)
        except asyncpg.PostgresError:
            return tuple([await _judge_alone(pool, statement, row) for row in rows])


async def _judge(pool: Pool, statement: str, rows: Sequence[Mapping[str, Cell]]) -> tuple[bool, ...]:
    # Read-only: a CHECK may call a function, and a function may write.
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        found = await connection.fetch(statement, dump_json(rows))
    return tuple(row["passes"] for row in found)


async def _judge_alone(pool: Pool, statement: str, row: Mapping[str, Cell]) -> bool:
    try:
        return (await _judge(pool, statement, [row]))[0]
    except asyncpg.PostgresError:
        return False


def _verdicts_sql(table: Table, target: Target, constraint: str) -> str:
    expression, aliased = _find_check(table, target, constraint)
    plain = [column for column in table.columns if not column.generated]
    types = ", ".join(f"{quote_ident(column.name)} {column.type}" for column in plain)
    place = _find_free_name(table)
    names = ", ".join((*(quote_ident(column.name) for column in plain), place))
    computed = (f", {one.expression} AS {quote_ident(one.name)}" for one in table.columns if one.generated)
    cells = f"v.{quote_ident(aliased)} AS value, v.{place}" if aliased else f"v.*{''.join(computed)}"
    return (
        f"SELECT coalesce(({expression}), true) AS passes FROM (SELECT {cells} FROM ROWS FROM"
        f" (json_to_recordset($1::json) AS ({types})) WITH ORDINALITY AS v ({names})) AS v ORDER BY {place}"
    )


def _find_free_name(table: Table) -> str:
    """Return a name that no column of *table* has."""
    name = "place"
    while name in table.column_by_name:
        name += "_"
    return name


def _find_check(table: Table, target: Target, constraint: str) -> tuple[str, str]:
    """Return the CHECK's text, and the column that it calls VALUE where it belongs to a domain; else no column."""
    for check in table.checks:
        if check.name == constraint:
            return check.expression, ""
    for column in table.columns:
        for name, expression in _domain_checks(column, target):
            if name == constraint:
                return expression, column.name
    raise NotFound(f'table "{table.id}" has no CHECK "{constraint}"', hint="see its checks in /target/schema")


def _domain_checks(column: Column, target: Target) -> list[tuple[str, str]]:
    found = []
    kind = column.type
    while kind in target.schema.domains:
        found += [(check.name, check.expression) for check in target.schema.domains[kind].checks]
        kind = target.schema.domains[kind].type
    return found
