"""Which columns have their values in common: what masks one must mask all of them alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.virtual_keys import find_catalog_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.schema import ForeignKey, Schema

#: Table id and column.
Place: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Columns tied to one another, sorted; one alone is a family too.

    *refers*: some of them refer to others, so that equal values must stay equal and different ones different. *period*:
    some of them are the ranges of a key over periods.
    """

    places: tuple[Place, ...]
    refers: bool
    period: bool

    @property
    def name(self) -> str:
        """The first of its columns, as ``schema.table.column``."""
        return ".".join(self.places[0])


def find_families(schema: Schema, catalog: Catalog) -> Mapping[Place, Family]:
    """Return by column what belongs together by foreign keys, references of the catalog, and inheritance."""
    virtual = find_catalog_keys(catalog, schema)
    keys = [(id, key) for id, table in schema.tables.items() for key in (*table.foreign_keys, *virtual.get(id, ()))]
    ties = [tie for id, key in keys for tie in _tie(id, key)]
    referring = {place for tie in ties for place in tie}
    periods = {place for id, key in keys if key.period for place in _tie(id, key)[-1]}
    families: dict[Place, Family] = {}
    columns = [(table.id, column.name) for table in schema.tables.values() for column in table.columns]
    for places in _join([*ties, *_iter_heirs(schema)], columns):
        refers, period = not referring.isdisjoint(places), not periods.isdisjoint(places)
        family = Family(places=tuple(sorted(places)), refers=refers, period=period)
        families |= dict.fromkeys(places, family)
    return families


def find_discriminators(schema: Schema, catalog: Catalog) -> frozenset[Place]:
    """Return the columns that say to which table others refer."""
    keys = find_catalog_keys(catalog, schema)
    return frozenset((id, key.by) for id, found in keys.items() for key in found if key.by)


def _tie(table: str, key: ForeignKey) -> list[tuple[Place, Place]]:
    pairs = zip(key.columns, key.parent_columns, strict=True)
    return [((table, child), (key.parent, parent)) for child, parent in pairs]


def _iter_heirs(schema: Schema) -> Iterator[tuple[Place, Place]]:
    for table in schema.tables.values():
        for parent in table.inherits:
            shared = schema.tables[parent].column_by_name if parent in schema.tables else {}
            yield from (((table.id, name), (parent, name)) for name in table.column_by_name if name in shared)


def _join(ties: Iterable[tuple[Place, Place]], places: Iterable[Place]) -> Iterator[set[Place]]:
    """Yield the sets into which *ties* join *places*."""
    neighbours: dict[Place, set[Place]] = defaultdict(set)
    for one, other in ties:
        neighbours[one].add(other)
        neighbours[other].add(one)
    left = set(places)
    while left:
        found, new = set[Place](), {left.pop()}
        while new:
            found |= new
            new = {place for one in new for place in neighbours[one]} - found
        left -= found
        yield found
