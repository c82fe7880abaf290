"""Planning with everything noted that it does: the measure of what an explanation finds out afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import read_overrides
from pytest_atdm.core.planner import NO_ADVICE
from pytest_atdm.core.planner.advice import LinkNeeded
from pytest_atdm.core.planner.drafts import Draft, Drafting
from pytest_atdm.core.planner.fill import Filling
from pytest_atdm.core.planner.order import order_drafts
from pytest_atdm.core.planner.pattern import Drawn, Given, Step

if TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Mapping, Sequence

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.explain import Explanation
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.planner.ties import Place
    from pytest_atdm.core.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Watched:
    """The drafts of a plan, by cell the step that settled it, and the cells by which rows of the plan differ."""

    drafts: Sequence[Draft]
    steps: Mapping[Place, Step]
    apart: Collection[Place]

    def find_faults(self, told: Explanation) -> list[str]:
        """Return what *told* says otherwise than it was."""
        return [fault for draft in self.drafts for fault in (*self._misread(draft, told), *_misled(draft, told))]

    def _misread(self, draft: Draft, told: Explanation) -> list[str]:
        cells = told.rows[draft.name].cells
        wrong = [cell for cell in cells if cell.origin not in self._expect(draft, cell.column)]
        return [f"{draft.name}.{cell.column}: {cell.origin}" for cell in wrong]

    def _expect(self, draft: Draft, column: str) -> Collection[str]:
        step = self.steps.get((draft.name, column))
        if column not in draft.values:
            return ("key",) if column in draft.keys else ("default",)
        if isinstance(step, Drawn):
            is_unique = step.unique or (draft.name, column) in self.apart
            return ("unique",) if is_unique else ("rule", "check", "type")
        return ("scenario", "override") if isinstance(step, Given) else ("key",)


def _misled(draft: Draft, told: Explanation) -> list[str]:
    """Compare to whom *draft* refers, and for whose sake it is there."""
    row = told.rows[draft.name]
    links = {name: parent.name for name, parent in draft.links.items()}
    seen = {one.constraint: one.parent for one in row.references}
    wrong = [f"{draft.name}: {name} -> {seen.get(name)}" for name in links if seen.get(name) != links[name]]
    if draft.cause is not None and (not row.presence.needs or row.presence.needs[0].row != draft.cause.name):
        wrong.append(f"{draft.name}: {row.presence}")
    return wrong


def watch(
    scenario: Scenario, plan: Plan, rulebook: Rulebook, overrides: Mapping[str, object], as_of: datetime.date
) -> Watched:
    """Make *plan* of *scenario* anew, and return what the planner did."""
    advice = NO_ADVICE
    while True:
        try:
            return _watch(scenario, plan, rulebook, overrides, as_of, advice)
        except LinkNeeded as need:
            advice = advice.linking(need.table, need.keys)


def _watch(
    scenario: Scenario,
    plan: Plan,
    rulebook: Rulebook,
    overrides: Mapping[str, object],
    as_of: datetime.date,
    advice: Advice,
) -> Watched:
    asked = read_overrides(scenario, overrides)
    drafting = Drafting(scenario, rulebook, asked, plan.seed, advice)
    drafting.run()
    drafts = order_drafts(drafting.drafts)
    filling = Filling(
        scenario,
        rulebook,
        asked,
        drafts=drafts,
        existing=drafting.existing,
        seed=plan.seed,
        as_of=as_of,
        unique_part=(plan.run_id, plan.request_key),
        advice=advice,
    )
    filling.run()
    assert [dict(row.values) for row in plan.rows] == [draft.values for draft in drafts]
    apart = {
        (draft.name, column.name)
        for draft in drafts
        for column in draft.shape.columns
        if filling._drawing._taken_beside(draft, column)
    }
    return Watched(drafts, {(step.row, step.column): step for step in filling.notes.steps}, apart)
