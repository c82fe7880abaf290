"""The target database's shape, read in one round trip."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.schema import (
    ON_DELETE_ACTIONS,
    Attribute,
    Check,
    Column,
    Domain,
    Exclusion,
    ForeignKey,
    Partition,
    Schema,
    Table,
    Trigger,
    Unique,
)
from seeder.db.border import translated
from seeder.db.queries import INTROSPECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import asyncpg

    from pytest_atdm.core.schema import Right
    from pytest_atdm.core.virtual_keys import VirtualKey
    from seeder.db.pool import Pool

#: What is told of each table, row by row.
_KINDS: Final = ("columns", "keys", "exclusions", "foreign_keys", "checks", "partitions", "inherits")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The schema, and what only the database side needs to know of it.

    *one_by_one*: sequences that hand out each number in turn, with the number they start at; where they stand tells
    exactly which rows are there already. *references*: by table id, what the catalog says of references that are no
    foreign keys.
    """

    schema: Schema
    one_by_one: Mapping[str, int]
    references: Mapping[str, tuple[VirtualKey, ...]] = field(default_factory=dict)

    @cached_property
    def children(self) -> Mapping[str, tuple[tuple[Table, ForeignKey], ...]]:
        """For each table id, what refers to it, with the tables that hold it: foreign keys, and *references*."""
        found = dict(self.schema.children)
        for id, keys in self.references.items():
            for key in keys:
                found[key.parent] += ((self.schema.tables[id], key),)
        return found

    @cached_property
    def serial_keys(self) -> Mapping[str, Column]:
        """By table id, the key column of every table whose primary key is one column fed by a sequence."""
        found = {}
        for table in self.schema.tables.values():
            is_readable = "select" not in table.missing_rights
            if is_readable and len(table.primary_key) == 1 and table.column_by_name[table.primary_key[0]].sequence:
                found[table.id] = table.column_by_name[table.primary_key[0]]
        return found

    @cached_property
    def triggered(self) -> frozenset[str]:
        """Tables where an insert calls triggers or rules, which may look for other rows, and write some."""
        return self._tables_with("insert")

    @cached_property
    def guarded(self) -> frozenset[str]:
        """Tables where a deletion calls triggers or rules, which may refuse it, or write rows."""
        return self._tables_with("delete")

    def _tables_with(self, event: str) -> frozenset[str]:
        tables = self.schema.tables.values()
        return frozenset(table.id for table in tables if any(event in one.events for one in table.triggers))

    @cached_property
    def heirs(self) -> frozenset[str]:
        """Tables that others inherit from: what is said of their own rows must say ONLY."""
        return frozenset(parent for table in self.schema.tables.values() for parent in table.inherits)


async def read_target(pool: Pool | asyncpg.Connection) -> Target:
    """Introspect every table that is neither the system's nor ATDM's own.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
    """
    with translated("reading the target's schema"):
        row = await pool.fetchrow(INTROSPECT)
    facts = {name: json.loads(text) if text else [] for name, text in row.items()}
    return Target(
        schema=_build_schema(facts),
        one_by_one=dict(facts["one_by_one"]),
    )


def _build_schema(facts: Mapping[str, list[Any]]) -> Schema:
    parts = _Parts(facts)
    return Schema(
        tables={row[1]: parts.table(*row) for row in facts["tables"]},
        enums={name: tuple(labels or ()) for name, labels in facts["enums"]},
        domains=parts.domains,
        composites={
            name: tuple(Attribute(name=attribute, type=kind) for attribute, kind in attributes or ())
            for name, attributes in facts["composites"]
        },
        ranges=dict(facts["ranges"]),
        search_path=tuple(facts["search_path"]),
    )


