"""Writing and removing rows statement by statement, where triggers and rules take part.

A trigger that looks for a row's parent finds it; what triggers write is found by comparing what the transaction has
done to each table with what was asked of it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.errors import RowRefused
from pytest_atdm.core.planner.order import batch_rows, order_removal
from seeder.db.cells import dump_json
from seeder.db.insertion import group_columns, insert_sql
from seeder.db.keys import PLACE, identify, key_sql, match_sql
from seeder.db.queries import QUERIES, quote_table, quote_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence

    import asyncpg

    from pytest_atdm.core.model import Cell, PlannedRow
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool

#: The id of its table, and its key as JSON text.
RowId: TypeAlias = tuple[str, str]

#: Tables of more rows are not searched for what a trigger changed: it would take longer than all the rest.
_MAX_SCANNED_ROWS: Final = 20_000

#: Rows that removing rows makes triggers write are removed too, and what that makes them write; so often.
_ROUNDS: Final = 4

#: Whether the row t was written by this transaction or a part of it. Only ids that are not older can be.
_MINE: Final = """CASE WHEN age(t.xmin) <= age(pg_current_xact_id()::xid) THEN 'in progress' = pg_xact_status(
    (pg_current_xact_id()::text::bigint / 4294967296 * 4294967296 + t.xmin::text::bigint)::text::xid8) END"""


@dataclass(frozen=True, slots=True)
class Held:
    """A row of the target: its key and body as JSON text; *name* is the planned row's, None where a trigger made it."""

    relation: str
    key: str
    body: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """How many rows a transaction has inserted, updated and deleted so far, by table id."""

    inserted: Mapping[str, int]
    updated: Mapping[str, int]
    deleted: Mapping[str, int]

    def since(self, before: Activity) -> Activity:
        """Return what came after *before*."""
        pairs = zip(self._counts, before._counts, strict=True)
        return Activity(*(Counter(now) - Counter(then) for now, then in pairs))

    @property
    def _counts(self) -> tuple[Mapping[str, int], ...]:
        return self.inserted, self.updated, self.deleted

    @property
    def tables(self) -> set[str]:
        """The ids of all tables that anything was done to."""
        return {*self.inserted, *self.updated, *self.deleted}


@dataclass(slots=True)
class Removal:
    """What is known to have gone: *rows* by table id and key, True where a trigger had changed the row before.

    *written* are rows that triggers wrote meanwhile, which were removed like the others.
    """

    rows: dict[RowId, bool] = field(default_factory=dict)
    written: set[RowId] = field(default_factory=set)

    def count_touched(self, table: str) -> int:
        """Return how many rows of *table*, but for those written meanwhile, a trigger had changed before they went."""
        return sum(was for row, was in self.rows.items() if row[0] == table and row not in self.written)


class RowDroppedError(Exception):
    """A trigger or rule made nothing of an insert. Never leaves ``seeder.db``."""

    def __init__(self, row: PlannedRow) -> None:
        super().__init__(row.name)
        self.row = row


