"""Columns of a volume that a formula computes, where it does not give every row like a model the same."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, compile_expression, names, parse
from pytest_atdm.core.situation import read_parameter
from pytest_atdm.core.types import to_cell, to_operand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_atdm.core.expressions import Evaluator, Parts, Value
    from pytest_atdm.core.model import Cell, Plan, Volume
    from pytest_atdm.core.schema import Table
    from pytest_atdm.core.situation import Situation


class Formulas:
    """The formulas of *volume* by column: over ``index``, ``as_of``, parameters, own columns, entities of one row."""

    def __init__(self, volume: Volume, plan: Plan, situation: Situation) -> None:
        self._volume = volume
        self._plan = plan
        self._situation = situation
        self._table: Table = situation.rulebook.schema.tables[volume.table]
        self._parsed = {name: parse(text, source=volume.entity) for name, text in volume.formulas.items()}
        self._compiled: dict[str, Evaluator] = {name: compile_expression(expr) for name, expr in self._parsed.items()}

    def depending_on(self, varying: Collection[str]) -> list[str]:
        """Return the columns whose formulas name one of *varying*, themselves or through others; sources come first."""
        found: list[str] = []
        while new := [name for name in self._parsed if name not in found and self._named(name) & {*varying, *found}]:
            found += new
        return sorted(found, key=lambda name: len(self._sources(name, found)))

    def compute(self, name: str, rows: range, columns: Mapping[str, Sequence[Cell]]) -> list[Cell]:
        """Return the cells of the column *name* for *rows*, of which *columns* are known.

        Raises:
            PlanImpossible: a formula cannot be computed.
        """
        column, schema = self._table.column_by_name[name], self._situation.rulebook.schema
        evaluate = self._compiled[name]
        own = {
            other: [to_operand(self._table.column_by_name[other].type, cell, schema) for cell in columns[other]]
            for other in self._named(name)
            if other in columns
        }
        cells: list[Cell] = []
        for place, row in enumerate(rows):
            known = {other: values[place] for other, values in own.items()}
            try:
                cells.append(to_cell(column.type, evaluate(partial(self._look_up, row, known)), schema))
            except (EvaluationError, ValueError) as exc:
                what = f'"{self._volume.entity}[{row}].{name}" = {self._volume.formulas[name]}'
                raise PlanImpossible(
                    f"{self._plan.scenario}: {what}: {exc}",
                    hint="mend the formula, or ask for fewer rows",
                ) from exc
        return cells

    def _named(self, name: str) -> set[str]:
        """Return the own columns that the formula of *name* is over, and ``index``."""
        return set(self._iter_named(name))

    def _iter_named(self, name: str) -> Iterator[str]:
        for parts in names(self._parsed[name]):
            if len(parts) == 1:
                yield parts[0]
            elif parts[0] == self._volume.entity:
                yield parts[1]

    def _sources(self, name: str, among: Collection[str]) -> set[str]:
        """Return those of *among* that *name* is computed from, directly or not."""
        found: set[str] = set()
        while new := {one for other in (name, *found) for one in self._named(other) if one in among} - found:
            found |= new
        return found

    def _look_up(self, row: int, known: Mapping[str, Value], parts: Parts) -> Value:
        """Return what *parts* stand for in the formula of one row."""
        name = parts[-1]
        if len(parts) == 1 and name in self._steady:
            return self._steady[name]
        if parts == ("index",):
            return row
        if len(parts) == 1 or parts[0] == self._volume.entity:
            return known.get(name, UNDECIDED)
        return self._elsewhere(parts[0], name)

    @cached_property
    def _steady(self) -> dict[str, Value]:
        """What is the same in all rows."""
        return {
            "as_of": self._situation.as_of,
            **{name: read_parameter(cell) for name, cell in self._plan.parameters.items()},
        }

    def _elsewhere(self, entity: str, column: str) -> Value:
        if entity in self._situation.rows:
            row = self._situation.rows[entity]
            return self._situation.value(row, self._situation.rulebook.schema.tables[row.table], column)
        existing = self._situation.existing.get(entity)
        return self._situation.existing_value(existing, column) if existing else UNDECIDED
