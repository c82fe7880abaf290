"""Masked values that a column's own generator draws."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Domain
from pytest_atdm.core.generators import find_generators
from pytest_atdm.core.masks.fit import misfit
from pytest_atdm.core.masks.texts import write_cell
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.values import Drawer, Stream

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Generator, Mask
    from pytest_atdm.core.masks.families import Place
    from pytest_atdm.core.masks.strategies import Strategy
    from pytest_atdm.core.schema import Schema

#: Generators do not draw by the day.
_ANY_DAY: Final = datetime.date(2000, 1, 1)


def find_generator(mask: Mask, place: Place, schema: Schema, domain: Domain) -> Generator:
    """Return what draws the values of the column at *place*.

    Raises:
        CatalogError: nothing does, or a generator of the domain does not fit its column.
        SchemaMismatch: the domain has a generator for a column that there is not.
    """
    generator = find_generators(schema, domain).get(place)
    if generator is None:
        hint = f'say under "columns:" of the same file what draws {mask.table}.{mask.column}'
        raise misfit(mask, place, "has no generator", hint)
    return generator


def make_generated(mask: Mask, place: Place, generator: Generator, schema: Schema) -> Strategy:
    """Return what draws by key and value, among the values that the conditions on this column alone allow.

    It raises CatalogError where there is none.
    """
    table = schema.tables[place[0]]
    column = table.column_by_name[place[1]]
    conditions = Rulebook(schema, Domain(name="")).conditions(table)
    alone = [one.expr for one in conditions if one.is_local and one.columns == {column.name}]
    drawer = Drawer(column, schema, alone, generator)

    def apply(value: str, key: bytes) -> str:
        stream = Stream("mask", key.hex(), value)
        for cell in drawer.candidates(stream, unique=False, as_of=_ANY_DAY):
            try:
                return write_cell(column.type, cell, schema)
            except ValueError:
                break
        raise misfit(mask, place, f"gets no value from {generator}", "give values that its type and conditions allow")

    apply("", b"")  # what never gives anything, and what is not installed, is told now
    return apply
