"""Judging the rows of volumes: each combination of cells that a validator looks at is judged once.

Rows that bring nothing new in any of these combinations pass with those that brought it first. Those that do are judged
by the gate like the rows of a plan, beside the rows that they refer to; conditions over a row's own columns are asked
before, and only where one is false the gate puts it into words.
"""

from __future__ import annotations

import dataclasses
import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_atdm.core.expressions import SOME, EvaluationError, holds, names, parse
from pytest_atdm.core.gate.kept import KeptRows
from pytest_atdm.core.situation import default_value
from pytest_atdm.core.types import to_operand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.expressions import Parts, Value
    from pytest_atdm.core.gate import Gate
    from pytest_atdm.core.model import Cell, Finding, Plan, PlannedRow, Volume
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import ForeignKey, Table
    from pytest_atdm.core.volume.batch import Batch

Term: TypeAlias = "Sequence[Any]"  # one entry for each row of a batch
#: So many rows are judged at a time, and so many findings are enough.
_TOGETHER: Final = 500
_MOST_FINDINGS: Final = 20


class BatchGate:
    """Judges the batches that follow *plan*, which has passed *gate*, in the order in which they are made."""

    def __init__(self, gate: Gate, plan: Plan) -> None:
        self._gate = gate
        self._plan = plan
        schema = gate.rulebook.schema
        referred = {key.parent for volume in plan.volumes for key in schema.tables[volume.table].foreign_keys}
        entities = {volume.entity: volume.table for volume in plan.volumes if volume.table in referred}
        self._kept = {
            table: KeptRows([row for row in plan.rows if entities.get(row.entity) == table])
            for table in entities.values()
        }
        self._judges = {volume.entity: _Judge(gate, plan, volume, self._kept) for volume in plan.volumes}
        self._known = {row.name for row in plan.rows}

    def check(self, batch: Batch) -> tuple[Finding, ...]:
        """Return what the gate objects to in *batch*, the first findings where there are many."""
        if batch.volume.table in self._kept:
            self._kept[batch.volume.table].add(batch)
        judge = self._judges[batch.volume.entity]
        new = judge.find_new(batch)
        findings: list[Finding] = []
        for start in range(0, len(new), _TOGETHER):
            rows = self._with_parents(map(batch.row, new[start : start + _TOGETHER]))
            findings += self._gate.check(dataclasses.replace(self._plan, rows=(*self._plan.rows, *rows)))
            if len(findings) >= _MOST_FINDINGS:
                break
        return tuple(findings[:_MOST_FINDINGS])

    def _with_parents(self, rows: Iterable[PlannedRow]) -> Iterable[PlannedRow]:
        """Return *rows* and the rows of volumes that they refer to, directly or through others."""
        found: dict[str, PlannedRow] = {}
        queue = list(rows)
        for row in queue:  # grows while parents are found
            if row.name not in found and row.name not in self._known:
                found[row.name] = row
                queue.extend(self._iter_parents(row))
        return found.values()

    def _iter_parents(self, row: PlannedRow) -> Iterator[PlannedRow]:
        table = self._gate.rulebook.schema.tables.get(row.table)
        for key in table.foreign_keys if table else ():
            if kept := self._kept.get(key.parent):
                entry = tuple(row.keys.get(name) or row.values.get(name) for name in key.columns)
                (place,) = kept.find(key.parent_columns, [entry])
                if place is not None:
                    yield kept.row(place)


