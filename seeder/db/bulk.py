"""Removing the rows of volumes table by table, where nothing else refers to them: by ranges of keys, or the ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.planner import MAX_LISTED
from pytest_atdm.core.planner.order import order_removal
from seeder.db.closure import is_hidden, is_lockable
from seeder.db.keys import cell_sql, identify, match_sql
from seeder.db.queries import QUERIES, quote_ident, quote_table, quote_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from pytest_atdm.core.schema import ForeignKey, Table
    from seeder.db.introspect import Target

#: So many keys go with one statement.
_TOGETHER: Final = 50_000
#: How long a statement may take that removes rows of volumes: where a foreign key has no index, each row takes a scan.
WIDE_TIMEOUT_S: Final = 900


class BulkRemoval:
    """Removes rows of one target, within a transaction of the caller; what it leaves, the walk by keys removes."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def remove(
        self, connection: asyncpg.Connection, request_ids: Sequence[str], token_hash: bytes | None
    ) -> list[dict[str, object]]:
        """Remove what the requests that are live and have the token wrote into the tables of their volumes.

        Children go first. The transaction's statements have ``WIDE_TIMEOUT_S`` from here on. Returns how many rows
        went, by relation and request_id, as rows of ``counts``.

        Raises:
            asyncpg.PostgresError: a row refers to one of them, which did not a moment ago.
        """
        await connection.execute(f"SET LOCAL statement_timeout = '{WIDE_TIMEOUT_S}s'")
        live = [
            row["request_id"] for row in await connection.fetch(QUERIES["lock_live"], list(request_ids), token_hash)
        ]
        found = await connection.fetch(QUERIES["bulk_relations"], live, MAX_LISTED)
        simple = [row["relation"] for row in found if self._is_simple(row["relation"])]
        removed: Counter[tuple[str, str]] = Counter()
        for together in order_removal(simple, self._target.schema):
            for relation in together:
                removed += await self._remove_ranges(connection, relation, live)
                removed += await self._remove_singles(connection, relation, live)
        return [
            {"relation": relation, "request_id": request_id, "seeded": True, "rows": rows}
            for (relation, request_id), rows in removed.items()
        ]

    def _is_simple(self, relation: str) -> bool:
        """Return whether rows of *relation* go without triggers, and are referred to by what tells them alone."""
        table = self._target.schema.tables.get(relation)
        if table is None or table.row_security or relation in self._target.guarded | self._target.heirs:
            return False
        keys = (key for _, key in self._target.children.get(relation, ()))
        is_told = all(key.parent_columns == identify(table) and not key.period for key in keys)
        return is_told and not self._is_blind(table)

    def _is_blind(self, table: Table) -> bool:
        """Return whether a foreign key that acts may hit rows that nobody sees, or that come while nobody looks."""
        children = [child for child, key in self._target.children.get(table.id, ()) if key.acts]
        return any(is_hidden(child) for child in children) or bool(children and not is_lockable(table))

    async def _lock(self, connection: asyncpg.Connection, relation: str, rows: str, *arguments: object) -> None:
        """Lock *rows*, the SQL from FROM on, where foreign keys act: nobody comes to refer to them from then on."""
        if any(key.acts for _, key in self._target.children.get(relation, ())):
            statement = f"SELECT count(*) FROM (SELECT {rows} FOR UPDATE OF t) l"
            await connection.fetchval(statement, *arguments, timeout=WIDE_TIMEOUT_S)

    # -- rows whose keys are ranges

    async def _remove_ranges(
        self, connection: asyncpg.Connection, relation: str, live: Sequence[str]
    ) -> Counter[tuple[str, str]]:
        removed: Counter[tuple[str, str]] = Counter()
        for row in await connection.fetch(QUERIES["ranges_of"], relation, live):
            within = f"FROM {quote_table(relation)} t WHERE t.{quote_ident(row['key_column'])} BETWEEN $1 AND $2"
            await self._lock(connection, relation, within, row["first"], row["last"])
            if await self._is_range_free(connection, row):
                removed[relation, row["request_id"]] += await self._delete_range(connection, row)
        return removed

    async def _is_range_free(self, connection: asyncpg.Connection, row: Any) -> bool:
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

    async def _delete_range(self, connection: asyncpg.Connection, row: Any) -> int:
        gone = 0
        key = quote_ident(row["key_column"])
        statement = f"DELETE FROM {quote_table(row['relation'])} WHERE {key} BETWEEN $1 AND $2"
        for first in range(row["first"], row["last"] + 1, _TOGETHER):
            last = min(first + _TOGETHER - 1, row["last"])
            status = await connection.execute(statement, first, last, timeout=WIDE_TIMEOUT_S)
            gone += int(status.rpartition(" ")[2])
        await connection.execute(QUERIES["give_up_range"], row["relation"], row["first"])
        return gone

    # -- rows that stand in the ledger one by one

    async def _remove_singles(
        self, connection: asyncpg.Connection, relation: str, live: Sequence[str]
    ) -> Counter[tuple[str, str]]:
        table = self._target.schema.tables[relation]
        entered = (
            f"FROM atdm.ledger l JOIN {quote_table(relation)} t ON {match_sql(table, 't', 'l.key')}"
            " WHERE l.relation = $1 AND l.request_id = ANY ($2::text[])"
        )
        await self._lock(connection, relation, entered, relation, live)
        for child, key in self._target.children.get(relation, ()):
            if await self._is_referred_to(connection, table, child, key, live):
                return Counter()
        rows = await connection.fetch(
            f"""WITH gone AS (
                DELETE FROM {quote_table(relation)} t USING atdm.ledger l
                WHERE l.relation = $1 AND l.request_id = ANY ($2::text[]) AND {match_sql(table, "t", "l.key")}
                RETURNING l.request_id
            ), emptied AS (DELETE FROM atdm.ledger WHERE relation = $1 AND request_id = ANY ($2::text[]))
            SELECT request_id, count(*) AS rows FROM gone GROUP BY 1""",
            relation,
            live,
            timeout=WIDE_TIMEOUT_S,
        )
        return Counter({(relation, row["request_id"]): row["rows"] for row in rows})

    async def _is_referred_to(
        self, connection: asyncpg.Connection, table: Table, child: Table, key: ForeignKey, live: Sequence[str]
    ) -> bool:
        """Return whether a row of *child* refers by *key* to a row of the ledger; rows that go with it do not count."""
        if "select" in child.missing_rights:
            return False  # the database will tell
        pairs = zip(key.columns, key.parent_columns, strict=True)
        refers = " AND ".join(f"c.{quote_ident(own)} = {cell_sql(table, other, 'l.key')}" for own, other in pairs)
        itself = (
            f" AND NOT EXISTS (SELECT FROM atdm.ledger o WHERE o.relation = {quote_text(table.id)}"
            f" AND o.request_id = ANY ($2::text[]) AND {match_sql(table, 'c', 'o.key')})"
            if child.id == table.id
            else ""
        )
        # One pass over either side: a loop would scan the child for each row where its foreign key has no index.
        await connection.execute("SET LOCAL enable_nestloop = off")
        found: bool = await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM atdm.ledger l JOIN {quote_table(child.id)} c ON {refers}"
            f" WHERE l.relation = $1 AND l.request_id = ANY ($2::text[]){itself})",
            table.id,
            live,
            timeout=WIDE_TIMEOUT_S,
        )
        await connection.execute("SET LOCAL enable_nestloop = on")
        return found
