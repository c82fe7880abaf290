"""Which rows of a table the baseline lacks, and which rows of the baseline the table lacks.

Rows are told by their hashes. Of a table without differences nothing but sums passes over the wire; of others the
hashes of those blocks where something differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from seeder.db.queries import quote_ident
from seeder.db.restore.wanted import BLOCKS, HASH_MODULUS, HASH_SHIFT, PIECE_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence

    import asyncpg

    from seeder.db.restore.relations import Standing
    from seeder.db.restore.wanted import Blocks, Progress, Split

_Item = TypeVar("_Item")

#: Types whose equal values have the same text.
_ONE_FORM: Final = frozenset({"smallint", "integer", "bigint", "uuid", "date"})

#: Tables of no more rows are counted by one statement, so many at a time.
_SMALL_ROWS: Final = 10_000
_TOGETHER: Final = 50


async def compare_tables(
    connection: asyncpg.Connection, tables: Sequence[Standing], *, same_server: bool, progress: Progress
) -> None:
    """Find out what of each table differs, into it and its temporary tables ``surplus`` and ``missing``.

    ``missing`` is not filled where nothing is surplus: then *places* tell where its rows are in the file, None for all.
    """
    told = [one for one in tables if one.wanted.hashed and same_server]
    untold = [one for one in tables if not (one.wanted.hashed and same_server)]
    # Each file is seen to be undamaged, and divided, while Postgres counts the tables before.
    async with contextlib.aclosing(_in_thread(map(_divide, _form_groups(told)))) as groups:
        async for group in groups:
            for one in group:
                progress(one.id, "compare", 0, one.wanted.rows)
            for one, standing in zip(group, await _count_blocks(connection, group), strict=True):
                await _compare(connection, one, standing, progress)
    for one in untold:
        progress(one.id, "compare", 0, one.wanted.rows)
        await _load(connection, one, None, progress)
        (standing,) = await _count_blocks(connection, [one])
        await _compare(connection, one, standing, progress)


def _form_groups(tables: Iterable[Standing]) -> Iterator[Sequence[Standing]]:
    """Yield the tables, one by one if large, else a number of them together."""
    small = []
    for one in tables:
        if one.wanted.rows > _SMALL_ROWS:
            yield [one]
        else:
            small.append(one)
    for start in range(0, len(small), _TOGETHER):
        yield small[start : start + _TOGETHER]


def _divide(tables: Sequence[Standing]) -> Sequence[Standing]:
    """Return the tables, with how the rows of the file fall into blocks."""
    for one in tables:
        one.divided = one.wanted.divide(one.integer_key)
    return tables


async def _compare(connection: asyncpg.Connection, one: Standing, standing: Blocks, progress: Progress) -> None:
    if one.divided:
        wanted = one.divided.counts
    else:
        (wanted,) = await _count_blocks(connection, [one], "missing")
    one.total = sum(rows for rows, _ in standing.values())
    blocks = [block for block in range(BLOCKS) if standing.get(block) != wanted.get(block)]
    if blocks:
        await _find_differences(connection, one, blocks, progress)
    one.divided = None
    progress(one.id, "compare", one.wanted.rows, one.wanted.rows)


async def _count_blocks(
    connection: asyncpg.Connection, tables: Sequence[Standing], temporary: str | None = None
) -> Sequence[Blocks]:
    """Return what is in each block of these tables, or of their temporary tables of that name."""
    sources = [one.temporary(temporary) if temporary else one.source for one in tables]
    counts = (
        f"SELECT {number} AS number, block, count(*) AS rows, sum(h) AS hashes"
        f" FROM {_rows_sql(one, source)} GROUP BY block"
        for number, (one, source) in enumerate(zip(tables, sources, strict=True))
    )
    found: Sequence[dict[int, tuple[int, int]]] = [{} for _ in tables]
    for row in await connection.fetch(" UNION ALL ".join(counts)):
        found[row["number"]][row["block"]] = (row["rows"], int(row["hashes"]) % HASH_MODULUS)
    return found


def _rows_sql(one: Standing, source: str, blocks: Sequence[int] | None = None) -> str:
    """Return what stands after FROM for the rows of these blocks, with hash *h*, *place* and *block*; None: all."""
    hashed = f"SELECT {one.hash_sql} AS h, ctid AS place"
    block = _block_sql(one.split)
    within = f" WHERE {block} = ANY (ARRAY[{', '.join(map(str, blocks))}])" if blocks and len(blocks) < BLOCKS else ""
    if one.split.key is None:
        return f"(SELECT h, place, {block} AS block FROM ({hashed} FROM {source}) h{within}) r"
    return f"({hashed}, {block} AS block FROM {source}{within}) r"


def _block_sql(split: Split) -> str:
    if split.key is None:
        return f"(h >> {HASH_SHIFT}) & {BLOCKS - 1}"
    low, high = (f"'{bound}'::bigint" for bound in (split.low, split.high))
    return f"(least(greatest({quote_ident(split.key)}, {low}), {high}) >> {split.shift}) - ({low} >> {split.shift})"


async def _find_differences(
    connection: asyncpg.Connection, one: Standing, blocks: Sequence[int], progress: Progress
) -> None:
    if one.divided and not one.total:
        one.missing = one.wanted.rows
        return
    await _list_hashes(connection, one, blocks)
    await _list_standing(connection, one, blocks)
    await _list_surplus(connection, one)
    await _list_missing(connection, one)
    if one.surplus and one.missing:
        if one.divided:
            await _load(connection, one, one.places, progress)
        await _match(connection, one)


async def _list_hashes(connection: asyncpg.Connection, one: Standing, blocks: Sequence[int]) -> None:
    """Make the temporary table of the wanted hashes, each with its place: a number in the file, or a tid."""
    hashes = one.temporary("hashes")
    if not one.divided:
        await connection.execute(
            f"CREATE TEMPORARY TABLE {one.temporary_name('hashes')} ON COMMIT DROP AS SELECT h, place"
            f" FROM {_rows_sql(one, one.temporary('missing'), blocks)}"
        )
        return
    is_set, rows = await asyncio.to_thread(one.divided.list_hashes, blocks)
    one.has_unique_rows = is_set and bool(one.relation.key)
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('hashes')} (h bigint, place integer) ON COMMIT DROP"
    )
    await connection.copy_to_table(
        one.temporary_name("hashes"), schema_name="pg_temp", format="csv", source=_in_thread(rows)
    )
    await connection.execute(f"ANALYZE {hashes}")


async def _list_standing(connection: asyncpg.Connection, one: Standing, blocks: Sequence[int]) -> None:
    """Make the temporary table of the hashes of the rows that stand."""
    await connection.execute(
        f"CREATE TEMPORARY TABLE {one.temporary_name('standing')} ON COMMIT DROP AS SELECT h, place"
        f" FROM {_rows_sql(one, one.source, blocks)}"
    )
    await connection.execute(f"ANALYZE {one.temporary('standing')}")


def _lacking_sql(one: Standing, left: str, right: str) -> str:
    """Return the query for the places in *left* of rows that *right* lacks; of equal rows as many as it has fewer."""
    left, right = one.temporary(left), one.temporary(right)
    if one.has_unique_rows:
        return f"SELECT place FROM {left} l WHERE NOT EXISTS (SELECT FROM {right} r WHERE r.h = l.h)"
    return (
        f"SELECT place FROM (SELECT *, row_number() OVER (PARTITION BY h) AS n FROM {left}) l"
        f" LEFT JOIN (SELECT h, count(*) AS rows FROM {right} GROUP BY h) r USING (h) WHERE l.n > coalesce(r.rows, 0)"
    )


async def _list_surplus(connection: asyncpg.Connection, one: Standing) -> None:
    """Make the temporary table of the rows that go, or change."""
    lacking = _lacking_sql(one, "standing", "hashes")
    one.surplus = await _make(
        connection, one, "surplus", f"SELECT place, NULL::tid AS twin, false AS fits FROM ({lacking}) s"
    )


async def _make(connection: asyncpg.Connection, one: Standing, word: str, query: str) -> int:
    """Make the temporary table *word* of the query's rows; return how many they are."""
    await connection.execute(f"CREATE TEMPORARY TABLE {one.temporary_name(word)} ON COMMIT DROP AS {query}")
    await connection.execute(f"ANALYZE {one.temporary(word)}")
    rows: int = await connection.fetchval(f"SELECT count(*) FROM {one.temporary(word)}")
    return rows


