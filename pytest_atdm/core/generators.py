"""The generators of a domain, found to fit the columns of a schema."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.catalog import Domain, Generator
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Column, Schema, Table


def find_generators(schema: Schema, domain: Domain) -> Mapping[tuple[str, str], Generator]:
    """Return the generators by table id and column; those that refer have the values that they refer to.

    Raises:
        SchemaMismatch: a table or column that the database lacks.
        CatalogError: the column gets its values elsewhere, or has two generators; or a value of a list is none of it.
    """
    found: dict[tuple[str, str], Generator] = {}
    for generator in domain.columns:
        table = schema.table(generator.table, where=generator.source)
        column = table.column(generator.column, where=generator.source)
        first = found.setdefault((table.id, column.name), generator)
        if first is not generator:
            raise _misfit(generator, f"has a generator in {first.source} too", "keep one of them")
        _check_place(generator, table, column)
        found[table.id, column.name] = _resolve(generator, column, schema, domain)
    return found


def _check_place(generator: Generator, table: Table, column: Column) -> None:
    if column.filled_by_database:
        raise _misfit(generator, "is filled by the database", "remove it")
    if generator.kind != "reference" and any(column.name in key.columns for key in table.foreign_keys):
        raise _misfit(
            generator,
            "is a foreign key: its values are those of rows",
            "name the row in the scenario, or use reference",
        )


def _resolve(generator: Generator, column: Column, schema: Schema, domain: Domain) -> Generator:
    values = _referred_values(generator, schema, domain) if generator.kind == "reference" else generator.values
    for value in values:
        try:
            to_cell(column.type, value, schema)
        except ValueError as exc:
            raise _misfit(generator, f"cannot be {value!r}: {exc}", f"give values of type {column.type}") from exc
    return dataclasses.replace(generator, values=tuple(values))


def _referred_values(generator: Generator, schema: Schema, domain: Domain) -> Sequence[Cell]:
    """Return what the column referred to holds in the domain's reference rows, each value once."""
    name, _, column = generator.text.rpartition(".")
    table = schema.table(name, where=generator.source)
    table.column(column, where=generator.source)
    rows = [row for part in domain.reference if schema.table(part.table) is table for row in part.rows]
    values: list[Cell] = []
    for row in rows:
        if row.get(column) is not None and row[column] not in values:
            values.append(row[column])
    if not values:
        raise _misfit(
            generator,
            f"refers to {generator.text}, and no reference row of the catalog has a value there",
            "add the rows to the domain's reference folder",
        )
    return values


def _misfit(generator: Generator, what: str, hint: str) -> CatalogError:
    return CatalogError(f"{generator.source}: {generator.table}.{generator.column} {what}", hint=hint)
