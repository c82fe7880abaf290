"""What of a plan comes again: made for another request, only what depends on the request is drawn anew.

A filling notes its steps: which cell it settled, how, and which cells it read for that. A step depends on the request
where it drew under a unique constraint, or read what such a step had settled. The pattern of a plan holds the cells of
all other steps, and repeats those that depend, in their order: what they see is what they would see in a filling.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import Literal
from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.expressions import EvaluationError
from pytest_atdm.core.model import PlannedRow
from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.drawing import Drawing
from pytest_atdm.core.situation import Situation

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.model import Cell, ExistingRow, Plan
    from pytest_atdm.core.planner.ties import Place, Ties
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Table
    from pytest_atdm.core.situation import RowLike
    from pytest_atdm.core.values import Drawer


class Watched(Situation):
    """Notes which cells are looked up, for the steps of a pattern."""

    def __init__(
        self, rulebook: Rulebook, as_of: datetime.date, rows: Sequence[Draft], existing: Sequence[ExistingRow]
    ) -> None:
        super().__init__(rulebook, as_of, rows, existing)
        self._reads: list[set[Place]] = [set()]

    @contextmanager
    def watched(self) -> Iterator[set[Place]]:
        """Yield the set of cells that are looked up within the block, but for blocks within it."""
        self._reads.append(set())
        try:
            yield self._reads[-1]
        finally:
            self._reads.pop()

    def value(self, row: RowLike, table: Table, column: str) -> Value:
        """Return the value, and note that it was looked up."""
        self._reads[-1].add((row.name, column))
        return super().value(row, table, column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A cell that was settled: drawn, or taken over as it is. *reads* are the cells that were looked up for that."""

    row: str
    column: str
    reads: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Step):
    """Drawn by *drawer*, while the columns *hidden* of the row were not settled yet."""

    unique: bool
    hidden: frozenset[str]
    drawer: Drawer


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied(Step):
    """A foreign key's value, taken from the one place in *reads*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Step):
    """A literal, or the value of a formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A condition that was asked of a finished row, what it read, and whether it was false."""

    row: str
    condition: Condition
    reads: frozenset[Place]
    is_false: bool


@dataclass(slots=True)
class Notes:
    """What a filling did. *is_straight*: no row had to be filled a second time."""

    steps: list[Step] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    is_straight: bool = True


class Pattern:
    """A plan as made for one request, and what to do to make it for another."""

    def __init__(
        self, scenario: Scenario, plan: Plan, drafts: Sequence[Draft], notes: Notes, bound: set[Place], ties: Ties
    ) -> None:
        self._ties = ties
        self._scenario = scenario
        self._plan = plan
        self._drafts = drafts
        self._steps = [step for step in notes.steps if (step.row, step.column) in bound]
        self._bound = bound
        self._verdicts = [verdict for verdict in notes.verdicts if verdict.reads & bound]
        self._steady = {
            draft.name: {name: cell for name, cell in draft.values.items() if (draft.name, name) not in bound}
            for draft in drafts
        }

    def is_of(self, scenario: Scenario) -> bool:
        """Return whether this is a pattern of the very *scenario*, not of one that had its place in memory."""
        return self._scenario is scenario

    def repeat(self, rulebook: Rulebook, as_of: datetime.date, run_id: str, request_key: str) -> Plan | None:
        """Return the plan for another request; None where it cannot be made without filling it anew."""
        drafts = {draft.name: _copy(draft, self._steady[draft.name]) for draft in self._drafts}
        situation = Situation(rulebook, as_of, drafts.values(), self._plan.existing)
        drawing = Drawing(
            scenario=self._plan.scenario,
            seed=self._plan.seed,
            as_of=as_of,
            unique_part=(run_id, request_key),
            situation=situation,
            drafts=list(drafts.values()),
            ties=self._ties,
        )
        try:
            for step in self._steps:
                drafts[step.row].values[step.column] = self._settle(step, drafts, drawing)
        except PlanImpossible:
            return None
        if any(is_false_of(verdict.condition, situation, drafts[verdict.row]) for verdict in self._verdicts):
            return None
        rows = tuple(_planned_row(drafts[row.name], row) for row in self._plan.rows)
        return dataclasses.replace(self._plan, run_id=run_id, request_key=request_key, rows=rows)

    def _settle(self, step: Step, drafts: Mapping[str, Draft], drawing: Drawing) -> Cell:
        draft = drafts[step.row]
        if isinstance(step, Drawn):
            column = draft.shape.column_by_name[step.column]
            # What it saw comes again, and so does what draws; else that depends on the request too.
            drawer = step.drawer if step.reads.isdisjoint(self._bound) else None
            return drawing.draw(draft, column, hidden=step.hidden, unique=step.unique, drawer=drawer)
        if isinstance(step, Copied):
            ((row, column_name),) = step.reads
            return drafts[row].values[column_name]
        return next(row for row in self._plan.rows if row.name == step.row).values[step.column]


def find_pattern(scenario: Scenario, plan: Plan, drafts: Sequence[Draft], notes: Notes, ties: Ties) -> Pattern | None:
    """Return the pattern of *plan*; None where the request decides not only values but also which steps there are."""
    if not notes.is_straight or any(_refers_by_value(draft, drafts) for draft in drafts):
        return None
    tables = {draft.name: draft.table for draft in drafts}
    unique = {(tables[step.row], step.column) for step in notes.steps if isinstance(step, Drawn) and step.unique}
    bound: set[Place] = set()
    for step in notes.steps:
        follows = bool(step.reads & bound)
        if follows and isinstance(step, Given):
            return None  # a formula may read other cells where one of them is another
        if follows or (tables[step.row], step.column) in unique:
            bound.add((step.row, step.column))
    if any(verdict.is_false and verdict.reads & bound for verdict in notes.verdicts):
        return None
    return Pattern(scenario, plan, drafts, notes, bound, ties)


def _refers_by_value(draft: Draft, drafts: Sequence[Draft]) -> bool:
    """Return whether a given cell may be the key of a planned row: which one it is depends on what stands already."""
    planned = {one.table for one in drafts}
    keys = [key for key in draft.shape.foreign_keys if key.parent in planned]
    given = [draft.given[column] for key in keys for column in key.columns if column in draft.given]
    return any(not isinstance(one, Literal) or one.value is not None for one in given)


def _copy(draft: Draft, values: Mapping[str, Cell]) -> Draft:
    return Draft(draft.name, draft.entity, draft.shape, draft.index, values=dict(values), keys=draft.keys)


def _planned_row(draft: Draft, row: PlannedRow) -> PlannedRow:
    values = {name: draft.values[name] for name in row.values}
    return PlannedRow(name=row.name, entity=row.entity, table=row.table, values=values, keys=row.keys)


def is_false_of(condition: Condition, situation: Situation, draft: Draft) -> bool:
    """Return whether *condition* is false of the row, or raises; what only the database can tell is not."""
    try:
        return condition.evaluate(situation.scope(draft)) is False
    except EvaluationError:
        return True
