"""The tables of a restore as the catalog of Postgres has them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from seeder.db.queries import QUERIES, quote_ident
from seeder.db.restore.wanted import Split
from seeder.db.row_hash import row_hash_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import asyncpg

    from seeder.db.restore.wanted import DividedRows, WantedRows

_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, or a partition, which counts as one. *name* is as SQL takes it; *root* the id of what it is a part of.

    *types* has the stored columns with their types, *key* those of the primary key; *fixed* are GENERATED ALWAYS AS
    IDENTITY. *veiled*: row security hides rows from this session. *simple*: no part of another, nor its heir.
    """

    id: str
    oid: int
    name: str
    root: str
    simple: bool
    is_mine: bool
    owner: str
    veiled: bool
    types: Mapping[str, str]
    fixed: Sequence[str]
    key: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyFacts:
    """A foreign key, or the part of one that is between the relations *at_child* and *at_parent*, whose are *columns*.

    *child_oids* hold the rows that refer. *acts*: it does, or refuses, something at once where a row goes; without
    *is_indexed* each such row takes a scan. The rest is of the key as it was made: *child* as SQL takes it. *simple*:
    it can be made again without a trace.
    """

    oid: int
    name: str
    child_oid: int
    parent_oid: int
    at_child: int
    at_parent: int
    child_oids: Sequence[int]
    columns: Sequence[str]
    acts: bool
    is_indexed: bool
    simple: bool
    child: str
    is_mine: bool
    owner: str
    definition: str
    comment: str | None


@dataclass(kw_only=True)
class Standing:
    """One table of a restore: what of it is to be where, and what was found to differ.

    *number* tells its temporary tables. *divided*, while it is compared: the hashes that its rows should have, if these
    are known. *surplus* rows of it are not in the
    baseline, *missing* rows of the baseline not in it; *matched* of both have the same key, and *clashing* too, but
    these cannot be updated. *total*: all rows that it has. *places*: where the missing rows are in the file, None for
    all. *has_unique_rows*: of the rows that may differ no two of it are equal, nor of the file. *is_loaded*: the
    missing rows are in their temporary table.
    """

    number: int
    wanted: WantedRows
    relation: Relation
    divided: DividedRows | None = field(default=None, repr=False)
    total: int = 0
    surplus: int = 0
    missing: int = 0
    matched: int = 0
    clashing: int = 0
    places: Sequence[int] | None = field(default=None, repr=False)
    has_unique_rows: bool = False
    is_loaded: bool = False

    @property
    def id(self) -> str:
        """The table's id."""
        return self.relation.id

    @property
    def source(self) -> str:
        """The table as SQL takes it, without its heirs."""
        return f"ONLY {self.relation.name}"

    @property
    def fixed(self) -> frozenset[str]:
        """The columns that an update leaves alone."""
        return frozenset((*self.relation.fixed, *self.relation.key))

    @property
    def can_match(self) -> bool:
        """Whether it has a primary key, of stored columns, by which rows are told."""
        return bool(self.relation.key) and self.wanted.types.keys() >= set(self.relation.key)

    @property
    def split(self) -> Split:
        """How its rows fall into blocks."""
        return self.divided.split if self.divided else Split()

    @property
    def integer_key(self) -> str | None:
        """The primary key where it is one column of integers, as told by its type's name."""
        key = self.relation.key
        return key[0] if len(key) == 1 and self.wanted.types.get(key[0]) in _INTEGERS else None

    @property
    def differs(self) -> bool:
        """Whether there is something to do."""
        return bool(self.surplus or self.missing)

    @property
    def columns(self) -> tuple[str, ...]:
        """The stored columns."""
        return tuple(self.wanted.types)

    @property
    def columns_sql(self) -> str:
        """The stored columns, as SQL takes them."""
        return ", ".join(map(quote_ident, self.wanted.types))

    @property
    def hash_sql(self) -> str:
        """The hash of a row. A function that is volatile keeps the planner from writing it, and computing it, twice."""
        return f"CASE WHEN pg_catalog.pg_is_in_recovery() IS NOT NULL THEN {row_hash_sql(self.wanted.types)} END"

    def temporary(self, word: str) -> str:
        """Return the name of its temporary table for *word*, as SQL takes it."""
        return f"pg_temp.{self.temporary_name(word)}"

    def temporary_name(self, word: str) -> str:
        """Return the name of its temporary table for *word*."""
        return f"atdm_{word}_{self.number}"


async def read_relations(
    connection: asyncpg.Connection, tables: Collection[str], *, whole: bool
) -> dict[str, Relation]:
    """Return by id those of *tables* that there are; with *whole* all others too."""
    rows = await connection.fetch(QUERIES["restore_relations"], list(tables), whole)
    return {row["id"]: Relation(**{**row, "types": json.loads(row["types"])}) for row in rows}


async def read_foreign_keys(connection: asyncpg.Connection, oids: Collection[int]) -> list[ForeignKeyFacts]:
    """Return the foreign keys from and to the relations, oldest first."""
    return [ForeignKeyFacts(**row) for row in await connection.fetch(QUERIES["restore_keys"], list(oids))]


def list_standings(tables: Sequence[WantedRows], relations: Mapping[str, Relation]) -> list[Standing]:
    """Return each of *tables* with its relation, by table id."""
    ordered = sorted(tables, key=lambda rows: rows.table)
    return [Standing(number=number, wanted=rows, relation=relations[rows.table]) for number, rows in enumerate(ordered)]
