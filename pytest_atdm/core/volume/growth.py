"""From the sample rows of a plan to all rows of its volumes.

A row of a volume is like one of the sample: it has its cells, but refers to other rows of a volume where the sample row
refers to one, and is drawn anew in the columns in which no two rows may be equal. So whatever holds within and between
the sample's rows holds for all of them, and what was drawn anew is left to judge.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.situation import Situation
from pytest_atdm.core.values import MAX_CANDIDATES
from pytest_atdm.core.volume.batch import Batch
from pytest_atdm.core.volume.difference import Difference, entry_of
from pytest_atdm.core.volume.formulas import Formulas
from pytest_atdm.core.volume.fresh import Fresh
from pytest_atdm.core.volume.likeness import Likeness

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_atdm.core.model import Cell, Plan, Volume
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import ForeignKey, Schema

#: About so many rows are made, judged, sent and written at a time.
BATCH_ROWS: Final = 5_000


def grow(plan: Plan, rulebook: Rulebook) -> Iterator[Batch]:
    """Yield the rows of the plan's volumes that do not stand in it, parents before children.

    A function of its arguments: equal plans give equal batches.

    Raises:
        PlanImpossible: so many rows cannot all be different where they must be, or cannot be ordered.
    """
    situation = Situation(rulebook, datetime.date.fromisoformat(plan.as_of), plan.rows, plan.existing)
    grown: dict[str, _Growing] = {}
    for volume in order_volumes(plan.volumes, rulebook.schema):
        growing = _Growing(volume, plan, situation, grown)
        yield from growing.iter_batches()
        grown[volume.entity] = growing


def order_volumes(volumes: Sequence[Volume], schema: Schema) -> list[Volume]:
    """Return *volumes* so that each comes after those whose rows it may refer to.

    Raises:
        PlanImpossible: they refer to one another in a circle.
    """
    ordered: list[Volume] = []
    waiting = list(volumes)
    while waiting:
        tables = {volume.table for volume in waiting}
        free = [one for one in waiting if not (_parents(one, schema) - {one.table}) & tables]
        if not free:
            raise PlanImpossible(
                f"volumes of {', '.join(sorted(tables))} refer to one another in a circle",
                hint="give all but one of these entities a count of at most 1,000",
            )
        ordered += free
        waiting = [one for one in waiting if one not in free]
    return ordered


def _parents(volume: Volume, schema: Schema) -> set[str]:
    return {key.parent for key in schema.tables[volume.table].foreign_keys}


@dataclass(frozen=True, slots=True)
class _Link:
    """A column that holds *column* of rows of the volume *parent*: of those like the rows *indexes*, one per model.

    *stride* rows of a model in turn refer to the same row.
    """

    parent: _Growing
    column: str
    indexes: Sequence[int]
    stride: int

    def entry(self, place: int, turn: int) -> Cell:
        """Return what the *turn*-th row like the model at *place* holds."""
        index = self.parent.likeness.instance(self.indexes[place], turn // self.stride)
        return self.parent.entry(index, self.column)


class _Growing:
    """One volume; *grown* are the volumes, by entity, that it may refer to."""

    def __init__(self, volume: Volume, plan: Plan, situation: Situation, grown: Mapping[str, _Growing]) -> None:
        self._table = situation.rulebook.schema.tables[volume.table]
        self._plan = plan
        self._situation = situation
        self._grown = grown
        self._made: dict[str, list[Cell]] = {}
        self.likeness = Likeness(volume, [row for row in plan.rows if row.entity == volume.entity], self._table)
        self._difference = Difference(self.likeness, self._table, situation, plan.scenario)
        self._links = self._find_links()
        self._selves = self._find_selves()
        self._formulas = Formulas(volume, plan, situation)
        self._early = self._formulas.depending_on({"index", *self._links})
        self._fresh = self._find_fresh()
        self._late = [name for name in self._formulas.depending_on(self._fresh) if name not in self._early]
        late = {*self._fresh, *self._selves, *self._late}
        self._settled_sets = [names for names in self._difference.sets if late.isdisjoint(names)]

    def iter_batches(self) -> Iterator[Batch]:
        """Yield all rows beyond the sample; every batch begins with the first model."""
        volume, models = self.likeness.volume, len(self.likeness.models)
        size = max(BATCH_ROWS // models, 1) * models
        for start in range(volume.sample, volume.count, size):
            yield self._make_batch(range(start, min(start + size, volume.count)))

    def entry(self, index: int, name: str) -> Cell:
        """Return the cell, or the pointer, that the row with *index* has in the column *name*."""
        beyond = index - self.likeness.volume.sample
        return entry_of(self.likeness.sample[index], name) if beyond < 0 else self._made[name][beyond]

    def _make_batch(self, rows: range) -> Batch:
        first = self.likeness.first
        columns: dict[str, list[Cell]] = {}
        for name in (*self.likeness.cells(first), *first.keys):
            if not any(name in others for others in (self._fresh, self._selves, self._early, self._late)):
                columns[name] = self._column(name, rows)
        for name in self._early:
            columns[name] = self._formulas.compute(name, rows, columns)
        self._difference.take_all(self._settled_sets, columns, len(rows))
        for name, fresh in self._fresh.items():
            columns[name] = fresh.draw(rows, columns)
        for name in self._late:
            columns[name] = self._formulas.compute(name, rows, columns)
        for name in self._selves:
            columns[name] = self._self_column(name, columns)
        for name, cells in columns.items():
            self._made.setdefault(name, []).extend(cells)
        order = [column.name for column in self._table.columns if column.name in columns]
        return Batch(
            volume=self.likeness.volume,
            start=rows.start,
            size=len(rows),
            values={name: columns[name] for name in order if name not in first.keys},
            keys={name: columns[name] for name in order if name in first.keys},  # type: ignore[misc]  # all pointers
        )

    # -- columns that are not drawn

    def _column(self, name: str, rows: range) -> list[Cell]:
        if self._is_own_key(name):
            return [f"{self.likeness.volume.entity}[{row}].{name}" for row in rows]
        if name in self._links:
            return [self._links[name].entry(*self.likeness.model(row)) for row in rows]
        return self._repeat(name, len(rows))

    def _repeat(self, name: str, size: int) -> list[Cell]:
        """Return what the models have, in turn."""
        like = [entry_of(self.likeness.sample[index], name) for index in self.likeness.models]
        repeats, rest = divmod(size, len(like))
        return [*like * repeats, *like[:rest]]

    def _self_column(self, name: str, columns: Mapping[str, list[Cell]]) -> list[Cell]:
        """Return references to the row itself, where the model refers to itself; else what the model has."""
        target, own = self._selves[name]
        like = self._repeat(name, len(columns[target]))
        return [columns[target][place] if own[place % len(own)] else cell for place, cell in enumerate(like)]

    def _is_own_key(self, name: str) -> bool:
        return self.likeness.first.keys.get(name) == f"{self.likeness.first.name}.{name}"

    # -- who refers to whom

    def _find_links(self) -> dict[str, _Link]:
        indexes = {key.name: self._find_indexes(key) for key in self._table.foreign_keys}
        strides = self._find_strides({name: found for name, found in indexes.items() if found is not None})
        links: dict[str, _Link] = {}
        for key in self._table.foreign_keys:
            if (found := indexes[key.name]) is not None:
                owner, rows = found
                for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
                    links.setdefault(column, _Link(owner, parent_column, rows, strides.get(key.name, 1)))
        return links

    def _find_indexes(self, key: ForeignKey) -> tuple[_Growing, list[int]] | None:
        """Return the volume that *key* leads to, and the index of each model's parent; None where it does not."""
        sample = self.likeness.sample
        parents = [self._situation.find_parent(sample[index], key) for index in self.likeness.models]
        entities = {row.entity for row in self._plan.rows for parent in parents if parent is row}
        owner = self._grown.get(entities.pop()) if len(entities) == 1 else None
        if owner is None:
            return None
        places = {row.name: index for index, row in enumerate(owner.likeness.sample)}
        found = [places[parent.name] for parent in parents if parent is not None and parent.name in places]
        return (owner, found) if len(found) == len(parents) else None

    def _find_strides(self, indexes: Mapping[str, tuple[_Growing, list[int]]]) -> dict[str, int]:
        """Where references alone make rows differ, the second changes once the first has been through all its rows."""
        keys = [key for key in self._table.foreign_keys if key.name in indexes]
        linked = {column for key in keys for column in key.columns}
        strides: dict[str, int] = {}
        for columns in self._difference.sets:
            stride = 1
            for key in keys if set(columns) <= linked else ():
                if not set(key.columns).isdisjoint(columns):
                    strides[key.name] = stride
                    owner, rows = indexes[key.name]
                    stride *= min(owner.likeness.instances(row) for row in rows)
        return strides

    def _find_selves(self) -> dict[str, tuple[str, list[bool]]]:
        """Return, by column, the column of the same row that it refers to, and which models do refer to themselves."""
        models = [self.likeness.sample[index] for index in self.likeness.models]
        found: dict[str, tuple[str, list[bool]]] = {}
        for key in self._table.foreign_keys:
            own = [self._situation.find_parent(row, key) is row for row in models]
            if key.parent == self._table.id and any(own):
                found |= {column: (target, own) for column, target in zip(key.columns, key.parent_columns, strict=True)}
        return {column: (target, own) for column, (target, own) in found.items() if column != target}

    # -- columns that are drawn

    def _find_fresh(self) -> dict[str, Fresh]:
        """Return, in table order, the columns that are drawn for each row, so that it differs from all others."""
        spread: dict[str, bool] = {}
        for columns in self._difference.sets:
            if any(self._is_own_key(name) for name in columns):
                continue
            bound = any(name in self._links or self._refers_to_planned(name) for name in columns)
            for name in self._choose_drawn(columns):
                spread[name] = spread.get(name, False) or not bound
        order = [column.name for column in self._table.columns if column.name in spread]
        late = {*order, *self._selves}
        known = {column.name for column in self._table.columns if column.name not in late}
        return {
            name: self._make_fresh(name, {*known, *order[: place + 1]}, unique=spread[name])
            for place, name in enumerate(order)
        }

    def _choose_drawn(self, columns: Sequence[str]) -> Sequence[str]:
        """Return those of *columns* that are drawn: the one with the most values where these are many, else all."""
        cells = self.likeness.cells(self.likeness.first)
        found = [
            name
            for name in columns
            if self._is_drawn(name) and (cells.get(name) is not None or columns == self._telling)
        ]
        if len(found) < 2:
            return found
        sizes = {name: self._make_fresh(name, (), unique=True).capacity() for name in found}
        best = max(found, key=sizes.__getitem__)
        return [best] if sizes[best] >= MAX_CANDIDATES else found

    def _make_fresh(self, name: str, known: Collection[str], *, unique: bool) -> Fresh:
        """Return what draws the column *name*; with it and *known*, sets of columns that must differ are whole."""
        return Fresh(
            self._table.column_by_name[name],
            likeness=self.likeness,
            plan=self._plan,
            situation=self._situation,
            difference=self._difference,
            sets=[names for names in self._difference.sets if name in names and set(names) <= {name, *known}],
            unique=unique,
        )

    @property
    def _telling(self) -> tuple[str, ...]:
        """The columns that tell a row; what a default puts there would not be known."""
        columns = self._table.column_by_name
        sets = self._table.unique_sets
        return next((names for names in sets if not any(columns[name].nullable for name in names)), ())

    def _is_drawn(self, name: str) -> bool:
        """True where the value of *name* is the planner's choice."""
        keys = {column for key in self._table.foreign_keys for column in key.columns}
        given = f"{self.likeness.first.name}.{name}" in self._plan.sources
        own = self._is_own_key(name) or self._table.column_by_name[name].generated
        return name not in keys and not given and not own

    def _refers_to_planned(self, name: str) -> bool:
        keys = [key for key in self._table.foreign_keys if name in key.columns]
        parents = [self._situation.find_parent(self.likeness.first, key) for key in keys]
        return any(parent is not None and parent.name in self._situation.rows for parent in parents)
