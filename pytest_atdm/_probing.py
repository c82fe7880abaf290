"""Who answers a probe's questions: the seeder, by its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pytest_atdm.core.probe import STANDING_ROWS, JudgeRows, TryPlan

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.probe.questions import Answer, Question

Result = TypeVar("Result")


def drive(client: SeederClient, asking: Generator[Question, Answer, Result]) -> Result:
    """Answer the questions of *asking* until it returns, and return what it does."""
    answer: object = None
    while True:
        try:
            question = asking.send(answer)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        if isinstance(question, TryPlan):
            answer = client.try_plan(question.plan)
        elif isinstance(question, JudgeRows):
            answer = client.judge_rows(question.table, question.constraint, question.rows)
        else:
            answer = client.list_rows(question.tables, limit=STANDING_ROWS)
