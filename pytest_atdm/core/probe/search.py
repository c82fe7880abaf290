"""Plan, try, learn from what the database says, and plan again, until a plan goes well or nothing is left to try."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.probe.proposals import Proposals
from pytest_atdm.core.probe.questions import TryPlan
from pytest_atdm.core.probe.verdict import Reason, explain_refusal

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Generator, Sequence

    from pytest_atdm.core.gate import Gate
    from pytest_atdm.core.model import Plan, Trial
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.probe.verdict import Kind
    from pytest_atdm.core.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Found:
    """A plan that the database took, what it said, and the advice that the plan was made with."""

    plan: Plan
    trial: Trial
    advice: Advice


Searching: TypeAlias = "Generator[Question, Answer, Found | None]"


class Search:
    """Looks for advice with which *make* gives a plan for rows of *tables* that the database takes.

    ``reasons`` are why the plans so far were not taken, ``trials`` how many there were, at most *at_most*.
    """

    def __init__(
        self,
        make: Callable[[Advice], Plan],
        gate: Gate,
        rulebook: Rulebook,
        *,
        tables: Sequence[str],
        as_of: datetime.date,
        at_most: int,
    ) -> None:
        self._make = make
        self._gate = gate
        self._rulebook = rulebook
        self._tables = tables
        self._as_of = as_of
        self._at_most = at_most
        self.reasons: list[Reason] = []
        self.trials = 0

    def ask(self, *starts: Advice) -> Searching:
        """Begin with each of *starts*, then go where the refusals lead. Yields questions; None where all is in vain."""
        proposals = Proposals(self._rulebook, self._tables, self._as_of)
        queue, seen = deque(starts), set()
        while queue and self.trials < self._at_most:
            advice = queue.popleft()
            if (known := repr(advice)) in seen:
                continue
            seen.add(known)
            self.trials += 1
            made = self.plan(advice)
            if made is None:
                queue.extend((yield from proposals.without_plan(advice)))
                continue
            trial = yield TryPlan(made)
            if trial.refusal is None:
                return Found(made, trial, advice)
            self.reasons.append(explain_refusal(trial.refusal, self._rulebook.schema))
            # What follows from the refusal comes next; what may help in general waits for what is in the queue.
            queue.extendleft(reversed((yield from proposals.after(made, trial.refusal, advice))))
            queue.extend((yield from proposals.beyond(made, trial.refusal, advice)))
        return None

    def plan(self, advice: Advice) -> Plan | None:
        """Return the plan that *advice* leads to; None, with the reason noted, where there is none."""
        try:
            made = self._make(advice)
        except PlanImpossible as impossible:
            text = impossible.message.partition(": ")[2]  # without the scenario
            self.reasons.append(Reason("impossible", text, text))
            return None
        findings = self._gate.check(made)
        if findings:
            first = findings[0]
            text = f"{first.path}: {first.message}"
            kind: Kind = "impossible" if first.rule.startswith("check:") else "unexplained"
            self.reasons.append(Reason(kind, text, first.rule))
            return None
        return made
