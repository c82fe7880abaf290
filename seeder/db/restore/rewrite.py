"""The rows of several tables changed to those of the baseline.

One statement does it, so that foreign keys are checked when all rows are there: it deletes, then updates, then inserts.
Where rows only lack, and no keys go in a cycle, they are inserted as they come from the file, table after table. Where
much of a table changes, its rows are exchanged in bulk before, without its foreign keys and indexes.
"""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, Final

import asyncpg

from seeder.db.queries import quote_ident
from seeder.db.restore.check import check_ownership
from seeder.db.restore.compare import copy_rows, load_missing
from seeder.db.restore.relations import read_foreign_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seeder.db.restore.lifting import Lifting
    from seeder.db.restore.relations import ForeignKeyFacts, Standing
    from seeder.db.restore.wanted import Progress

#: From so many changed rows on, and such a part of all, indexes and foreign keys are made anew.
BULK_ROWS: Final = 2_000
BULK_PART: Final = 0.2
#: Rows that may go where each costs a scan of a table that refers to them.
SCANNED_ROWS: Final = 10
#: Two rows have had each other's value, or a place that another one leaves: then no row is updated.
_IN_THE_WAY: Final = (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)


class Rewrite:
    """The changes to *changed*, whose triggers and rules are off. *known* are the ids of all tables of the baseline."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        lifting: Lifting,
        changed: Sequence[Standing],
        known: frozenset[int],
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._lifting = lifting
        self._changed = changed
        self._known = known
        self._progress = progress

    async def run(self, role: str) -> None:
        """Change the rows.

        Raises:
            SettingError: a foreign key would have to be dropped that is not *role*'s.
            asyncpg.PostgresError: as Postgres refuses them.
        """
        oids = [one.relation.oid for one in self._changed]
        keys = await read_foreign_keys(self._connection, oids)
        bulk = [one for one in self._changed if self._goes_in_bulk(one, keys)]
        if not bulk and (ordered := order_inserts(self._changed, keys)):
            for one in ordered:
                await self._insert(one, is_new=False)
            await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            return
        for one in self._changed:
            if one not in bulk or one.surplus:
                await load_missing(self._connection, one, self._progress)
        try:
            await self._attempt(role, keys, bulk, updates=True)
        except _IN_THE_WAY:
            if not any(one.matched for one in self._changed if one not in bulk):
                raise
            await self._attempt(role, keys, bulk, updates=False)

    async def _attempt(
        self, role: str, keys: Sequence[ForeignKeyFacts], bulk: Sequence[Standing], *, updates: bool
    ) -> None:
        few = [one for one in self._changed if one not in bulk]
        doomed = self._list_doomed(keys, bulk, few, updates=updates)
        check_ownership(role, ((f'the table {key.child} of "{key.name}"', key.owner, key.is_mine) for key in doomed))
        async with self._connection.transaction():
            again = [*await self._lifting.drop_keys(doomed)]
            again = [*await self._lifting.drop_indexes(bulk), *again]
            for one in bulk:
                await self._exchange(one)
            if few:
                await self._connection.execute(change_sql(few, updates=updates))
            await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for number, statement in enumerate(again):
                self._progress("", "constraints", number, len(again))
                await self._connection.execute(statement)

    def _goes_in_bulk(self, one: Standing, keys: Sequence[ForeignKeyFacts]) -> bool:
        """Return whether much of it changes, and what hangs on it can be made again without a trace."""
        most, all_rows = max(one.surplus, one.missing), max(one.total, one.wanted.rows)
        oid = one.relation.oid
        return (
            one.relation.simple
            and most > BULK_ROWS
            and most > BULK_PART * all_rows
            and all(key.simple for key in keys if oid in (key.at_child, key.at_parent))
        )

    def _list_doomed(
        self, keys: Sequence[ForeignKeyFacts], bulk: Sequence[Standing], few: Sequence[Standing], *, updates: bool
    ) -> list[ForeignKeyFacts]:
        """Return the keys to be dropped: those of tables in bulk, and those that are in the way."""
        oids = {one.relation.oid for one in bulk}
        parents = {one.relation.oid: one for one in few}
        doomed = {
            key.oid: key
            for key in keys
            if not oids.isdisjoint((key.at_child, key.at_parent))
            or (key.at_parent in parents and self._is_in_the_way(key, parents[key.at_parent], updates=updates))
        }
        return list(doomed.values())

    def _is_in_the_way(self, key: ForeignKeyFacts, parent: Standing, *, updates: bool) -> bool:
        """Return whether *key* would act on rows that are to stay, or look through a table for each row that goes."""
        is_slow = key.simple and not key.is_indexed and parent.surplus - parent.matched > SCANNED_ROWS
        return is_slow or (key.acts and self._may_hit(key, parent, updates=updates))

    def _may_hit(self, key: ForeignKeyFacts, parent: Standing, *, updates: bool) -> bool:
        """Return whether a row that refers by *key* may stand while the one that it refers to is another for a moment.

        Rows of tables that are not in the baseline always may.
        """
        if not parent.surplus:
            return False
        if not parent.can_match or set(key.columns) != set(parent.relation.key) or (parent.matched and not updates):
            return True
        goes = parent.surplus > parent.matched and not self._known.issuperset(key.child_oids)
        return bool(goes or parent.clashing)

    async def _exchange(self, one: Standing) -> None:
        """Delete what is surplus of a table and insert what is missing."""
        self._progress(one.id, "apply", 0, one.surplus + one.missing)
        is_new = one.surplus == one.total
        if is_new:
            await self._connection.execute(f"TRUNCATE ONLY {one.relation.name}")
        elif one.surplus:
            await self._connection.execute(
                f"DELETE FROM {one.source} t USING {one.temporary('surplus')} s WHERE t.ctid = s.place"
            )
        await self._insert(one, is_new=is_new)
        self._progress(one.id, "apply", one.surplus + one.missing, one.surplus + one.missing)

    async def _insert(self, one: Standing, *, is_new: bool) -> None:
        """Insert what is missing of a table, which is *is_new*: see ``copy_rows``."""
        if one.is_loaded:
            into = f" ({one.columns_sql})" if one.columns else ""
            await self._connection.execute(
                f"INSERT INTO {one.relation.name}{into} OVERRIDING SYSTEM VALUE"
                f" SELECT {one.columns_sql} FROM {one.temporary('missing')}"
            )
        elif one.missing:
            schema, _, name = one.id.partition(".")
            await copy_rows(self._connection, one, name, schema, one.places, self._progress, is_new=is_new)


def order_inserts(tables: Sequence[Standing], keys: Iterable[ForeignKeyFacts]) -> list[Standing]:
    """Return the tables in an order in which their rows can be inserted, one after the other.

    Empty where there is none, or where a row goes or changes too.
    """
    by_oid = {one.relation.oid: one for one in tables}
    sorter = graphlib.TopologicalSorter({oid: set[int]() for oid in by_oid})
    for key in keys:
        if key.at_child != key.at_parent and key.at_child in by_oid and key.at_parent in by_oid:
            sorter.add(key.at_child, key.at_parent)
    try:
        order = list(sorter.static_order())
    except graphlib.CycleError:
        return []
    return [] if any(one.surplus for one in tables) else [by_oid[oid] for oid in order]


def change_sql(tables: Sequence[Standing], *, updates: bool) -> str:
    """Return the statement that deletes, updates and inserts what differs in *tables*.

    Each step of a table begins when the one before has ended: it asks for its count.
    """
    steps = [step for one in tables for step in _steps_sql(one, updates=updates)]
    return f"WITH {', '.join(steps)} SELECT 1"


def _steps_sql(one: Standing, *, updates: bool) -> Iterator[str]:
    stays = "s.fits IS TRUE" if updates else "false"
    surplus, missing = one.temporary("surplus"), one.temporary("missing")
    before = ""
    if one.surplus:
        yield (
            f"d{one.number} AS (DELETE FROM {one.source} t USING {surplus} s"
            f" WHERE t.ctid = s.place AND NOT ({stays}) RETURNING 1)"
        )
        before = f" AND (SELECT count(*) FROM d{one.number}) >= 0"
    if updates and one.matched and (sets := _sets_sql(one)):
        yield (
            f"u{one.number} AS (UPDATE {one.source} t SET {sets} FROM {surplus} s JOIN {missing} m ON m.ctid = s.twin"
            f" WHERE t.ctid = s.place AND {stays}{before} RETURNING 1)"
        )
        before += f" AND (SELECT count(*) FROM u{one.number}) >= 0"
    if one.missing:
        into = f" ({one.columns_sql})" if one.columns else ""
        twin = f"SELECT FROM {surplus} s WHERE s.twin = m.ctid AND {stays}"
        known = f" AND NOT EXISTS ({twin})" if updates and one.matched else ""
        yield (
            f"i{one.number} AS (INSERT INTO {one.relation.name}{into} OVERRIDING SYSTEM VALUE"
            f" SELECT {one.columns_sql} FROM {missing} m WHERE true{known}{before} RETURNING 1)"
        )


def _sets_sql(one: Standing) -> str:
    names = [quote_ident(name) for name in one.columns if name not in one.fixed]
    return ", ".join(f"{name} = m.{name}" for name in names)
