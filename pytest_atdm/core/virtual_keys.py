"""Foreign keys that a domain tells of and the database does not know."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import CatalogError, UsageError
from pytest_atdm.core.expressions.casting import INTEGER_RANGES, TEXT_TYPES, parse_type
from pytest_atdm.core.schema import ForeignKey
from pytest_atdm.core.types import base_type, to_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Catalog, Domain, ReferenceTarget, VirtualReference
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Column, Schema, Table

_FAMILIES: Final = ((TEXT_TYPES, "text"), (INTEGER_RANGES, "integer"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKey(ForeignKey):
    """A foreign key from the catalog; *source* is file and line.

    With *by* it holds of those rows alone that have *value* in this column.
    """

    source: str
    by: str = ""
    value: Cell = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolymorphicReference:
    """*column* refers by one of *keys*, the one whose value the column *by* holds; *names* are the relation's."""

    column: str
    by: str
    keys: tuple[VirtualKey, ...]
    source: str

    @property
    def names(self) -> frozenset[str]:
        """What a catalog may call the relation: the column, with and without ``_id``; the other without ``_type``."""
        return frozenset({self.column, self.column.removesuffix("_id"), self.by.removesuffix("_type")} - {self.by})

    def find(self, value: Cell) -> VirtualKey | None:
        """Return the key that holds where the discriminator is *value*."""
        return next((key for key in self.keys if key.value == value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKeys:
    """By table id, the keys that hold of every row, and those that hang on a discriminator."""

    steady: Mapping[str, tuple[VirtualKey, ...]] = field(default_factory=dict)
    polymorphic: Mapping[str, tuple[PolymorphicReference, ...]] = field(default_factory=dict)


def find_virtual_keys(schema: Schema, domain: Domain) -> VirtualKeys:
    """Return what the references of *domain* are in *schema*.

    Raises:
        SchemaMismatch: a table or column that the database lacks.
        CatalogError: the columns cannot refer there; file and line are named.
    """
    steady: dict[str, tuple[VirtualKey, ...]] = defaultdict(tuple)
    polymorphic: dict[str, tuple[PolymorphicReference, ...]] = defaultdict(tuple)
    seen: dict[tuple[str, tuple[str, ...]], VirtualReference] = {}
    for reference in domain.references:
        table, keys = _resolve(schema, reference)
        first = seen.setdefault((table.id, reference.columns), reference)
        if first is not reference:
            raise _misfit(reference, f"the same columns refer in {first.source} too", "keep one of them")
        if reference.by:
            polymorphic[table.id] += (
                PolymorphicReference(
                    column=reference.columns[0], by=reference.by, keys=tuple(keys), source=reference.source
                ),
            )
        else:
            steady[table.id] += tuple(keys)
    return VirtualKeys(steady=dict(steady), polymorphic=dict(polymorphic))


def add_virtual_keys(schema: Schema, keys: Mapping[str, tuple[VirtualKey, ...]]) -> Schema:
    """Return *schema*, its tables with *keys*; the schema itself where there are none. The database has another one."""
    if not keys:
        return schema
    changed = {id: with_keys(schema.tables[id], added) for id, added in keys.items()}
    return dataclasses.replace(schema, tables={**schema.tables, **changed})


def with_keys(table: Table, keys: Iterable[VirtualKey]) -> Table:
    """Return *table* with *keys* after its own."""
    return dataclasses.replace(table, foreign_keys=(*table.foreign_keys, *keys))


def find_catalog_keys(catalog: Catalog, schema: Schema) -> Mapping[str, tuple[VirtualKey, ...]]:
    """Return by table id every virtual key of any domain of *catalog* that *schema* has the tables for.

    What does not fit is left out: whoever plans with the domain is told.
    """
    found: dict[str, dict[str, VirtualKey]] = defaultdict(dict)
    for reference in _iter_references(catalog):
        try:
            table, keys = _resolve(schema, reference)
            found[table.id] |= {key.name: key for key in keys}
        except UsageError:
            continue
    return {id: tuple(keys.values()) for id, keys in found.items()}


def _iter_references(catalog: Catalog) -> Iterator[VirtualReference]:
    for name in catalog.domain_names:
        try:
            yield from catalog.domain(name).references
        except UsageError:
            continue


def _resolve(schema: Schema, reference: VirtualReference) -> tuple[Table, Sequence[VirtualKey]]:
    table = schema.table(reference.table, where=reference.source)
    columns = [table.column(name, where=reference.source) for name in reference.columns]
    if any(key.columns == reference.columns for key in table.foreign_keys):
        raise _misfit(reference, f"{table.id} has a foreign key over these columns", "remove the reference")
    if reference.by:
        table.column(reference.by, where=reference.source)
    return table, [_make_key(schema, reference, table, columns, target) for target in reference.targets]


def _make_key(
    schema: Schema, reference: VirtualReference, table: Table, columns: Sequence[Column], target: ReferenceTarget
) -> VirtualKey:
    parent = schema.table(target.table, where=reference.source)
    names = target.columns or parent.primary_key
    parent_columns = [parent.column(name, where=reference.source) for name in names]
    if set(names) not in map(set, parent.unique_sets):
        raise _misfit(
            reference,
            f"({', '.join(names)}) is not unique in {parent.id}, which is referred to",
            "refer to a primary key or to columns under a unique constraint",
        )
    if [_family(one, schema) for one in columns] != [_family(one, schema) for one in parent_columns]:
        types = [" and ".join(one.type for one in side) for side in (columns, parent_columns)]
        raise _misfit(
            reference, f"{types[0]} cannot refer to {types[1]} of {parent.id}", "refer to columns of the same types"
        )
    suffix = f"{target.value}_reference" if reference.by else "reference"
    return VirtualKey(
        name="_".join((table.id.partition(".")[2], *reference.columns, suffix)),
        columns=reference.columns,
        parent=parent.id,
        parent_columns=tuple(names),
        source=reference.source,
        by=reference.by,
        value=_read_value(schema, reference, table, target.value) if reference.by else None,
    )


def _read_value(schema: Schema, reference: VirtualReference, table: Table, value: str) -> Cell:
    try:
        return to_cell(table.column_by_name[reference.by].type, value, schema)
    except ValueError as exc:
        raise _misfit(reference, f"{reference.by} cannot be {value!r}: {exc}", "give values of its type") from exc


def _family(column: Column, schema: Schema) -> str:
    base = base_type(column.type, schema)
    name = parse_type(base).name
    return next((family for names, family in _FAMILIES if name in names), base)


def _misfit(reference: VirtualReference, what: str, hint: str) -> CatalogError:
    return CatalogError(f"{reference.source}: {what}", hint=hint)