class _Parts:
    """The facts by the oid of the table that they belong to."""

    def __init__(self, facts: Mapping[str, list[Any]]) -> None:
        self.ids: dict[int, str] = {oid: name for oid, name, *_ in facts["tables"]}
        self.domains = {row[0]: _build_domain(row) for row in facts["domains"]}
        self._by_kind = {kind: _group(facts[kind]) for kind in _KINDS}
        self._by_kind["triggers"] = _group([*facts["triggers"], *facts["rules"]])
        self._partitioned = set(facts["partitioned"])
        self._names = {
            oid: {number: name for number, name, *_ in rows} for oid, rows in self._by_kind["columns"].items()
        }

    def table(self, oid: int, id: str, row_security: bool, missing_rights: list[Right]) -> Table:  # noqa: FBT001 - a row
        """Return the table of one row of the facts."""
        primary, uniques = self._keys(oid)
        partitions = tuple(Partition(id=name, bounds=text or "") for name, text in self._of("partitions", oid))
        return Table(
            id=id,
            columns=tuple(_build_column(row, self.domains) for row in self._of("columns", oid)),
            primary_key=primary,
            uniques=uniques,
            exclusions=tuple(
                Exclusion(name=name, columns=self._columns(oid, numbers or ()), definition=text, predicate=predicate)
                for name, numbers, text, predicate in self._of("exclusions", oid)
            ),
            foreign_keys=tuple(self._foreign_keys(oid)),
            checks=tuple(
                Check(name=name, expression=text, columns=self._columns(oid, numbers or ()))
                for name, text, numbers in self._of("checks", oid)
            ),
            triggers=tuple(_build_trigger(row) for row in self._of("triggers", oid)),
            partitions=partitions if oid in self._partitioned else None,
            inherits=tuple(self.ids[parent] for (parent,) in self._of("inherits", oid) if parent in self.ids),
            row_security=row_security,
            missing_rights=tuple(missing_rights),
        )

    def _of(self, kind: str, oid: int) -> list[list[Any]]:
        return self._by_kind[kind].get(oid, [])

    def _columns(self, oid: int, numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._names[oid][number] for number in numbers)

    def _keys(self, oid: int) -> tuple[tuple[str, ...], tuple[Unique, ...]]:
        primary: tuple[str, ...] = ()
        uniques = []
        for name, is_primary, nulls_distinct, numbers in self._of("keys", oid):
            columns = self._columns(oid, numbers)
            if is_primary:
                primary = columns
            else:
                uniques.append(Unique(name=name, columns=columns, nulls_distinct=nulls_distinct))
        return primary, tuple(uniques)

    def _foreign_keys(self, oid: int) -> Iterable[ForeignKey]:
        """Return the keys of the table; of those that say the same the first, or the first that acts on its own."""
        found: dict[tuple[object, ...], ForeignKey] = {}
        for name, columns, parent, parent_columns, on_delete, match, deferrable, period in self._of(
            "foreign_keys", oid
        ):
            what = (tuple(columns), parent, tuple(parent_columns))
            if parent not in self.ids or (what in found and (found[what].acts or on_delete not in ON_DELETE_ACTIONS)):
                continue
            found[what] = ForeignKey(
                name=name,
                columns=tuple(columns),
                parent=self.ids[parent],
                parent_columns=tuple(parent_columns),
                on_delete=on_delete,
                match=match,
                deferrable=deferrable,
                period=period,
            )
        return found.values()


def _group(rows: Iterable[list[Any]]) -> dict[int, list[list[Any]]]:
    """Return the rows by the table oid that each begins with."""
    grouped: dict[int, list[list[Any]]] = defaultdict(list)
    for oid, *row in rows:
        grouped[oid].append(row)
    return grouped


def _build_column(row: list[Any], domains: Mapping[str, Domain]) -> Column:
    _, name, kind, nullable, default, identity, generated, sequence, expression = row
    return Column(
        name=name,
        type=kind,
        nullable=nullable and _takes_null(kind, domains),
        default=default,
        identity=identity,
        generated=generated,
        sequence=sequence,
        expression=expression,
    )


def _takes_null(kind: str, domains: Mapping[str, Domain]) -> bool:
    while kind in domains:
        if not domains[kind].nullable:
            return False
        kind = domains[kind].type
    return True


def _build_trigger(row: list[Any]) -> Trigger:
    name, kind, events, function, for_each_row, deferrable = row
    return Trigger(
        name=name,
        kind=kind,
        events=tuple(events),
        function=function,
        for_each_row=for_each_row,
        deferrable=deferrable,
    )


def _build_domain(row: list[Any]) -> Domain:
    name, kind, nullable, checks = row
    return Domain(
        name=name,
        type=kind,
        nullable=nullable,
        checks=tuple(Check(name=check, expression=text) for check, text in checks or ()),
    )
