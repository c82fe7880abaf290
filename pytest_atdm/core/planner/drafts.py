"""From a scenario to the rows it needs, and who refers to whom. No values yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Formula, Link, Literal
from pytest_atdm.core.errors import CatalogError, OverrideError, PlanImpossible, SchemaMismatch
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, compile_expression, holds, parse
from pytest_atdm.core.model import OVERRIDE, ExistingRow, Volume
from pytest_atdm.core.planner.advice import NO_ADVICE
from pytest_atdm.core.planner.polymorphic import Discriminators
from pytest_atdm.core.planner.references import References
from pytest_atdm.core.situation import read_cell
from pytest_atdm.core.tables import MAX_STANDING_ROWS
from pytest_atdm.core.text import suggest
from pytest_atdm.core.values import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Entity, Overrides, Scenario, TableUse
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.planner.advice import Advice
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Column, ForeignKey, Schema, Table

#: More rows than any situation needs that nobody counted: parents of parents without end.
MAX_DRAFTS: Final = 10_000
#: An entity with more rows is a volume; the plan has about so many of its rows.
MAX_LISTED: Final = 1_000
SAMPLE_ROWS: Final = 100
#: So many rows are named where any of them could be meant.
_SHOWN: Final = 5
#: Rows of a volume refer to all rows of an entity with at most so many, in turn.
MAX_SPREAD: Final = 400


@dataclass(slots=True, eq=False)
class Draft:
    """A row on its way to a plan; *given* is by column, *links* by foreign key name, *values* and *keys* fill up.

    *cause* is the row that needed this one as its parent; None for the rows of an entity.
    """

    name: str
    entity: str
    shape: Table
    index: int = 0
    given: dict[str, Literal | Formula] = field(default_factory=dict)
    links: dict[str, Draft | ExistingRow] = field(default_factory=dict)
    values: dict[str, Cell] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    cause: Draft | None = None

    @property
    def table(self) -> str:
        """The table's id."""
        return self.shape.id


