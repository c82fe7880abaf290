"""Which rows of a table the baseline lacks, and which rows of the baseline the table lacks.

Rows are told by their hashes. Of a table without differences nothing but sums passes over the wire; of others the
hashes of those blocks where something differs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from seeder.db.queries import quote_ident
from seeder.db.restore.wanted import BLOCKS, HASH_MODULUS, PIECE_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    import asyncpg

    from seeder.db.restore.relations import Standing
    from seeder.db.restore.wanted import Progress

_Item = TypeVar("_Item")

_BLOCK_SQL: Final = f"(h >> 54) & {BLOCKS - 1}"


async def compare_table(
    connection: asyncpg.Connection, one: Standing, *, same_server: bool, progress: Progress
) -> None:
    """Find out what of the table differs, into *one* and its temporary tables ``surplus`` and ``missing``.

    ``missing`` is not filled where nothing is surplus: then *places* tell where its rows are in the file, None for all.
    """
    progress(one.id, "compare", 0, one.wanted.rows)
    is_told = one.wanted.hashed and same_server
    if not is_told:
        await _load(connection, one, None, progress)
    standing = await _count_blocks(connection, one, one.source)
    one.total = sum(rows for rows, _ in standing.values())
    wanted = await (
        asyncio.to_thread(one.wanted.count_blocks)
        if is_told
        else _count_blocks(connection, one, one.temporary("missing"))
    )
    blocks = [block for block in range(BLOCKS) if standing.get(block) != wanted.get(block)]
    if blocks:
        await _find_differences(connection, one, blocks, is_told=is_told, progress=progress)
    progress(one.id, "compare", one.wanted.rows, one.wanted.rows)


async def _count_blocks(connection: asyncpg.Connection, one: Standing, source: str) -> dict[int, tuple[int, int]]:
    rows = await connection.fetch(
        f"SELECT {_BLOCK_SQL} AS block, count(*) AS rows, sum(h) AS hashes"
        f" FROM (SELECT {one.hash_sql} AS h FROM {source}) r GROUP BY 1"
    )
    return {row["block"]: (row["rows"], int(row["hashes"]) % HASH_MODULUS) for row in rows}


async def _find_differences(
    connection: asyncpg.Connection, one: Standing, blocks: Sequence[int], *, is_told: bool, progress: Progress
) -> None:
    if is_told and not one.total:
        one.missing = one.wanted.rows
        return
    within = "" if len(blocks) == BLOCKS else f" WHERE {_BLOCK_SQL} = ANY (ARRAY[{', '.join(map(str, blocks))}])"
    await _list_hashes(connection, one, blocks, within, is_told=is_told)
    one.surplus = await _list_surplus(connection, one, within)
    await _list_missing(connection, one, is_told=is_told)
    if one.surplus and one.missing:
        if is_told:
            await _load(connection, one, one.places, progress)
        await _match(connection, one)


async def _list_hashes(
    connection: asyncpg.Connection, one: Standing, blocks: Sequence[int], within: str, *, is_told: bool
) -> None:
    """Make the temporary table of the wanted hashes, each with its place: a number in the file, or a tid."""
    hashes = one.temporary("hashes")
    if not is_told:
        await connection.execute(
            f"CREATE TEMPORARY TABLE {one.temporary_name('hashes')} ON COMMIT DROP AS SELECT h, place"
            f" FROM (SELECT {one.hash_sql} AS h, ctid AS place FROM {one.temporary('missing')}) r{within}"
        )
        return
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('hashes')} (h bigint, place integer) ON COMMIT DROP"
    )
    await connection.copy_to_table(
        one.temporary_name("hashes"), schema_name="pg_temp", format="csv",
        source=_in_thread(one.wanted.iter_hashes(frozenset(blocks))),
    )  # fmt: skip
    await connection.execute(f"ANALYZE {hashes}")


async def _list_surplus(connection: asyncpg.Connection, one: Standing, within: str) -> int:
    """Make the temporary table of the rows that go, or change; return how many they are.

    Of equal rows as many stay as the baseline has.
    """
    surplus = one.temporary("surplus")
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('standing')} ON COMMIT DROP AS SELECT h, place"
        f" FROM (SELECT {one.hash_sql} AS h, ctid AS place FROM {one.source}) r{within}"
    )
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('surplus')} ON COMMIT DROP AS"
        f" SELECT s.place, NULL::tid AS twin, false AS fits"
        f" FROM (SELECT *, row_number() OVER (PARTITION BY h) AS n FROM {one.temporary('standing')}) s"
        f" LEFT JOIN (SELECT h, count(*) AS rows FROM {one.temporary('hashes')} GROUP BY h) w USING (h)"
        f" WHERE s.n > coalesce(w.rows, 0)"
    )
    await connection.execute(f"ANALYZE {surplus}")
    found: int = await connection.fetchval(f"SELECT count(*) FROM {surplus}")
    return found


async def _list_missing(connection: asyncpg.Connection, one: Standing, *, is_told: bool) -> None:
    rows = (
        f" FROM (SELECT *, row_number() OVER (PARTITION BY h) AS n FROM {one.temporary('hashes')}) w"
        f" LEFT JOIN (SELECT h, count(*) AS rows FROM {one.temporary('standing')} GROUP BY h) s USING (h)"
        f" WHERE w.n > coalesce(s.rows, 0)"
    )
    if is_told:
        one.places = await connection.fetchval(f"SELECT coalesce(array_agg(place ORDER BY place), '{{}}'){rows}")
        one.missing = len(one.places)
    else:
        missing = one.temporary("missing")
        await connection.execute(f"DELETE FROM {missing} WHERE ctid NOT IN (SELECT place{rows})")
        one.missing = await connection.fetchval(f"SELECT count(*) FROM {missing}")
    await connection.execute(f"DROP TABLE {one.temporary('hashes')}, {one.temporary('standing')}")


async def _match(connection: asyncpg.Connection, one: Standing) -> None:
    """Give surplus rows the missing row with the same key as *twin*; it *fits* where an update can make it that."""
    key = [quote_ident(name) for name in one.relation.key]
    if not key:
        return
    same = " AND ".join(f"t.{name} = m.{name}" for name in key)
    fixed = [quote_ident(name) for name in one.fixed]
    fits = (
        f"ROW({', '.join(f't.{name}' for name in fixed)})::text = ROW({', '.join(f'm.{name}' for name in fixed)})::text"
    )
    surplus = one.temporary("surplus")
    await connection.execute(
        f"UPDATE {surplus} s SET twin = m.ctid, fits = {fits} FROM {one.source} t, {one.temporary('missing')} m"
        f" WHERE t.ctid = s.place AND {same}"
    )
    await connection.execute(f"ANALYZE {surplus}")
    counts = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE fits) AS matched, count(twin) FILTER (WHERE NOT fits) AS clashing"
        f" FROM {surplus}"
    )
    one.matched, one.clashing = counts["matched"], counts["clashing"]


async def load_missing(connection: asyncpg.Connection, one: Standing, progress: Progress) -> None:
    """Fill the temporary table ``missing``, where that has not been done."""
    if one.missing and not one.is_loaded:
        await _load(connection, one, one.places, progress)


async def _load(
    connection: asyncpg.Connection, one: Standing, places: Sequence[int] | None, progress: Progress
) -> None:
    """Make the temporary table ``missing`` of the rows at these places of the file; its columns check nothing."""
    one.is_loaded = True
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('missing')} ON COMMIT DROP AS"
        f" SELECT {one.columns_sql} FROM {one.source} WITH NO DATA"
    )
    await copy_rows(connection, one, one.temporary_name("missing"), "pg_temp", places, progress)
    await connection.execute(f"ANALYZE {one.temporary('missing')}")


async def copy_rows(
    connection: asyncpg.Connection,
    one: Standing,
    name: str,
    schema: str,
    places: Sequence[int] | None,
    progress: Progress,
) -> None:
    """Copy the rows at these places of the file into the table *schema*.*name*."""
    total = one.wanted.rows if places is None else len(places)
    if not one.columns:  # COPY takes no rows without columns
        await connection.execute(
            f"INSERT INTO {quote_ident(schema)}.{quote_ident(name)} SELECT FROM generate_series(1, {total})"
        )
        return
    done = 0

    async def report() -> AsyncIterator[bytes]:
        nonlocal done
        async for body in _in_thread(one.wanted.iter_rows(places)):
            yield body
            done += 1
            progress(one.id, "load", min(done * PIECE_ROWS, total), total)
        progress(one.id, "load", total, total)

    await connection.copy_to_table(name, schema_name=schema, columns=one.columns, format="csv", source=report())


async def _in_thread(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    iterator = iter(items)
    while (item := await asyncio.to_thread(next, iterator, None)) is not None:
        yield item
