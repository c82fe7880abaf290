"""Probing every table of a database in this process, and planting for real what can be planted."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from pytest_atdm.cli.schema_check import list_tables
from pytest_atdm.core.catalog import Domain
from pytest_atdm.core.model import Trial
from pytest_atdm.core.probe import JudgeRows, Probe, TryPlan, Verdict
from pytest_atdm.core.rulebook import Rulebook
from tests.database.world import TOKEN_HASH, World, command_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.probe.questions import Answer, Question

RUN_ID: Final = "01KAN2Q8Y7V0E2M5T9S4B6C3D1"
AS_OF: Final = datetime.date(2026, 3, 1)
_ROWS_LISTED: Final = 5


class Visit:
    """A database with the tables of some SQL, and the verdict on each of them; *role* is as in ``World``."""

    def __init__(self, url: str, sql: str, *, role: str = "") -> None:
        self.world = World(url, sql, role=role)
        self.world.start_run(RUN_ID)
        self.before = self.world.rows()
        self.verdicts: Mapping[str, Verdict] = self._probe()

    def _probe(self) -> dict[str, Verdict]:
        schema = self.world.wait(self.world.database.read_schema())
        probe = Probe(Rulebook(schema, Domain(name="")), run_id=RUN_ID, as_of=AS_OF)
        return {table: self._ask(probe, table) for table in list_tables(schema)}

    def _ask(self, probe: Probe, table: str) -> Verdict:
        asking = probe.ask(table)
        answer: Answer = None
        try:
            while True:
                answer = self._answer(asking.send(answer))
        except StopIteration as stop:
            verdict: Verdict = stop.value
            return verdict

    def _answer(self, question: Question) -> Answer:
        database = self.world.database
        if isinstance(question, TryPlan):
            outcome = self.world.wait(database.try_plan(question.plan))
            return Trial(refusal=outcome.refusal, made=outcome.made, residue=outcome.residue)
        if isinstance(question, JudgeRows):
            return self.world.wait(database.judge_rows(question.table, question.constraint, question.rows))
        return self.world.wait(database.list_rows(question.tables, _ROWS_LISTED))

    def plant(self, table: str) -> None:
        """Seed the plan for *table* and reset it, for good."""
        plan = self.verdicts[table].plan
        assert plan is not None, table
        database, request_id = self.world.database, f"{plan.run_id}-{table}"
        self.world.wait(database.seed(command_of(plan, request_id=request_id)))
        report = self.world.wait(database.reset_request(request_id, TOKEN_HASH))
        assert () == report.left, table
