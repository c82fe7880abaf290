"""The target database's shape, read in one round trip."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_atdm.core.schema import Check, Column, Domain, ForeignKey, Schema, Table, Unique
from seeder.db.border import translated
from seeder.db.queries import INTROSPECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from seeder.db.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Target:
    """The schema, and what only the database side needs to know of it.

    *triggered*: tables with row triggers before an insert. *one_by_one*: sequences that hand out each number in turn,
    with the number they start at; where they stand tells exactly which rows are there already.
    """

    schema: Schema
    triggered: frozenset[str]
    one_by_one: Mapping[str, int]

    @cached_property
    def serial_keys(self) -> Mapping[str, Column]:
        """By table id, the key column of every table whose primary key is one column fed by a sequence."""
        found = {}
        for table in self.schema.tables.values():
            if len(table.primary_key) == 1 and table.column_by_name[table.primary_key[0]].sequence:
                found[table.id] = table.column_by_name[table.primary_key[0]]
        return found


async def read_target(pool: Pool) -> Target:
    """Introspect every table that is neither the system's nor ATDM's own.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
    """
    with translated("reading the target's schema"):
        row = await pool.fetchrow(INTROSPECT)
    facts = {name: json.loads(text) if text else [] for name, text in row.items()}
    return Target(
        schema=_build_schema(facts),
        triggered=frozenset(facts["triggered"]),
        one_by_one=dict(facts["one_by_one"]),
    )


def _build_schema(facts: Mapping[str, list[Any]]) -> Schema:
    ids: dict[int, str] = dict(facts["tables"])
    columns, keys, foreign_keys, checks = (
        _group(facts[name]) for name in ("columns", "keys", "foreign_keys", "checks")
    )
    names = {oid: {number: name for number, name, *_ in rows} for oid, rows in columns.items()}
    tables = {}
    for oid, table in ids.items():
        primary, uniques = _build_keys(keys.get(oid, ()), names.get(oid, {}))
        tables[table] = Table(
            id=table,
            columns=tuple(_build_column(row) for row in columns.get(oid, ())),
            primary_key=primary,
            uniques=uniques,
            foreign_keys=tuple(_build_foreign_keys(oid, foreign_keys.get(oid, ()), ids, names)),
            checks=tuple(Check(name=name, expression=text) for name, text in checks.get(oid, ())),
        )
    return Schema(
        tables=tables,
        enums={name: tuple(labels or ()) for name, labels in facts["enums"]},
        domains={row[0]: _build_domain(row) for row in facts["domains"]},
        search_path=tuple(facts["search_path"]),
    )


def _group(rows: Iterable[list[Any]]) -> dict[int, list[list[Any]]]:
    """Return the rows by the table oid that each begins with."""
    grouped: dict[int, list[list[Any]]] = defaultdict(list)
    for oid, *row in rows:
        grouped[oid].append(row)
    return grouped


def _build_column(row: list[Any]) -> Column:
    _, name, kind, nullable, default, identity, generated, sequence = row
    return Column(
        name=name,
        type=kind,
        nullable=nullable,
        default=default,
        identity=identity,
        generated=generated,
        sequence=sequence,
    )


def _build_keys(rows: Iterable[list[Any]], names: Mapping[int, str]) -> tuple[tuple[str, ...], tuple[Unique, ...]]:
    primary: tuple[str, ...] = ()
    uniques = []
    for name, is_primary, numbers in rows:
        columns = tuple(names[number] for number in numbers)
        if is_primary:
            primary = columns
        else:
            uniques.append(Unique(name=name, columns=columns))
    return primary, tuple(uniques)


def _build_foreign_keys(
    oid: int, rows: Iterable[list[Any]], ids: Mapping[int, str], names: Mapping[int, Mapping[int, str]]
) -> Iterable[ForeignKey]:
    for name, columns, parent, parent_columns, on_delete in rows:
        if parent in ids:
            yield ForeignKey(
                name=name,
                columns=tuple(names[oid][number] for number in columns),
                parent=ids[parent],
                parent_columns=tuple(names[parent][number] for number in parent_columns),
                on_delete=on_delete,
            )


def _build_domain(row: list[Any]) -> Domain:
    name, kind, nullable, checks = row
    return Domain(
        name=name,
        type=kind,
        nullable=nullable,
        checks=tuple(Check(name=check, expression=text) for check, text in checks or ()),
    )
