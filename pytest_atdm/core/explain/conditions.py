"""Which conditions have a say in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.explain.model import Cause
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, compile_expression, names, substitute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.explain.links import Links
    from pytest_atdm.core.expressions import Expr, Parts, Scope, Value
    from pytest_atdm.core.planner.drafts import Draft
    from pytest_atdm.core.planner.ties import Place
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import ForeignKey, Table


class Conditions:
    """Asks the conditions of the rulebook about cells, with all other cells of the plan known."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._rulebook = links.rulebook

    def find_narrowing(self, place: Place) -> Iterator[Cause]:
        """Yield the conditions that not every value of the cell satisfies, and those that its tied cells have."""
        draft = self._links.drafts[place[0]]
        for condition in self._rulebook.conditions(draft.shape):
            if self._narrows(condition, draft, place[1]):
                yield describe_condition(condition, draft.shape)
        for row, column in self._links.ties.of(place):
            tied = self._links.drafts.get(row)
            if tied is not None and (row, column) != place:
                yield from self._find_own(tied, column)

    def find_needing(self, draft: Draft, key: ForeignKey) -> Iterator[Cause]:
        """Yield the conditions that are false where the columns of *key* are NULL."""
        scope = self._links.situation.scope(draft)

        def look_up(parts: Parts) -> Value:
            return None if len(parts) == 1 and parts[0] in key.columns else scope(parts)

        for condition in self._rulebook.conditions(draft.shape):
            if not condition.columns.isdisjoint(key.columns) and _evaluate(condition, look_up) is False:
                yield describe_condition(condition, draft.shape)

    def _find_own(self, draft: Draft, column: str) -> Iterator[Cause]:
        """Yield the conditions on *column* alone."""
        for condition in self._rulebook.conditions(draft.shape):
            if condition.is_local and condition.columns == {column}:
                yield describe_condition(condition, draft.shape)

    def _narrows(self, condition: Condition, draft: Draft, column: str) -> bool:
        scope = self._links.situation.scope(draft)

        def look_up(parts: Parts) -> Value:
            return UNDECIDED if parts == (column,) else scope(parts)

        return any(_speaks_of(substitute(part, look_up), column) for part in condition.parts_about(column))


def describe_condition(condition: Condition, table: Table) -> Cause:
    """Return *condition* as a cause: a CHECK by its name, with the table; a rule by its id, with file and line."""
    name = condition.id.removeprefix("check:")
    is_check = name != condition.id
    return Cause(
        kind="check" if is_check else "rule",
        name=name,
        text=condition.text,
        source=table.id if is_check else condition.source,
    )


def _speaks_of(expr: Expr, column: str) -> bool:
    """Return whether *expr* depends on *column*: ``x < NULL`` names it and does not."""
    return (column,) in names(expr) and _decide(expr) is UNDECIDED


def _decide(expr: Expr) -> Value:
    try:
        return compile_expression(expr)(lambda _: UNDECIDED)
    except EvaluationError:
        return None


def _evaluate(condition: Condition, look_up: Scope) -> Value:
    try:
        return condition.evaluate(look_up)
    except EvaluationError:
        return None