async def _list_missing(connection: asyncpg.Connection, one: Standing) -> None:
    lacking = _lacking_sql(one, "hashes", "standing")
    if one.divided:
        one.places = [place for (place,) in await connection.fetch(f"{lacking} ORDER BY place")]
        one.missing = len(one.places)
    else:
        missing = one.temporary("missing")
        await connection.execute(
            f"DELETE FROM {missing} m WHERE NOT EXISTS (SELECT FROM ({lacking}) l WHERE l.place = m.ctid)"
        )
        one.missing = await connection.fetchval(f"SELECT count(*) FROM {missing}")
    await connection.execute(f"DROP TABLE {one.temporary('hashes')}, {one.temporary('standing')}")


async def _match(connection: asyncpg.Connection, one: Standing) -> None:
    """Give surplus rows the missing row with the same key as *twin*; it *fits* where an update can make it that."""
    if not one.can_match:
        return
    key = " AND ".join(f"t.{name} = m.{name}" for name in map(quote_ident, one.relation.key))
    rows = (
        f"{one.source} t"
        if one.surplus == one.total
        else f"{one.temporary('surplus')} s JOIN {one.source} t ON t.ctid = s.place"
    )
    await _make(
        connection, one, "matched",
        f"SELECT t.ctid AS place, m.ctid AS twin, m.ctid IS NOT NULL AND {_fits_sql(one)} AS fits"
        f" FROM {rows} LEFT JOIN {one.temporary('missing')} m ON {key}",
    )  # fmt: skip
    await connection.execute(
        f"DROP TABLE {one.temporary('surplus')}; "
        f"ALTER TABLE {one.temporary('matched')} RENAME TO {one.temporary_name('surplus')}"
    )
    counts = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE fits) AS matched, count(twin) FILTER (WHERE NOT fits) AS clashing"
        f" FROM {one.temporary('surplus')}"
    )
    one.matched, one.clashing = counts["matched"], counts["clashing"]