class Drafting:
    """Expands entities to drafts, links them, and adds the parents that nobody named."""

    def __init__(
        self, scenario: Scenario, rulebook: Rulebook, overrides: Overrides, seed: int, advice: Advice = NO_ADVICE
    ) -> None:
        self.advice = advice
        self.scenario = scenario
        self.rulebook = rulebook
        self.overrides = overrides
        self.seed = seed
        self.drafts: list[Draft] = []
        self.existing: list[ExistingRow] = []
        self.volumes: list[Volume] = []
        self._sample_sizes: dict[str, int] = {}
        self._by_entity: dict[str, list[Draft | ExistingRow]] = {}
        self._parents: dict[str, Draft | ExistingRow] = {}
        self._links: dict[tuple[str, str], tuple[str, str]] = {}

    def run(self) -> None:
        """Fill ``drafts``, ``existing`` and ``volumes``.

        Raises:
            SchemaMismatch, CatalogError, OverrideError: a name that the database or the catalog lacks.
        """
        for entity in self.scenario.entities.values():
            self._by_entity[entity.name] = list(self._expand(entity))
        self.drafts[:0] = self._further_rows()
        queue = list(self.drafts)
        for draft in queue:  # grows while parents are added
            if len(queue) > MAX_DRAFTS:
                raise PlanImpossible(
                    f"{self.scenario.id}: more than {MAX_DRAFTS} rows, the last of {draft.table}, refer to one another",
                    hint="refer to rows that stand there: an existing row, or the value of a key",
                )
            for key in sorted(draft.shape.foreign_keys, key=lambda key: (draft.table, key.name) in self.advice.apart):
                self._link(draft, key, queue)  # a row of its own is made last
            self._add_references(draft, queue)

    def _further_rows(self) -> list[Draft]:
        found = []
        for number, (table, cells) in enumerate(self.advice.also, start=1):
            given: dict[str, Literal | Formula] = {name: Literal(cell, "advice") for name, cell in cells.items()}
            name = f"also~{number}"
            found.append(Draft(name, name, self._shape(name, table, given), given=given))
        return found

    def _expand(self, entity: Entity) -> Iterator[Draft | ExistingRow]:
        table = self.rulebook.schema.table(entity.table, where=f'{entity.source}: entity "{entity.name}"')
        self._check_use(entity, table)
        if entity.existing is not None:
            row = self._find_existing(entity, table)
            self.existing.append(row)
            yield row
            return
        given = self._given_columns(entity, table)
        shape = self._shape(entity.name, table.id, given)
        for index in range(self._listed(entity, table)):
            name = entity.name if entity.count is None else f"{entity.name}[{index}]"
            draft = Draft(name, entity.name, shape, index, dict(given))
            self.drafts.append(draft)
            yield draft

    def _check_use(self, entity: Entity, table: Table) -> None:
        use = self.rulebook.uses.get(table.id)
        if use is None or (use.kind == "reference" and entity.existing is not None):
            return
        what, hint = {
            "reference": ("are reference data: none is made", 'refer to one that stands there: "existing: {...}"'),
            "untouched": ("are never touched", "leave the entity out"),
        }[use.kind]
        raise CatalogError(
            f'{entity.source}: entity "{entity.name}": the rows of {table.id} {what} ({use.source})', hint=hint
        )

    def _listed(self, entity: Entity, table: Table) -> int:
        """Return how many rows of *entity* the plan has; what is beyond is noted as a volume."""
        count = self._count(entity)
        if count <= MAX_LISTED:
            return count
        sample = self._sample_size(entity)
        formulas = {
            column: given.text
            for column, given in self._given_columns(entity, table).items()
            if isinstance(given, Formula)
        }
        self.volumes.append(
            Volume(entity=entity.name, table=table.id, sample=sample, rows=count - sample, formulas=formulas)
        )
        return sample

    def _sample_size(self, entity: Entity) -> int:
        """Return a number of sample rows that refer to each row of the entities they are linked to equally often."""
        if entity.name not in self._sample_sizes:
            self._sample_sizes[entity.name] = SAMPLE_ROWS  # should entities be linked in a circle
            links = [given.entity for given in entity.given.values() if isinstance(given, Link)]
            spread = max((self._spread(self.scenario.entities[name]) for name in links), default=1)
            self._sample_sizes[entity.name] = -(-SAMPLE_ROWS // spread) * spread
        return self._sample_sizes[entity.name]

    def _spread(self, entity: Entity) -> int:
        """Return to how many rows of *entity* the rows of a sample refer."""
        count = self._count(entity)
        size = self._sample_size(entity) if count > MAX_LISTED else max(count, 1)
        return size if size <= MAX_SPREAD else 1

    def _count(self, entity: Entity) -> int:
        if entity.count is None:
            return 1
        value = entity.count.value if isinstance(entity.count, Literal) else self._formula_count(entity.count)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise CatalogError(f"{entity.count.source}: count is {value!r}", hint="make it a whole number from 0")

    def _formula_count(self, formula: Formula) -> object:
        evaluate = compile_expression(parse(formula.text, source=formula.source))
        return evaluate(lambda parts: self.overrides.parameters.get(parts[0]) if len(parts) == 1 else None)

    def _find_existing(self, entity: Entity, table: Table) -> ExistingRow:
        wanted = {name: literal.value for name, literal in (entity.existing or {}).items()}
        wanted |= {column: value for (name, column), value in self.overrides.cells.items() if name == entity.name}
        rows = self._reference_rows(table.id)
        row = next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)
        if row is None:
            raise CatalogError(
                f'{entity.source}: entity "{entity.name}": no reference row of {table.id} has {wanted!r}',
                hint="add the row to the domain's reference folder, or name one that is there"
                + (f" (of the first {MAX_STANDING_ROWS} by key)" if table.id in self.rulebook.uses else ""),
            )
        return ExistingRow(name=entity.name, entity=entity.name, table=table.id, values=dict(row))

    def _reference_rows(self, table: str) -> Sequence[Mapping[str, Cell]]:
        """Return the catalog's reference rows of the table with this id, or those that stand in a reference table."""
        reference = self.rulebook.reference.get(table)
        return reference.rows if reference else self.rulebook.standing.get(table, ())

    def _has_rows(self, table: str) -> bool:
        """Return whether a row of the table can be referred to: a new one, or one that stands there."""
        return table not in self.rulebook.uses or bool(self._reference_rows(table))

    def _given_columns(self, entity: Entity, table: Table) -> dict[str, Literal | Formula]:
        given: dict[str, Literal | Formula] = {}
        for name, value in entity.given.items():
            if isinstance(value, Link):
                self._note_link(entity, table, name, value)
            else:
                given[table.column(name, where=value.source).name] = value
        for (owner, column), override in self.overrides.cells.items():
            if owner == entity.name:
                self._check_override_column(entity, table, column)
                given[column] = Literal(override, OVERRIDE)
        return given

    def _check_override_column(self, entity: Entity, table: Table, column: str) -> None:
        if column not in table.column_by_name:
            raise OverrideError(
                f'{self.scenario.id}: "{entity.name}__{column}": table "{table.id}" has no column "{column}"',
                hint=suggest(column, table.column_by_name, "column"),
            )

    def _note_link(self, entity: Entity, table: Table, name: str, link: Link) -> None:
        parent = self.rulebook.schema.table(self.scenario.entities[link.entity].table, where=link.source).id
        key = self.rulebook.find_relation(table, name, parent)
        if key is None:
            raise self._unknown_relation(table, name, parent, link.source)
        self._links[entity.name, key.name] = (link.entity, link.source)

    def _unknown_relation(self, table: Table, name: str, parent: str, source: str) -> CatalogError | SchemaMismatch:
        pairs = [one for one in self.rulebook.polymorphic.get(table.id, ()) if name in one.names]
        if pairs:
            known = ", ".join(key.parent for key in pairs[0].keys)
            return CatalogError(
                f'{source}: "{name}" of {table.id} does not refer to {parent}', hint=f"it refers to {known}"
            )
        return SchemaMismatch(
            f'{source}: "{name}" is not a foreign key of {table.id}',
            hint=suggest(name, self.rulebook.relations(table), "relation"),
        )

    def _shape(self, entity: str, table: str, given: dict[str, Literal | Formula]) -> Table:
        """Return the table with this id, with the references of its discriminators, whose values join *given*."""
        if table not in self.rulebook.polymorphic:
            return self.rulebook.schema.tables[table]
        linked = {key for name, key in self._links if name == entity}
        return Discriminators(self.rulebook, table, given, linked, self._formula_count).choose()

    def _link(self, draft: Draft, key: ForeignKey, queue: list[Draft]) -> None:
        if (draft.entity, key.name) in self._links:
            entity, source = self._links[draft.entity, key.name]
            if not any(column in draft.given for column in key.columns):  # an override of the column wins
                draft.links[key.name] = self._pick(draft, key, entity, source)
        elif self._is_wanted(draft, key):
            draft.links[key.name] = draft.links.get(key.name) or self._find_parent(draft, key, queue)

    def _is_wanted(self, draft: Draft, key: ForeignKey) -> bool:
        if all(column in draft.given for column in key.columns):
            return False
        if (draft.table, key.name) in self.advice.link:
            return True
        if draft.table in self.advice.full and key.parent != draft.table and self._has_rows(key.parent):
            return True
        return not any(column in draft.given for column in key.columns) and is_required(
            draft.shape, key, self.rulebook.schema
        )

    def _pick(self, draft: Draft, key: ForeignKey, entity: str, source: str) -> Draft | ExistingRow:
        rows = self._by_entity[entity]
        if not rows or rows[0].table != key.parent:
            raise CatalogError(
                f'{source}: "${entity}" has no row of {key.parent}, to which {key.name} of {draft.table} refers',
                hint=f"name an entity of table {key.parent.partition('.')[2]}",
            )
        return rows[draft.index % len(rows)]

    def _find_parent(self, draft: Draft, key: ForeignKey, queue: list[Draft]) -> Draft | ExistingRow:
        candidates = self._declared(draft, key)
        if len(candidates) > 1:
            raise CatalogError(
                f'{self.scenario.source}: entity "{draft.entity}" needs a row of {key.parent}, and there are several: '
                f"{', '.join(row.name for row in candidates[:_SHOWN])}{', ...' if len(candidates) > _SHOWN else ''}",
                hint=f'say which: "{key.columns[0]}: ${candidates[0].entity}"',
            )
        if candidates:
            return candidates[0]
        name = self._name_shared(draft, key)
        if (draft.table, key.name) in self.advice.apart:
            name = f"{draft.name}/{key.name}"
        elif _is_one_to_one(draft.shape, key) and not self._is_single(key.parent):
            if (asking := _find_asking(draft, key.parent)) is not None:
                return asking
            name = f"{draft.name}/{key.name}"
        if name not in self._parents:
            self._parents[name] = self._make_parent(draft, key, queue)
        return self._parents[name]

    def _name_shared(self, draft: Draft, key: ForeignKey) -> str:
        """Return what the references have in common that share a parent: its table, and constants that it must have."""
        constants = self.rulebook.constants(draft.shape)
        pairs = sorted(zip(key.parent_columns, key.columns, strict=True))
        return " ".join([key.parent, *(f"{name}={constants[own]!r}" for name, own in pairs if own in constants)])

    def _is_single(self, table: str) -> bool:
        """Return whether there can be one row of *table* at most: its conditions settle a whole unique key."""
        shape = self.rulebook.schema.tables[table]
        return any(self.rulebook.constants(shape).keys() >= set(columns) for columns in shape.unique_sets)

    def _declared(self, draft: Draft, key: ForeignKey) -> list[Draft | ExistingRow]:
        rows = [row for entity in self._by_entity.values() for row in entity if row.table == key.parent]
        return [row for row in rows if row is not draft]

    def _make_parent(self, draft: Draft, key: ForeignKey, queue: list[Draft]) -> Draft | ExistingRow:
        name = self._free_name(f"{draft.name}.{key.columns[0].removesuffix('_id')}")
        standing = self._reference_rows(key.parent) or self.advice.reuse.get(key.parent, ())
        standing = self._fitting(draft, key, standing)
        if standing:
            return self._take_existing(name, key.parent, standing)
        if key.parent == draft.table:
            return draft
        return self._add_parent(name, draft, key, queue)

    def _fitting(
        self, draft: Draft, key: ForeignKey, standing: Sequence[Mapping[str, Cell]]
    ) -> Sequence[Mapping[str, Cell]]:
        """Return those of *standing* that the conditions on the columns of *key* allow; all where they allow none."""
        pairs = list(zip(key.columns, key.parent_columns, strict=True))
        conditions = [
            (condition, column, parent_column)
            for condition in self.rulebook.conditions(draft.shape)
            for column, parent_column in pairs
            if condition.is_local and condition.columns == {column}
        ]
        fitting = [
            row
            for row in standing
            if all(self._allows(draft, condition, column, row.get(other)) for condition, column, other in conditions)
        ]
        return fitting or standing

    def _allows(self, draft: Draft, condition: Condition, column: str, cell: Cell) -> bool:
        value = read_cell(draft.shape.column_by_name[column], cell, self.rulebook)
        try:
            return holds(condition.evaluate(lambda parts: value if parts == (column,) else UNDECIDED))
        except EvaluationError:
            return False

    def _take_existing(self, name: str, table: str, standing: Sequence[Mapping[str, Cell]]) -> ExistingRow:
        row = Stream(self.seed, self.scenario.id, name, "existing", *self._again()).choice(standing)
        existing = ExistingRow(name=name, entity=name, table=table, values=dict(row))
        self.existing.append(existing)
        return existing

    def _again(self) -> tuple[int, ...]:
        return (self.advice.attempt,) if self.advice.attempt else ()

    def _add_parent(self, name: str, draft: Draft, key: ForeignKey, queue: list[Draft]) -> Draft:
        use = self.rulebook.uses.get(key.parent)
        if use is not None:
            raise self._lacking(draft, key, use)
        given: dict[str, Literal | Formula] = {}
        parent = Draft(name, name, self._shape(name, key.parent, given), given=given, cause=draft)
        self.drafts.append(parent)
        queue.append(parent)
        return parent

    def _lacking(self, draft: Draft, key: ForeignKey, use: TableUse) -> PlanImpossible:
        why, hint = {
            "reference": ("is reference data, and no other row of it stands in the database", "add the row"),
            "untouched": ("is never touched", f"give {' and '.join(key.columns)} a value that stands there"),
        }[use.kind]
        return PlanImpossible(
            f'{self.scenario.id}: "{draft.name}" needs a row of {key.parent} by {key.name}; that table {why} '
            f"({use.source})",
            hint=f"{hint}, or change what the domain says of the table",
        )

    def _free_name(self, name: str) -> str:
        """Return *name*; where two foreign keys begin with the same column, the second one's row gets a number."""
        taken = {row.name for row in self.drafts} | {row.name for row in self.existing}
        numbered = (f"{name}~{number}" for number in count(2))
        return name if name not in taken else next(one for one in numbered if one not in taken)

    # -- what conditions ask of references

    def _add_references(self, draft: Draft, queue: list[Draft]) -> None:
        """Link optional references without which a condition is false; part those that must not be the same."""
        references = self._references(draft)
        optional = [key for key in draft.shape.foreign_keys if self._is_open(draft, key)]
        for key in references.find_missing(optional):
            draft.links[key.name] = self._find_parent(draft, key, queue)
        movable = [key for key in draft.shape.foreign_keys if self._is_ours(draft, key)]
        parted = self._references(draft).find_parted(movable)
        if parted is not None:
            self._part(draft, parted, queue)

    def _references(self, draft: Draft) -> References:
        return References(draft, self.rulebook, {id(one): place for place, one in enumerate(self.drafts, start=1)})

    def _is_open(self, draft: Draft, key: ForeignKey) -> bool:
        return key.name not in draft.links and not any(column in draft.given for column in key.columns)

    def _is_ours(self, draft: Draft, key: ForeignKey) -> bool:
        """True where the reference may be moved; one that closes a circle of two rows may not, or there is no end."""
        closes = draft.cause is not None and draft.links.get(key.name) is draft.cause
        return key.name in draft.links and (draft.entity, key.name) not in self._links and not closes

    def _part(self, draft: Draft, key: ForeignKey, queue: list[Draft]) -> None:
        before = draft.links[key.name]
        name = self._free_name(f"{draft.name}.{key.name}")
        standing = self.rulebook.standing.get(key.parent) or self.advice.reuse.get(key.parent, ())
        others = [row for row in standing if not isinstance(before, ExistingRow) or dict(row) != dict(before.values)]
        if others:
            draft.links[key.name] = self._take_existing(name, key.parent, others)
            return
        other = self._add_parent(name, draft, key, queue)
        draft.links[key.name] = other
        if other.table == draft.table:  # a row that may not refer to itself: two that refer to each other
            other.links[key.name] = draft


def is_required(table: Table, key: ForeignKey, schema: Schema) -> bool:
    """Return whether a row of *table* cannot do without the parent.

    A key with a part that may stay NULL, or with a default for every part, can; but a number from its own sequence is
    no reference to a row that has another sequence. MATCH FULL takes no key in parts.
    """
    columns = [table.column_by_name[name] for name in key.columns]
    parents = [schema.tables[key.parent].column_by_name[name] for name in key.parent_columns]
    if all(_is_filled(column, parent) for column, parent in zip(columns, parents, strict=True)):
        return False
    if key.match == "full":
        return any(not column.nullable for column in columns)
    return all(column.generated or not column.nullable for column in columns)


def _is_filled(column: Column, parent: Column) -> bool:
    if column.sequence is not None:
        return parent.sequence is None
    return column.generated or column.default is not None


def _is_one_to_one(table: Table, key: ForeignKey) -> bool:
    return any(set(columns) <= set(key.columns) for columns in table.differing_sets)


def _find_asking(draft: Draft, table: str) -> Draft | None:
    """Return the nearest row of *table* for whose sake *draft* is there: a circle of references closes at it."""
    asking = draft.cause
    while asking is not None and asking.table != table:
        asking = asking.cause
    return asking