class Steps:
    """Writes and removes rows of one target, within a transaction of the caller."""

    def __init__(self, pool: Pool, target: Target) -> None:
        self._pool = pool
        self._target = target

    @cached_property
    def _roots(self) -> Mapping[str, str]:
        """By table id, the id under which the schema knows the table: partitions go by the table they belong to."""
        tables = self._target.schema.tables
        parts = {part.id: table.id for table in tables.values() for part in table.partitions or ()}
        return {**parts, **{name: name for name in tables}}

    async def activity(self, connection: asyncpg.Connection) -> Activity:
        """Return what the transaction has done; what the backend has not reported yet of earlier ones is in it too."""
        counts: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
        for name, *numbers in await connection.fetch(QUERIES["activity"]):
            if name in self._roots:
                for count, number in zip(counts, numbers, strict=True):
                    count[self._roots[name]] += number
        return Activity(*counts)

    # -- writing

    async def insert(
        self,
        connection: asyncpg.Connection,
        rows: Sequence[PlannedRow],
        values: Mapping[str, Mapping[str, Cell]],
    ) -> list[Held]:
        """Insert *rows* (with *values*, by name) in their order and return them and the rows that triggers made.

        Raises:
            RowDroppedError: nothing came of an insert.
            asyncpg.PostgresError: a statement failed, or a constraint that waits for the end.
        """
        before = await self.activity(connection)
        held: list[Held] = []
        for batch in batch_rows(rows, self._target.schema):
            held += await self._insert_batch(connection, batch, values)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        made = await self._find_made(connection, before, held)
        held = await self._read_again(connection, held)
        return [*held, *made]

    async def _insert_batch(
        self, connection: asyncpg.Connection, batch: Sequence[PlannedRow], values: Mapping[str, Mapping[str, Cell]]
    ) -> list[Held]:
        returning = not any(self._has_rules(row.table) for row in batch)
        parts = [
            insert_sql(
                self._target.schema,
                group_columns(self._target.schema, row.table, *row.values, *row.keys),
                f"${number}",
                returning=returning,
            )
            for number, row in enumerate(batch, start=1)
        ]
        arguments = [dump_json([values[row.name]]) for row in batch]
        if not returning:
            return await self._insert_unseen(connection, batch, parts, arguments)
        if len(batch) == 1:
            found = await connection.fetch(
                f"WITH r1 AS ({parts[0]}) SELECT 1 AS n, key::text, body::text FROM r1", *arguments
            )
        else:
            inserts = ", ".join(f"r{number} AS ({part})" for number, part in enumerate(parts, start=1))
            rows = " UNION ALL ".join(f"SELECT {n}, key::text, body::text FROM r{n}" for n in range(1, len(batch) + 1))
            found = await connection.fetch(f"WITH {inserts} SELECT * FROM ({rows}) AS rows (n, key, body)", *arguments)
        by_number = {row["n"]: row for row in found}
        held = []
        for number, row in enumerate(batch, start=1):
            if number in by_number:
                held.append(Held(row.table, by_number[number]["key"], by_number[number]["body"], row.name))
            else:
                held.append(await self._find_diverted(connection, row))
        return held

    async def _insert_unseen(
        self,
        connection: asyncpg.Connection,
        batch: Sequence[PlannedRow],
        parts: Sequence[str],
        arguments: Sequence[str],
    ) -> list[Held]:
        """Insert where rules forbid RETURNING, and look for the rows afterwards."""
        held: list[Held] = []
        for row, part, argument in zip(batch, parts, arguments, strict=True):
            known = {one.key for one in await self._mine(connection, row.table)}
            await connection.execute(part.replace(f"${len(held) + 1}", "$1"), argument)
            new = [one for one in await self._mine(connection, row.table) if one.key not in known]
            if not new:
                raise RowDroppedError(row)
            held.append(Held(row.table, new[0].key, new[0].body, row.name))
        return held

    async def _find_diverted(self, connection: asyncpg.Connection, row: PlannedRow) -> Held:
        """Return the row that a trigger put into a table that inherits from the row's instead."""
        for table in self._target.schema.tables.values():
            if row.table in table.inherits:
                found = await self._mine(connection, table.id)
                if found:
                    return Held(table.id, found[-1].key, found[-1].body, row.name)
        raise RowDroppedError(row)

    def _has_rules(self, table: str) -> bool:
        return any(one.kind == "rule" and "insert" in one.events for one in self._target.schema.tables[table].triggers)

    # -- what triggers made

    async def find_made_by(
        self,
        connection: asyncpg.Connection,
        load: Callable[[asyncpg.Connection], Awaitable[None]],
        loaded: Mapping[str, int],
        held: Sequence[Held],
    ) -> list[Held]:
        """Call *load*, which inserts so many rows as *loaded* says, and return what triggers made beside them.

        Raises:
            RowRefused: they made rows of the same tables, which cannot be told from the loaded ones.
        """
        before = await self.activity(connection)
        await load(connection)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        done = (await self.activity(connection)).since(before)
        known = {(row.relation, row.key) for row in held}
        made: list[Held] = []
        for table, count in sorted(done.inserted.items()):
            if table in loaded and count > loaded[table]:
                raise RowRefused(
                    f"{table}: a trigger makes rows of this table, which cannot be told from those of a volume",
                    hint="ask for at most 1,000 rows of the entity whose trigger it is",
                )
            if table not in loaded:
                made += [row for row in await self._new(connection, table) if (row.relation, row.key) not in known]
        return made

    async def _find_made(self, connection: asyncpg.Connection, before: Activity, held: Sequence[Held]) -> list[Held]:
        """Return the rows that stand there beyond *held* by this transaction's doing."""
        done = (await self.activity(connection)).since(before)
        asked = Counter(row.relation for row in held)
        known = {(row.relation, row.key) for row in held}
        made = []
        for table in sorted(done.tables):
            keyless = identify(self._target.schema.tables[table]) == PLACE
            if done.inserted.get(table, 0) > asked[table] or (keyless and table in asked):
                made += [row for row in await self._new(connection, table) if (row.relation, row.key) not in known]
        return made

    async def _new(self, connection: asyncpg.Connection, table: str) -> list[Held]:
        """Return the rows of *table* that this transaction has inserted, not those that it has only changed."""
        mine = await self._mine(connection, table)
        if not mine or identify(self._target.schema.tables[table]) == PLACE:
            return mine
        old = await self._known_outside(table, [row.key for row in mine])
        return [row for row in mine if row.key not in old]

    async def _known_outside(self, table: str, keys: Sequence[str]) -> set[str]:
        """Return those of *keys* that other transactions see: rows that stood there before."""
        shape = self._target.schema.tables[table]
        statement = (
            f"SELECT k.key::text FROM unnest($1::jsonb[]) AS k (key)"
            f" WHERE EXISTS (SELECT FROM {source_sql(self._target, table)} t WHERE {match_sql(shape, 't', 'k.key')})"
        )
        return {row["key"] for row in await self._pool.beside.fetch(statement, list(keys))}

    async def _mine(self, connection: asyncpg.Connection, table: str) -> list[Held]:
        shape = self._target.schema.tables[table]
        if "select" in shape.missing_rights:
            return []
        rows = await connection.fetch(
            f"SELECT {key_sql(shape, 't')}::text AS key, row_to_json(t.*)::text AS body"
            f" FROM {source_sql(self._target, table)} t WHERE {_MINE} ORDER BY t.ctid"
        )
        return [Held(table, row["key"], row["body"]) for row in rows]

    async def _read_again(self, connection: asyncpg.Connection, held: Sequence[Held]) -> list[Held]:
        """Return *held* as the rows are now: a later trigger may have changed them. Rows without a key as they were."""
        bodies: dict[tuple[str, str], str] = {}
        keys: dict[str, list[str]] = defaultdict(list)
        for row in held:
            if identify(self._target.schema.tables[row.relation]) != PLACE:
                keys[row.relation].append(row.key)
        for table, wanted in keys.items():
            shape = self._target.schema.tables[table]
            if "select" in shape.missing_rights:
                continue
            found = await connection.fetch(
                f"SELECT k.key, row_to_json(t.*)::text AS body FROM unnest($1::text[]) AS k (key)"
                f" JOIN {source_sql(self._target, table)} t ON {match_sql(shape, 't', 'k.key::jsonb')}",
                wanted,
            )
            bodies |= {(table, row["key"]): row["body"] for row in found}
        return [Held(one.relation, one.key, bodies.get((one.relation, one.key), one.body), one.name) for one in held]

    # -- removing

    async def find_standing(self, connection: asyncpg.Connection, rows: Iterable[RowId]) -> frozenset[RowId]:
        """Return those of *rows* that stand there."""
        keys: dict[str, list[str]] = defaultdict(list)
        for relation, key in rows:
            keys[relation].append(key)
        parts = [
            f"SELECT {quote_text(table)} AS relation, k.key FROM unnest(${number}::text[]) AS k (key)"
            f" WHERE EXISTS (SELECT FROM {source_sql(self._target, table)} t WHERE {self._is_row(table, 'k.key')})"
            for number, table in enumerate(keys, start=1)
        ]
        found = await connection.fetch(" UNION ALL ".join(parts), *keys.values()) if parts else ()
        return frozenset((row["relation"], row["key"]) for row in found)

    async def count_mine(self, connection: asyncpg.Connection, table: str) -> int | None:
        """Return how many rows of *table* stand as this transaction wrote them; None where it is too large to look."""
        if not await connection.fetch(QUERIES["small_tables"], [table], _MAX_SCANNED_ROWS):
            return None
        source = source_sql(self._target, table)
        count: int = await connection.fetchval(f"SELECT count(*) FROM {source} t WHERE {_MINE}")
        return count

    async def remove(self, connection: asyncpg.Connection, rows: Sequence[RowId]) -> Removal:
        """Remove *rows* (in the order of their making), and what that makes triggers write.

        Children go first, then what was made last. Where a rule forbids to ask, rows may have gone that are not known.

        Raises:
            asyncpg.PostgresError: a constraint or trigger refused.
        """
        keys: dict[str, list[str]] = defaultdict(list)
        for relation, key in reversed(rows):
            keys[relation].append(key)
        removal = Removal()
        await self._remove(connection, keys, await self.activity(connection), removal, _ROUNDS)
        return removal

    async def _remove(
        self,
        connection: asyncpg.Connection,
        keys: Mapping[str, list[str]],
        before: Activity,
        removal: Removal,
        rounds: int,
    ) -> None:
        """Remove rows table by table; what a table's triggers write goes before the next, which it may refer to."""
        for together in order_removal(list(keys), self._target.schema):
            removal.rows |= await self._delete(connection, together, keys)
            if rounds and not self._target.guarded.isdisjoint(together):
                await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                written = await self._find_written(connection, before, {*removal.written, *_pairs(keys)})
                if written:
                    removal.written |= set(_pairs(written))
                    await self._remove(connection, written, before, removal, rounds - 1)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    async def _find_written(
        self, connection: asyncpg.Connection, before: Activity, known: Container[RowId]
    ) -> dict[str, list[str]]:
        """Return the keys, by table, of rows that were inserted since *before* and are not *known*."""
        done = (await self.activity(connection)).since(before)
        found: dict[str, list[str]] = {}
        for table in sorted(done.inserted):
            new = [row.key for row in await self._new(connection, table) if (table, row.key) not in known]
            if new:
                found[table] = new
        return found

    async def _delete(
        self, connection: asyncpg.Connection, tables: Sequence[str], keys: Mapping[str, list[str]]
    ) -> dict[RowId, bool]:
        ruled = [table for table in tables if self._rules_deletion(table)]
        for table in ruled:  # a rule may forbid RETURNING
            await connection.execute(self._delete_sql(table, 1), keys[table])
        plain = [table for table in tables if table not in ruled]
        if not plain:
            return {}
        parts = [
            f"x{number} AS ({self._delete_sql(table, number)}"
            f" RETURNING {quote_text(table)} AS relation, d.key, coalesce({_MINE}, false) AS touched)"
            for number, table in enumerate(plain, start=1)
        ]
        gone = " UNION ALL ".join(f"SELECT * FROM x{number}" for number in range(1, len(plain) + 1))
        rows = await connection.fetch(f"WITH {', '.join(parts)} {gone}", *(keys[table] for table in plain))
        return {(row["relation"], row["key"]): row["touched"] for row in rows}

    def _delete_sql(self, table: str, number: int) -> str:
        source = source_sql(self._target, table)
        return f"DELETE FROM {source} t USING unnest(${number}::text[]) AS d (key) WHERE {self._is_row(table, 'd.key')}"

    def _is_row(self, table: str, key: str) -> str:
        return match_sql(self._target.schema.tables[table], "t", f"{key}::jsonb")

    def _rules_deletion(self, table: str) -> bool:
        return any(one.kind == "rule" and "delete" in one.events for one in self._target.schema.tables[table].triggers)


def source_sql(target: Target, table: str) -> str:
    """Return the SQL name of *table*, with ONLY where others inherit from it."""
    return f"{'ONLY ' if table in target.heirs else ''}{quote_table(table)}"


def _pairs(keys: Mapping[str, list[str]]) -> Iterator[RowId]:
    return ((table, key) for table, found in keys.items() for key in found)


def read_key(key: str) -> dict[str, Cell]:
    """Return a row's key as cells."""
    found: dict[str, Cell] = json.loads(key)
    return found
