"""What ``atdm_data`` holds of each scenario: which rows an entity has, and which columns these rows have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_atdm.core.catalog import Formula, Literal
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.types import base_type
from pytest_atdm.emit.names import to_class_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_atdm.core.catalog import Catalog, Entity, Scenario
    from pytest_atdm.core.schema import Schema

#: A column: table id and name.
Place = tuple[str, str]


class Rows(NamedTuple):
    """Rows that one class describes: the id of their table, and the columns that each of them has, in its order."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """All scenarios of a catalog on one schema. *rows* is by scenario and entity.

    *infinite* are the columns that the catalog or a default gives ``infinity``: a text, which no date is.
    """

    schema: Schema
    scenarios: tuple[Scenario, ...]
    rows: Mapping[tuple[str, str], Rows]
    infinite: frozenset[Place]

    @property
    def kinds(self) -> tuple[Rows, ...]:
        """All rows that classes describe, sorted."""
        return tuple(sorted(set(self.rows.values())))

    @property
    def enums(self) -> tuple[str, ...]:
        """The types with labels that columns of these rows have, sorted."""
        columns = (self.schema.tables[rows.table].column_by_name[name] for rows in self.kinds for name in rows.columns)
        types = {base_type(column.type, self.schema) for column in columns}
        return tuple(sorted(name for name, labels in self.schema.enums.items() if name in types and labels))

    def is_whole(self, rows: Rows) -> bool:
        """Return whether *rows* have all columns of their table."""
        return len(rows.columns) == len(self.schema.tables[rows.table].columns)

    def propose_class_name(self, rows: Rows) -> str:
        """Return what a class for *rows* is called where nothing else is called so."""
        namespace, _, name = rows.table.partition(".")
        known = name if namespace in self.schema.search_path else rows.table
        return to_class_name(f"{known}_row" if self.is_whole(rows) else f"{known}_reference_row")


def is_many(entity: Entity) -> bool:
    """Return whether a test gets a list of rows of *entity*, be it of one or none."""
    return entity.count is not None and entity.existing is None


def find_shapes(catalog: Catalog, schema: Schema) -> Shapes:
    """Return what ``atdm_data`` holds of each scenario of *catalog*, sorted by id, whatever a test overrides.

    Raises:
        CatalogError: a fault in a file of the catalog.
        SchemaMismatch: a scenario or rule names a table or column that the database lacks.
    """
    scenarios = tuple(catalog.scenario(name) for name in catalog.scenario_ids)
    books = {name: Rulebook(schema, catalog.domain(name)) for name in sorted({one.domain for one in scenarios})}
    return Shapes(
        schema=schema,
        scenarios=scenarios,
        rows={
            (scenario.id, entity.name): _find_rows(entity, books[scenario.domain])
            for scenario in scenarios
            for entity in scenario.entities.values()
        },
        infinite=frozenset(_find_infinite(scenarios, books.values(), schema)),
    )


def _find_rows(entity: Entity, book: Rulebook) -> Rows:
    """A planned row has every column; of a reference row only what the catalog says is known."""
    table = book.schema.table(entity.table, where=f'{entity.source}: entity "{entity.name}"')
    names = tuple(column.name for column in table.columns)
    if entity.existing is not None and table.id in book.reference:
        rows = book.reference[table.id].rows  # an override may choose another of them
        names = tuple(name for name in names if all(name in row for row in rows))
    return Rows(table.id, names)


def _find_infinite(scenarios: Iterable[Scenario], books: Iterable[Rulebook], schema: Schema) -> Iterator[Place]:
    said = (
        *_find_defaults(schema),
        *(pair for scenario in scenarios for pair in _find_given(scenario, schema)),
        *(pair for book in books for pair in _find_reference_cells(book)),
    )
    yield from (place for place, value in said if isinstance(value, str) and "infinity" in value.lower())


def _find_defaults(schema: Schema) -> Iterator[tuple[Place, object]]:
    for table in schema.tables.values():
        yield from (((table.id, column.name), column.default) for column in table.columns)


def _find_given(scenario: Scenario, schema: Schema) -> Iterator[tuple[Place, object]]:
    for entity in scenario.entities.values():
        table = schema.table(entity.table).id
        for name, given in entity.given.items():
            if isinstance(given, Literal):
                yield (table, name), given.value
            elif isinstance(given, Formula):
                yield (table, name), given.text


def _find_reference_cells(book: Rulebook) -> Iterator[tuple[Place, object]]:
    for table, reference in book.reference.items():
        yield from (((table, name), cell) for row in reference.rows for name, cell in row.items())