class _Judge:
    """Knows of one volume what of its rows has been seen."""

    def __init__(self, gate: Gate, plan: Plan, volume: Volume, kept: Mapping[str, KeptRows]) -> None:
        self._book = gate.rulebook
        self._plan = plan
        self._table: Table = self._book.schema.tables[volume.table]
        self._kept = kept
        self._all_new = gate.has_others
        self._seen: dict[tuple[object, ...], set[object]] = {}

    def find_new(self, batch: Batch) -> list[int]:
        """Return the places of the rows of *batch* that are to be judged, in their order."""
        if self._all_new or not {*batch.values, *batch.keys} <= self._table.column_by_name.keys():
            return list(range(batch.size))
        found: set[int] = set()
        for name, pointers in batch.keys.items():
            found.update(self._find_strange_pointers(batch, name, pointers))
        for column in self._table.columns:
            found.update(self._find_strange_cells(batch, column.name))
        for condition in self._book.conditions(self._table):
            found.update(self._find_violations(batch, condition))
        for key in self._table.foreign_keys:
            found.update(self._find_strange_references(batch, key))
        for one in self._book.polymorphic.get(self._table.id, ()):
            terms = [batch.entries(one.by), batch.entries(one.column)]
            found.update(self._first(("refers", one.by, one.column), terms))
        for columns in self._table.unique_sets:
            found.update(_find_repeated([batch.entries(name) for name in columns]))
        for number, promised in enumerate(self._promised(batch.volume.entity)):
            found.update(self._first((number,), [batch.entries(name) for name in promised]))
        return sorted(found)

    # -- what a validator looks at

    def _find_strange_pointers(self, batch: Batch, name: str, pointers: Sequence[str]) -> Iterator[int]:
        """Pointers to a key of the row's own, and where they are not: those that no foreign key looks at."""
        own = f".{name}"
        is_serial = self._table.column_by_name[name].sequence is not None
        refers = any(name in key.columns for key in self._table.foreign_keys)
        for place, pointer in enumerate(pointers):
            mine = pointer == f"{batch.volume.entity}[{batch.start + place}]{own}"
            if not (is_serial if mine else refers):
                yield place

    def _find_strange_cells(self, batch: Batch, name: str) -> Iterator[int]:
        """NULLs are for the gate to judge, and all cells of a computed column; others must be of their type."""
        column = self._table.column_by_name[name]
        if name in batch.keys:
            return
        cells = batch.entries(name)
        for place in self._first(("cell", name), [cells]):
            if cells[place] is None or column.generated or not self._is_of_type(column.type, cells[place]):
                yield place

    def _is_of_type(self, type: str, cell: Cell) -> bool:
        try:
            to_operand(type, cell, self._book.schema)
        except ValueError:
            return False
        return True

    def _find_violations(self, batch: Batch, condition: Condition) -> Iterable[int]:
        if condition.is_local:
            return self._find_local_violations(batch, condition)
        terms: list[Term] = []
        for parts in sorted(names(condition.expr)):
            if len(parts) == 1:
                terms.append(batch.values.get(parts[0], ()))
            else:
                terms += self._across(batch, self._book.relations(self._table)[parts[0]], parts[1])
        return self._first((condition.id, condition.source), [term for term in terms if term] or [[True] * batch.size])

    def _find_local_violations(self, batch: Batch, condition: Condition) -> Iterator[int]:
        columns = sorted(name for name in condition.columns if name in batch.values)
        known: dict[Parts, Value] = {
            (name,): self._steady(batch, name) for name in condition.columns if name not in columns
        }
        known["as_of",] = self._as_of
        terms = [batch.values[name] for name in columns]
        typed = [((name,), self._table.column_by_name[name].type, batch.values[name]) for name in columns]
        for place in self._first((condition.id, condition.source), terms or [[True] * batch.size]):
            try:
                for parts, type, cells in typed:
                    known[parts] = to_operand(type, cells[place], self._book.schema)
                if not holds(condition.evaluate(known.__getitem__)):
                    yield place
            except (EvaluationError, ValueError):
                yield place

    def _steady(self, batch: Batch, name: str) -> Value:
        """Return what is known of a column that the batch gives no cells for."""
        return SOME if name in batch.keys else default_value(self._table.column_by_name[name], self._as_of)

    @cached_property
    def _as_of(self) -> datetime.date:
        return datetime.date.fromisoformat(self._plan.as_of)

    def _across(self, batch: Batch, key: ForeignKey, column: str) -> list[Term]:
        """Return what tells rows apart as far as they look at *column* of the row that they refer to by *key*."""
        if key.parent not in self._kept:
            return [batch.entries(name) for name in key.columns]
        indexes = self._parent_indexes(batch, key)
        own = [None if index is None else True for index in indexes]
        rest = [batch.entries(name) if None in indexes else own for name in key.columns]
        return [self._kept[key.parent].cells(indexes, column), *rest]

    def _find_strange_references(self, batch: Batch, key: ForeignKey) -> Iterable[int]:
        terms = [batch.entries(name) for name in key.columns]
        if key.parent not in self._kept:
            return self._first(("refers", key.name), terms)
        indexes = self._parent_indexes(batch, key)
        return [place for place in self._first(("refers", key.name), terms) if indexes[place] is None]

    def _parent_indexes(self, batch: Batch, key: ForeignKey) -> list[int | None]:
        entries = list(zip(*(batch.entries(name) for name in key.columns), strict=True))
        return self._kept[key.parent].find(key.parent_columns, entries)

    def _promised(self, entity: str) -> Iterator[list[str]]:
        for promise in self._plan.promises:
            found = names(parse(promise.expression, source=promise.source))
            columns = sorted(parts[1] for parts in found if len(parts) == 2 and parts[0] == entity)
            if columns:
                yield columns

    # -- what has been seen

    def _first(self, aspect: tuple[object, ...], terms: Sequence[Term]) -> list[int]:
        """Return the places that bring a combination of *terms* which no row had before."""
        kinds = tuple(frozenset(map(type, term)) for term in terms)  # 1, 1.0 and true are three
        entries = list(terms[0] if len(terms) == 1 else zip(*terms, strict=True))
        if any(one & {list, dict, tuple} for one in kinds):
            entries = list(map(repr, entries))
        elif any(len(one - {type(None)}) > 1 for one in kinds):
            entries = list(zip(map(repr, entries), entries, strict=True))
        seen = self._seen.setdefault((*aspect, *kinds), set())
        new = set(entries) - seen
        if not new:
            return []
        seen |= new
        places: list[int] = []
        for place, entry in enumerate(entries):
            if entry in new:
                new.discard(entry)
                places.append(place)
        return places


def _find_repeated(terms: Sequence[Term]) -> Iterator[int]:
    """Yield the places of rows that have what another has, NULL apart."""
    entries = [repr(entry) for entry in zip(*terms, strict=True) if None not in entry]
    if len(set(entries)) == len(entries):
        return
    first: dict[str, int] = {}
    for place, entry in enumerate(zip(*terms, strict=True)):
        if None in entry:
            continue
        other = first.setdefault(repr(entry), place)
        if other != place:
            yield from (other, place)
