"""The masks of all domains of a catalog, found to fit the columns of a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.masks.families import Family, Place, find_discriminators, find_families
from pytest_atdm.core.masks.fit import check_fit, misfit
from pytest_atdm.core.masks.generated import find_generator, make_generated
from pytest_atdm.core.masks.hooks import load_hook, make_hooked
from pytest_atdm.core.masks.strategies import (
    Strategy,
    give_null,
    make_constant,
    make_format,
    make_hash,
    without_padding,
)
from pytest_atdm.core.masks.texts import write_cell
from pytest_atdm.core.types import base_type
from pytest_atdm.core.virtual_keys import find_virtual_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_atdm.core.catalog import Catalog, Domain, Generator, Mask
    from pytest_atdm.core.masks.hooks import Installed
    from pytest_atdm.core.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMask:
    """What masks a column: *apply*, by the name of its *strategy*; *source* is where the catalog says it.

    Columns with one *family* share their key, which depends on this name.
    """

    strategy: str
    source: str
    family: str
    apply: Strategy


#: By table id and column.
Masks: TypeAlias = Mapping[Place, ColumnMask]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A mask with the column that it names, and what draws there."""

    mask: Mask
    place: Place
    generator: Generator | None

    @property
    def meaning(self) -> object:
        """What two masks of one family have in common."""
        return self.mask.strategy, repr(self.mask.constant), self.generator


def resolve_masks(catalog: Catalog, schema: Schema, installed: Installed) -> Masks:
    """Return what masks each column that a domain names, and each that is tied to one.

    Raises:
        SchemaMismatch: a domain names a table or column that the database lacks: nothing is passed over, since a name
            that is written wrong would leave the values as they are.
        CatalogError: a mask does not fit its columns, or two of one family differ; a strategy is not known; a reference
            of a domain with masks does not fit.
        SettingError: a strategy of a package cannot be loaded; mimesis is not installed.
    """
    domains = [domain for domain in map(catalog.domain, catalog.domain_names) if domain.masks]
    for domain in domains:
        find_virtual_keys(
            schema, domain
        )  # raises: one that does not fit would tie nothing, and what refers stay as it is
    wishes = [_make_wish(mask, schema, domain) for domain in domains for mask in domain.masks]
    if not wishes:
        return {}
    families = find_families(schema, catalog)
    _check_discriminators(wishes, families, find_discriminators(schema, catalog))
    by_family: dict[str, tuple[Family, _Wish]] = {}
    for wish in wishes:
        family = families[wish.place]
        _, first = by_family.setdefault(family.name, (family, wish))
        if first.meaning != wish.meaning:
            raise _contradiction(first, wish)
    return {
        place: mask
        for family, wish in by_family.values()
        for place, mask in _mask_family(wish, family, schema, installed).items()
    }


def _make_wish(mask: Mask, schema: Schema, domain: Domain) -> _Wish:
    table = schema.table(mask.table, where=mask.source)
    place = (table.id, table.column(mask.column, where=mask.source).name)
    generator = find_generator(mask, place, schema, domain) if mask.strategy == "generator" else None
    return _Wish(mask, place, generator)


def _check_discriminators(
    wishes: Sequence[_Wish], families: Mapping[Place, Family], discriminators: Collection[Place]
) -> None:
    for wish in wishes:
        told = next((place for place in families[wish.place].places if place in discriminators), None)
        if told is not None:
            raise misfit(wish.mask, told, "says to which table others refer", "mask other columns of the table")


def _contradiction(first: _Wish, second: _Wish) -> CatalogError:
    one, other = (f"{'.'.join(wish.place)} is masked by {wish.mask}" for wish in (first, second))
    tied = "" if first.place == second.place else ", which is tied to it by references or inheritance,"
    return CatalogError(
        f"{second.mask.source}: {other}, and {one}{tied and f'{tied} otherwise'}",
        hint="give both the same mask, or remove one: a mask of one column is that of all that are tied to it",
    )


def _mask_family(wish: _Wish, family: Family, schema: Schema, installed: Installed) -> Masks:
    check_fit(wish.mask, wish.place, family, schema)
    strategy_of = _choose_strategy(wish, family, schema, installed)
    return {
        place: ColumnMask(
            strategy=wish.mask.strategy, source=wish.mask.source, family=family.name, apply=strategy_of(place)
        )
        for place in family.places
    }


def _choose_strategy(wish: _Wish, family: Family, schema: Schema, installed: Installed) -> Callable[[Place], Strategy]:
    """Return what gives the strategy of each column of the family."""
    types = {place: schema.tables[place[0]].column_by_name[place[1]].type for place in family.places}
    bases = {place: base_type(type, schema) for place, type in types.items()}
    mask = wish.mask
    match mask.strategy:
        case "null":
            return lambda _: give_null
        case "constant":
            return lambda place: make_constant(_write_constant(mask, place, types[place], schema))
        case "generator" if wish.generator is not None:
            generated = make_generated(mask, wish.place, wish.generator, schema)
            return lambda _: generated
        case "hash" | "format":
            shared = (make_hash if mask.strategy == "hash" else make_format)(set(bases.values()))
            return lambda place: without_padding(shared, bases[place])
        case _:
            hook = load_hook(mask, installed)
            return lambda place: without_padding(make_hooked(hook, mask, place, types[place], schema), bases[place])


def _write_constant(mask: Mask, place: Place, type: str, schema: Schema) -> str:
    try:
        return write_cell(type, mask.constant, schema)
    except ValueError as error:
        raise misfit(mask, place, f"cannot be {mask.constant!r}: {error}", f"give a value of type {type}") from error
