"""Removing the rows of volumes by ranges of keys, where nothing refers to them any more."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.planner.order import order_removal
from seeder.db.queries import QUERIES, quote_ident, quote_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from seeder.db.introspect import Target

#: So many keys go with one statement.
_TOGETHER: Final = 50_000
#: How long a statement may take that removes rows of volumes: where a foreign key has no index, each row takes a scan.
WIDE_TIMEOUT_S: Final = 900


class RangeRemoval:
    """Removes ranges from one target, within a transaction of the caller; what it leaves, the walk by keys removes."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def remove(
        self, connection: asyncpg.Connection, request_ids: Sequence[str], token_hash: bytes | None
    ) -> list[dict[str, object]]:
        """Remove the ranges of the requests that are live and have the token, children first.

        The transaction's statements have ``WIDE_TIMEOUT_S`` from here on. Returns how many rows went, by relation and
        request_id, as rows of ``counts``.

        Raises:
            asyncpg.PostgresError: a row refers to one of them, which did not a moment ago.
        """
        await connection.execute(f"SET LOCAL statement_timeout = '{WIDE_TIMEOUT_S}s'")
        by_table: dict[str, list[Any]] = defaultdict(list)
        for row in await connection.fetch(QUERIES["ranges_of"], list(request_ids), token_hash):
            by_table[row["relation"]].append(row)
        removed: Counter[tuple[str, str]] = Counter()
        for together in order_removal([name for name in by_table if self._is_simple(name)], self._target.schema):
            for row in (row for name in together for row in by_table[name]):
                if await self._is_free(connection, row):
                    removed[row["relation"], row["request_id"]] += await self._delete(connection, row)
        return [
            {"relation": relation, "request_id": request_id, "seeded": True, "rows": rows}
            for (relation, request_id), rows in removed.items()
        ]

    def _is_simple(self, relation: str) -> bool:
        """Return whether rows of *relation* go without triggers, and are referred to by the key alone."""
        table = self._target.schema.tables.get(relation)
        if table is None or relation in self._target.guarded:
            return False
        keys = (key for _, key in self._target.children.get(relation, ()))
        return all(key.parent_columns == table.primary_key and not key.period for key in keys)

    async def _is_free(self, connection: asyncpg.Connection, row: Any) -> bool:
        """Return whether no row but those of the range itself refers to one of the range."""
        for child, key in self._target.children.get(row["relation"], ()):
            if "select" in child.missing_rights:
                continue  # the database will tell
            condition = f"c.{quote_ident(key.columns[0])} BETWEEN $1 AND $2"
            if child.id == row["relation"]:
                condition += f" AND NOT c.{quote_ident(row['key_column'])} BETWEEN $1 AND $2"
            statement = f"SELECT EXISTS (SELECT FROM {quote_table(child.id)} c WHERE {condition})"
            if await connection.fetchval(statement, row["first"], row["last"], timeout=WIDE_TIMEOUT_S):
                return False
        return True

    async def _delete(self, connection: asyncpg.Connection, row: Any) -> int:
        gone = 0
        key = quote_ident(row["key_column"])
        statement = f"DELETE FROM {quote_table(row['relation'])} WHERE {key} BETWEEN $1 AND $2"
        for first in range(row["first"], row["last"] + 1, _TOGETHER):
            last = min(first + _TOGETHER - 1, row["last"])
            status = await connection.execute(statement, first, last, timeout=WIDE_TIMEOUT_S)
            gone += int(status.rpartition(" ")[2])
        await connection.execute(QUERIES["give_up_range"], row["relation"], row["first"])
        return gone
