"""From a scenario to the concrete rows of one request."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pytest_atdm.core.catalog import read_overrides
from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.expressions import names, parse
from pytest_atdm.core.model import Plan, PlannedRow
from pytest_atdm.core.planner.advice import NO_ADVICE, Advice, LinkNeeded
from pytest_atdm.core.planner.drafts import MAX_LISTED, Drafting
from pytest_atdm.core.planner.fill import Filling
from pytest_atdm.core.planner.order import order_drafts
from pytest_atdm.core.planner.pattern import find_pattern
from pytest_atdm.core.planner.ties import merge_same_rows
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_atdm.core.catalog import Overrides, Scenario
    from pytest_atdm.core.model import Cell, Promise
    from pytest_atdm.core.planner.drafts import Draft
    from pytest_atdm.core.planner.pattern import Pattern
    from pytest_atdm.core.rulebook import Rulebook

__all__ = ("MAX_LISTED", "NO_ADVICE", "Advice", "plan")

#: Types whose values are equal where their ``repr`` is.
_TELLING: Final = frozenset({bool, int, float, str, type(None), Decimal, datetime.date, datetime.datetime, UUID})


def plan(
    scenario: Scenario,
    rulebook: Rulebook,
    *,
    overrides: Mapping[str, object],
    run_id: str,
    request_key: str,
    seed: int,
    as_of: datetime.date,
    advice: Advice = NO_ADVICE,
) -> Plan:
    """Return the rows of *scenario*, parents before children.

    Pure and deterministic: equal arguments give byte-equal ``wire.dump_plan``. Columns under a unique constraint carry
    a part derived from (*run_id*, *request_key*); all other generated values depend only on (*seed*, scenario, row,
    column). *advice* comes from what a database said of an earlier plan.

    Raises:
        OverrideError: an override is unknown, of the wrong type or out of range.
        CatalogError: the scenario is at fault (file and line are named).
        SchemaMismatch: the scenario names what the database lacks.
        PlanImpossible: the constraints leave no value.
    """
    asked = read_overrides(scenario, overrides)
    key = _pattern_key(scenario, asked, seed, as_of) if advice.is_empty else None
    pattern = rulebook.patterns.get(key) if key else None
    if pattern is not None and pattern.is_of(scenario):
        again = pattern.repeat(rulebook, as_of, run_id, request_key)
        if again is not None:
            return again
    made, pattern = _make_with_links(
        scenario, rulebook, asked, unique_part=(run_id, request_key), seed=seed, as_of=as_of, advice=advice
    )
    if key and pattern:
        rulebook.remember_pattern(key, pattern)
    return made


def _pattern_key(scenario: Scenario, asked: Overrides, seed: int, as_of: datetime.date) -> tuple[object, ...] | None:
    """Return what a plan depends on but for the request; None where a value may say of itself less than it is."""
    if any(type(value) not in _TELLING for value in asked.cells.values()):
        return None
    cells = sorted((place, type(value).__name__, repr(value)) for place, value in asked.cells.items())
    return (id(scenario), seed, as_of, repr(asked.parameters), tuple(cells))


def _make_with_links(
    scenario: Scenario, rulebook: Rulebook, asked: Overrides, *, advice: Advice, **settings: Any
) -> tuple[Plan, Pattern | None]:
    """Make the plan; where a condition asks for an optional reference, make it anew with that."""
    while True:
        try:
            return _make(scenario, rulebook, asked, advice=advice, **settings)
        except LinkNeeded as need:
            advice = advice.linking(need.table, need.keys)


def _make(
    scenario: Scenario,
    rulebook: Rulebook,
    asked: Overrides,
    *,
    unique_part: tuple[str, str],
    seed: int,
    as_of: datetime.date,
    advice: Advice,
) -> tuple[Plan, Pattern | None]:
    """Return the plan, every cell settled anew, and what of it comes again."""
    drafting = Drafting(scenario, rulebook, asked, seed, advice)
    drafting.run()
    drafts = order_drafts(merge_same_rows(drafting.drafts))
    filling = Filling(
        scenario,
        rulebook,
        asked,
        drafts=drafts,
        existing=drafting.existing,
        seed=seed,
        as_of=as_of,
        unique_part=unique_part,
        advice=advice,
    )
    filling.run()
    made = Plan(
        scenario=scenario.id,
        domain=scenario.domain,
        schema=rulebook.fingerprint,
        run_id=unique_part[0],
        request_key=unique_part[1],
        seed=seed,
        as_of=as_of.isoformat(),
        parameters=asked.parameters,
        overrides=_override_cells(asked, rulebook, scenario),
        rows=tuple(_planned_row(draft) for draft in drafts),
        existing=tuple(drafting.existing),
        promises=_promises(
            scenario,
            {*(row.entity for row in drafts), *(row.entity for row in drafting.existing)},
            [volume.entity for volume in drafting.volumes],
        ),
        volumes=tuple(drafting.volumes),
        sources=_sources(drafts),
    )
    return made, find_pattern(scenario, made, drafts, filling.notes, filling.ties)


def _planned_row(draft: Draft) -> PlannedRow:
    return PlannedRow(
        name=draft.name, entity=draft.entity, table=draft.table, values=dict(draft.values), keys=dict(draft.keys)
    )


def _promises(scenario: Scenario, present: Collection[str], volumes: Collection[str]) -> tuple[Promise, ...]:
    """Return the promises that speak of rows in the plan: of an entity with a count of 0, anything holds.

    Raises:
        CatalogError: one speaks of two volumes: of every pair of their rows, which are too many to judge.
    """
    absent = scenario.entities.keys() - present
    for promise in scenario.promises if volumes else ():
        if len(named := sorted(_entities(promise) & set(volumes))) > 1:
            raise CatalogError(
                f"{promise.source}: the promise is over each pair of rows of {' and '.join(named)}, which are volumes",
                hint="promise something of one of them, or make it a rule of the domain over a row and its parent",
            )
    return tuple(promise for promise in scenario.promises if not absent & _entities(promise))


def _entities(promise: Promise) -> set[str]:
    return {parts[0] for parts in names(parse(promise.expression, source=promise.source)) if len(parts) == 2}


def _override_cells(asked: Overrides, rulebook: Rulebook, scenario: Scenario) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for (entity, column), value in sorted(asked.cells.items()):
        table = rulebook.schema.table(scenario.entities[entity].table)
        cells[f"{entity}.{column}"] = to_cell(table.column(column).type, value, rulebook.schema)
    return cells


def _sources(drafts: Sequence[Draft]) -> dict[str, str]:
    return {f"{draft.name}.{column}": given.source for draft in drafts for column, given in draft.given.items()}
