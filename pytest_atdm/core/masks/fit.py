"""Whether a mask fits the columns that it would mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.expressions import names, parse
from pytest_atdm.core.expressions.casting import INTEGER_RANGES
from pytest_atdm.core.masks.strategies import LEAST_DIGITS, TEXT_LIKE, longest, type_name
from pytest_atdm.core.types import base_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_atdm.core.catalog import Mask
    from pytest_atdm.core.masks.families import Family, Place
    from pytest_atdm.core.schema import Column, Schema, Table

#: Strategies of which several values may get one.
_MERGING: Final = frozenset({"null", "constant", "generator"})
_DIFFERENT: Final = "use hash, format, or a strategy of your own that keeps different values different"
_TYPES: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "hash": (TEXT_LIKE | {"uuid", "bytea"}, "text, uuid and bytea"),
    "format": (TEXT_LIKE | INTEGER_RANGES.keys(), "text and integers"),
}


def check_fit(mask: Mask, named: Place, family: Family, schema: Schema) -> None:
    """See that *mask*, which names the column at *named*, can be that of every column of *family*.

    Raises:
        CatalogError: it cannot; the mask's file and line and the column are named.
    """
    if family.period:
        raise misfit(mask, named, "is among the periods of a key", "mask other columns of the table")
    if mask.strategy in _MERGING and family.refers:
        raise misfit(mask, named, f"is tied to other columns by references: {_say(family.places)}", _DIFFERENT)
    for place in family.places:
        table = schema.tables[place[0]]
        _check_place(mask, place, table)
        if mask.strategy in _MERGING:
            _check_merging(mask, place, table)
    if mask.strategy in _TYPES:
        _check_types(mask, family, schema)


def _check_place(mask: Mask, place: Place, table: Table) -> None:
    column = table.column_by_name[place[1]]
    if column.generated:
        raise misfit(mask, place, "is computed by the database", "mask the columns that it is computed from")
    if _decides_partition(column, table):
        raise misfit(mask, place, "decides in which partition a row lies", "mask other columns of the table")
    if mask.strategy in (*_TYPES, *_MERGING) and column.sequence is not None:
        raise misfit(
            mask,
            place,
            "is filled from a sequence, which would give masked numbers again",
            "leave it as it is, or use a strategy of your own whose numbers the sequence does not give",
        )


def _decides_partition(column: Column, table: Table) -> bool:
    bounds = (part.bounds for part in table.partitions or () if part.bounds)
    return any((column.name,) in names(parse(text, source=table.id)) for text in bounds)


def _check_merging(mask: Mask, place: Place, table: Table) -> None:
    differing = next((columns for columns in table.differing_sets if place[1] in columns), None)
    if differing is not None:
        raise misfit(mask, place, f"must differ from row to row ({', '.join(differing)} is unique)", _DIFFERENT)
    if mask.strategy == "null" and not table.column_by_name[place[1]].nullable:
        raise misfit(mask, place, "cannot be NULL", "use another strategy, such as {constant: value}")


def _check_types(mask: Mask, family: Family, schema: Schema) -> None:
    fitting, said = _TYPES[mask.strategy]
    types = {place: base_type(schema.tables[place[0]].column_by_name[place[1]].type, schema) for place in family.places}
    for place, type in types.items():
        if type_name(type) not in fitting:
            raise misfit(mask, place, f"is of type {type}", f"{mask.strategy} masks {said}; {_suggest(type)}")
        length = longest(type)
        if mask.strategy == "hash" and length is not None and length < LEAST_DIGITS:
            raise misfit(mask, place, f"is {type}: a hash has {LEAST_DIGITS} characters or more", "use format")
    kinds = {type_name(type) for type in types.values()}
    if mask.strategy == "hash" and "citext" in kinds and len(kinds) > 1:
        raise misfit(mask, family.places[0], "is tied to text that tells case apart, or does not", "use format")


def _suggest(type: str) -> str:
    other = next((name for name, (fitting, _) in _TYPES.items() if type_name(type) in fitting), "")
    return f"use {other}" if other else "use null, {constant: value}, generator, or a strategy of your own"


def _say(places: Iterable[Place]) -> str:
    return ", ".join(".".join(place) for place in places)


def misfit(mask: Mask, place: Place, what: str, hint: str) -> CatalogError:
    """Return the error that *mask* does not fit the column at *place*."""
    return CatalogError(f"{mask.source}: mask {mask.strategy}: column {'.'.join(place)} {what}", hint=hint)