def _fits_sql(one: Standing) -> str:
    """Return the condition that what an update leaves alone is the same: equal keys may be written differently."""
    doubtful = [
        quote_ident(name)
        for name in sorted(one.fixed)
        if name in one.relation.fixed or one.relation.types[name] not in _ONE_FORM
    ]
    if not doubtful:
        return "true"
    left, right = (f"ROW({', '.join(f'{alias}.{name}' for name in doubtful)})::text" for alias in "tm")
    return f"{left} = {right}"


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
    if one.surplus or not one.missing:  # else all of it is wanted, and it is joined with nothing
        await connection.execute(f"ANALYZE {one.temporary('missing')}")


async def copy_rows(
    connection: asyncpg.Connection,
    one: Standing,
    name: str,
    schema: str,
    places: Sequence[int] | None,
    progress: Progress,
    *,
    is_new: bool = False,
) -> None:
    """Copy the rows at these places of the file into the table *schema*.*name*.

    *is_new*: it was made, or truncated, in this transaction, whose begin of a savepoint is not since.
    """
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

    await connection.copy_to_table(
        name, schema_name=schema, columns=one.columns, format="csv", source=report(), freeze=is_new
    )


async def _in_thread(items: Iterable[_Item]) -> AsyncGenerator[_Item]:
    """Yield *items*, which are made in a thread: the next one while this one is in use."""
    iterator = iter(items)

    def begin() -> asyncio.Future[_Item | None]:
        return asyncio.ensure_future(asyncio.to_thread(next, iterator, None))

    ahead = begin()
    try:
        while (item := await asyncio.shield(ahead)) is not None:
            ahead = begin()
            yield item
    finally:
        await asyncio.wait([ahead])  # nobody closes the file that it reads before
