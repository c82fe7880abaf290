"""Keys of rows: which columns tell a row, and sequence values taken ahead of need."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from seeder.db.border import translated
from seeder.db.queries import QUERIES, quote_ident, quote_table, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_atdm.core.schema import Table
    from seeder.db.pool import Pool

#: Values taken from a sequence at a time: one round trip for some hundred rows.
BLOCK_KEYS: Final = 256
_LARGEST_BLOCK: Final = 16_384

#: Stands for the row's place and its whole content where a table has no key.
PLACE: Final = ("ctid",)


def identify(table: Table) -> tuple[str, ...]:
    """Return the columns that tell a row: the primary key, else a unique key that is never NULL, else ``PLACE``."""
    for columns in table.unique_sets:
        if all(not table.column_by_name[name].nullable for name in columns):
            return columns
    return PLACE


def key_sql(table: Table, alias: str) -> str:
    """Return the SQL of a row's key as ``jsonb``.

    A row of a table without a key is told by its place and its content: of equal rows one is as good as the other, and
    one that was changed, or whose place another took, is not found.
    """
    if identify(table) == PLACE:
        return f"jsonb_build_object('ctid', {alias}.ctid, 'row', ROW({alias}.*)::text)"
    pairs = (f"{quote_text(name)}, {alias}.{quote_ident(name)}{_as_text(table, name)}" for name in identify(table))
    return f"jsonb_build_object({', '.join(pairs)})"


def _as_text(table: Table, column: str) -> str:
    """An array's JSON could not be read as an array again, its text can."""
    return "::text" if table.column_by_name[column].type.endswith("]") else ""


def match_sql(table: Table, alias: str, key: str) -> str:
    """Return the SQL condition that the row *alias* has the ``jsonb`` *key*; an index on the key serves it."""
    if identify(table) == PLACE:
        return f"{alias}.ctid = {cell_sql(table, 'ctid', key)} AND ROW({alias}.*)::text = {key} ->> 'row'"
    return " AND ".join(f"{alias}.{quote_ident(name)} = {cell_sql(table, name, key)}" for name in identify(table))


def cell_sql(table: Table, column: str, key: str) -> str:
    """Return the SQL of one column's value, read out of the ``jsonb`` *key*."""
    kind = "tid" if column in PLACE else table.column_by_name[column].type
    return f"({key} ->> {quote_text(column)})::{kind}"


class KeyBlocks:
    """Values of sequences, taken in blocks and kept until they are used. What is left at the end is a gap."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._values: dict[str, deque[int]] = defaultdict(deque)

    async def take(self, needed: Mapping[str, int], feeds: Mapping[str, tuple[str, str]]) -> dict[str, list[int]]:
        """Return so many values of each sequence; round trips only where a block is used up.

        *feeds* says which column (of which table id) each sequence feeds: a value that stands there is passed over,
        since rows may have been loaded without their sequence.
        """
        size = max(BLOCK_KEYS, *needed.values(), 0)
        while short := [name for name, count in needed.items() if len(self._values[name]) < count]:
            await self._take_blocks(short, size, feeds)
            size = min(size * 2, _LARGEST_BLOCK)
        # No await from here on: no other task takes the same values.
        return {name: [self._values[name].popleft() for _ in range(count)] for name, count in needed.items()}

    def forget(self) -> None:
        """Give up what was taken ahead."""
        self._values.clear()

    async def _take_blocks(self, sequences: Iterable[str], count: int, feeds: Mapping[str, tuple[str, str]]) -> None:
        with translated("taking keys ahead"):
            rows = await self._pool.fetch(QUERIES["take_keys"], list(sequences), count)
            taken: dict[str, list[int]] = defaultdict(list)
            for name, value in rows:
                taken[name].append(value)
            standing = await self._find_standing(taken, feeds)
        for name, values in taken.items():
            self._values[name].extend(value for value in values if (name, value) not in standing)

    async def _find_standing(
        self, taken: Mapping[str, list[int]], feeds: Mapping[str, tuple[str, str]]
    ) -> set[tuple[str, int]]:
        """Return the (sequence, value) whose value the column has that the sequence feeds."""
        names = [name for name in taken if name in feeds]
        parts = [
            f"SELECT {quote_text(name)} AS name, v AS value FROM unnest(${number}::bigint[]) AS v"
            f" WHERE EXISTS (SELECT FROM {quote_table(feeds[name][0])} t WHERE t.{quote_ident(feeds[name][1])} = v)"
            for number, name in enumerate(names, start=1)
        ]
        rows = await self._pool.fetch(" UNION ALL ".join(parts), *(taken[name] for name in names)) if parts else ()
        return {(row["name"], row["value"]) for row in rows}
