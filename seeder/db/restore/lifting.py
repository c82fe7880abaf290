"""What stands in the way of a restore, taken away for its transaction and given back as it was.

Triggers and rules are switched off and on. A foreign key, or an index, is dropped and made again of its definition;
with a foreign key those that share a table with it and are younger too, so that the order in which they act stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import InternalError
from seeder.db.queries import QUERIES, quote_ident, quote_text
from seeder.db.restore.relations import read_foreign_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import asyncpg

    from seeder.db.restore.relations import ForeignKeyFacts, Relation, Standing


class Lifting:
    """What has been lifted on one connection, within its transaction."""

    def __init__(self, connection: asyncpg.Connection, oids: Collection[int]) -> None:
        self._connection = connection
        self._oids = list(oids)
        self._before: list[str] = []
        self._back: list[str] = []

    async def begin(self) -> None:
        """Remember how everything stands."""
        self._before = await self._read()

    async def unveil(self, relations: Iterable[Relation]) -> None:
        """Let the owner see the rows that row security hides from it."""
        for one in relations:
            if one.veiled:
                await self._connection.execute(f"ALTER TABLE ONLY {one.name} NO FORCE ROW LEVEL SECURITY")
                self._back.append(f"ALTER TABLE ONLY {one.name} FORCE ROW LEVEL SECURITY")

    async def silence(self, relations: Iterable[Relation]) -> None:
        """Switch off the triggers and rules of these relations."""
        oids = [one.oid for one in relations]
        rows = await self._connection.fetch(QUERIES["restore_switches"], oids)
        if rows:
            await self._connection.execute("; ".join(row["off"] for row in rows))
            self._back += [row["back"] for row in rows]

    async def drop_keys(self, keys: Sequence[ForeignKeyFacts]) -> Sequence[str]:
        """Drop foreign keys; return the statements that make them again, in the order to run them."""
        doomed = await self._with_younger(keys)
        for key in doomed:
            await self._connection.execute(f"ALTER TABLE {key.child} DROP CONSTRAINT {quote_ident(key.name)}")
        return [statement for key in doomed for statement in _make_key_again(key)]

    async def _with_younger(self, keys: Sequence[ForeignKeyFacts]) -> list[ForeignKeyFacts]:
        found = {key.oid: key for key in keys}
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            for other in await read_foreign_keys(self._connection, [key.child_oid, key.parent_oid]):
                if other.oid > key.oid and other.oid not in found:
                    found[other.oid] = other
                    waiting.append(other)
        return [found[oid] for oid in sorted(found)]

    async def drop_indexes(self, tables: Iterable[Standing]) -> Sequence[str]:
        """Drop the indexes that can be, keys among them; return the statements that make them again."""
        oids = [one.relation.oid for one in tables]
        again = []
        for row in await self._connection.fetch(QUERIES["restore_indexes"], oids):
            await self._connection.execute(row["drop"])
            again.append(row["make"])
            if row["comment"] is not None:
                again.append(f"COMMENT ON {row['what']} IS {quote_text(row['comment'])}")
        return again

    async def give_back(self) -> None:
        """Switch on what was switched off, and see that everything is as before.

        Raises:
            InternalError: it is not; then the transaction has to be given up.
        """
        if self._back:
            await self._connection.execute("; ".join(self._back))
        different = set(self._before) ^ set(await self._read())
        if different:
            raise InternalError(
                f"the restore would have changed more than rows: {'; '.join(sorted(different)[:5])}",
                hint="nothing has changed; please report this",
            )

    async def _read(self) -> list[str]:
        return [line for (line,) in await self._connection.fetch(QUERIES["restore_standing"], self._oids)]


def _make_key_again(key: ForeignKeyFacts) -> list[str]:
    name = quote_ident(key.name)
    statements = [f"ALTER TABLE {key.child} ADD CONSTRAINT {name} {key.definition}"]
    if key.comment is not None:
        statements.append(f"COMMENT ON CONSTRAINT {name} ON {key.child} IS {quote_text(key.comment)}")
    return statements
