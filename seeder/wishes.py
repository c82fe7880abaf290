"""Situations asked for by intent, which are planned in the seeder: what agents and people without pytest come with."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.model import Trial
from pytest_atdm.core.planner import NO_ADVICE
from pytest_atdm.core.planner import plan as make_plan
from pytest_atdm.core.probe import MAX_SCENARIO_TRIALS, STANDING_ROWS, JudgeRows, Search, TryPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.gate import Gate
    from pytest_atdm.core.model import Cell, Plan
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe import Found
    from pytest_atdm.core.probe.search import Searching
    from seeder.db.database import Database
    from seeder.gates import Gates
    from seeder.records import RunRecord

#: A day: so long rows stand whose run was started for the one request that asked for them.
KEEP_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A situation asked for by intent, to be planned here. None means: the run's own, or a new one.

    *keep_s*: so many seconds the rows of a new run stand.
    """

    scenario: str
    overrides: Mapping[str, Cell]
    run_id: str | None = None
    request_key: str | None = None
    seed: int | None = None
    as_of: datetime.date | None = None
    actor: str | None = None
    keep_s: int = KEEP_S


class WishPlanner:
    """Plans wishes against the database as it stands."""

    def __init__(self, database: Database, catalog: Catalog, gates: Gates) -> None:
        self._database = database
        self._catalog = catalog
        self._gates = gates

    async def plan(self, wish: Wish, run: RunRecord, request_key: str) -> Plan:
        """Return the plan of *wish* for the request *request_key* of *run*."""
        gate = await self._gates.for_planning(self._catalog.scenario(wish.scenario).domain)
        return self._plan_with(wish, run, request_key, gate, NO_ADVICE)

    async def find_plan(self, wish: Wish, run: RunRecord, request_key: str) -> Plan | None:
        """Return another plan of *wish* that the database takes, where its refusals lead to one."""
        scenario = self._catalog.scenario(wish.scenario)
        gate = await self._gates.for_planning(scenario.domain)
        search = Search(
            lambda advice: self._plan_with(wish, run, request_key, gate, advice),
            gate,
            gate.rulebook,
            tables=[gate.rulebook.schema.table(entity.table).id for entity in scenario.entities.values()],
            as_of=_day_of(wish, run),
            at_most=MAX_SCENARIO_TRIALS,
        )
        found = await self._answer(search.ask(NO_ADVICE))
        return found.plan if found else None

    async def _answer(self, asking: Searching) -> Found | None:
        """Answer the questions of *asking* until it returns, and return what it does."""
        answer: object = None
        while True:
            try:
                question = asking.send(answer)
            except StopIteration as stop:
                found: Found | None = stop.value
                return found
            if isinstance(question, TryPlan):
                outcome = await self._database.try_plan(question.plan)
                answer = Trial(refusal=outcome.refusal, made=outcome.made, residue=outcome.residue)
            elif isinstance(question, JudgeRows):
                answer = await self._database.judge_rows(question.table, question.constraint, question.rows)
            else:
                answer = await self._database.list_rows(question.tables, STANDING_ROWS)

    def _plan_with(self, wish: Wish, run: RunRecord, request_key: str, gate: Gate, advice: Advice) -> Plan:
        return make_plan(
            self._catalog.scenario(wish.scenario),
            gate.rulebook,
            overrides=wish.overrides,
            run_id=run.run_id,
            request_key=request_key,
            seed=run.seed if wish.seed is None else wish.seed,
            as_of=_day_of(wish, run),
            advice=advice,
        )


def _day_of(wish: Wish, run: RunRecord) -> datetime.date:
    return wish.as_of or datetime.date.fromisoformat(run.as_of)
