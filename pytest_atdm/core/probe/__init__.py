"""Whether a row of a table can be planted: plan, try, learn from what the database says, and plan again.

Pure: a probe is a generator that asks questions and is sent their answers; whoever drives it does the I/O.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.catalog import Entity, Scenario
from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.probe.proposals import Proposals
from pytest_atdm.core.probe.questions import JudgeRows, ListRows, TryPlan
from pytest_atdm.core.probe.verdict import Reason, Verdict, explain_refusal, explain_residue

if TYPE_CHECKING:
    import datetime
    from collections.abc import Generator

    from pytest_atdm.core.model import Plan, Trial
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.rulebook import Rulebook

__all__ = ("JudgeRows", "ListRows", "Probe", "TryPlan", "Verdict")

#: So many plans are tried for one table: the first is right for most, and each costs a few ms.
MAX_TRIALS: Final = 24
ENTITY: Final = "row"

_UNTRIED: Final = Reason(kind="unexplained", text="no plan was tried")

Asking: TypeAlias = "Generator[Question, Answer, Verdict]"


class Probe:
    """Probes the tables of one database, one after another; what it learns of a table serves those that need it."""

    def __init__(self, rulebook: Rulebook, *, run_id: str, as_of: datetime.date) -> None:
        self._rulebook = rulebook
        self._gate = Gate(rulebook)
        self._run_id = run_id
        self._as_of = as_of
        self._learnt = NO_ADVICE

    def ask(self, table: str) -> Asking:
        """Find out about the table with the id *table*; a leaf partition goes by its own id.

        Yields questions; returns the verdict.
        """
        root, rulebook = self._focus(table)
        attempt = _Attempt(table, root, rulebook, self._gate, self._run_id, self._as_of)
        verdict = yield from attempt.ask(self._learnt)
        if verdict.advice is not None:
            self._learnt = dataclasses.replace(verdict.advice, attempt=0)
        return verdict

    def _focus(self, table: str) -> tuple[str, Rulebook]:
        """Return the table to plan for, and the rules: of a partition, its own bounds are the only ones."""
        schema = self._rulebook.schema
        if table in schema.tables:
            return table, self._rulebook
        for root in schema.tables.values():
            for part in root.partitions or ():
                if part.id == table:
                    shape = dataclasses.replace(root, partitions=(part,))
                    focused = dataclasses.replace(schema, tables={**schema.tables, root.id: shape})
                    return root.id, type(self._rulebook)(focused, self._rulebook.domain)
        schema.table(table)  # raises
        raise AssertionError


class _Attempt:
    """The plans for one table, each made with other advice."""

    def __init__(
        self, name: str, table: str, rulebook: Rulebook, gate: Gate, run_id: str, as_of: datetime.date
    ) -> None:
        self._name = name
        self._table = table
        self._rulebook = rulebook
        self._gate = gate
        self._run_id = run_id
        self._as_of = as_of
        self._fingerprint = gate.rulebook.schema.fingerprint
        self._reasons: list[Reason] = []
        self._trials = 0

    def ask(self, advice: Advice) -> Asking:
        proposals = Proposals(self._rulebook, self._table, self._as_of)
        # Rows filled in full serve where they were asked for; elsewhere they break more than they mend.
        queue, seen = deque([dataclasses.replace(advice, full=frozenset()), advice]), set()
        while queue and self._trials < MAX_TRIALS:
            advice = queue.popleft()
            if (known := repr(advice)) in seen:
                continue
            seen.add(known)
            self._trials += 1
            made = self._plan(self._table, advice)
            if made is None:
                queue.extend((yield from proposals.without_plan(advice)))
                continue
            trial = yield TryPlan(made)
            if trial.refusal is None:
                return self._planted(made, trial, advice)
            self._reasons.append(explain_refusal(trial.refusal, self._rulebook.schema))
            found = yield from proposals.after(made, trial.refusal, advice)
            queue.extendleft(reversed(found))
        made_by_trigger = yield from self._ask_for_trigger(advice)
        if made_by_trigger is not None:
            return made_by_trigger
        return (yield from self._settle())

    def _plan(self, table: str, advice: Advice) -> Plan | None:
        """Return the plan of one row of *table*; None, with the reason noted, where there is none."""
        scenario = Scenario(
            id=f"probe/{self._name}",
            domain=self._rulebook.domain.name,
            source="probe",
            title=self._name,
            intent="",
            entities={ENTITY: Entity(name=ENTITY, table=table, source="probe")},
        )
        try:
            made = plan(
                scenario,
                self._rulebook,
                overrides={},
                run_id=self._run_id,
                request_key=self._name,
                seed=0,
                as_of=self._as_of,
                advice=advice,
            )
        except PlanImpossible as impossible:
            self._reasons.append(Reason(kind="impossible", text=impossible.message))
            return None
        made = dataclasses.replace(made, schema=self._fingerprint)
        findings = self._gate.check(made)
        if findings:
            first = findings[0]
            is_known = first.rule.startswith("check:")
            text = f"{first.path}: {first.message}"
            self._reasons.append(Reason(kind="impossible" if is_known else "unexplained", text=text))
            return None
        return made

    def _planted(self, made: Plan, trial: Trial, advice: Advice) -> Verdict:
        residue = explain_residue(trial.residue)
        return Verdict(
            table=self._name,
            outcome="planted",
            reason=f"a reset leaves {residue}" if residue else "",
            plan=made,
            trial=trial,
            advice=advice,
            trials=self._trials,
        )

    def _ask_for_trigger(self, advice: Advice) -> Generator[Question, Answer, Verdict | None]:
        """See whether a trigger of a parent makes the row."""
        if not any(reason.kind == "taken" for reason in self._reasons):
            return None
        for key in self._rulebook.schema.tables[self._table].foreign_keys:
            made = self._plan(key.parent, advice) if key.parent != self._table else None
            trial = (yield TryPlan(made)) if made else None
            if made and trial and trial.refusal is None and self._table in trial.made:
                text = f"a trigger makes the row together with that of {key.parent}"
                return dataclasses.replace(self._planted(made, trial, advice), reason=text)
        return None

    def _settle(self) -> Asking:
        """Answer where no plan was taken: rows that stand there can be referred to, or there is a reason."""
        counts = Counter(reason.key for reason in self._reasons)
        # What was said most often is what stood in the way in the end; at a tie, what was said first.
        reason = max(self._reasons, key=lambda one: counts[one.key], default=_UNTRIED)
        rows = yield ListRows((self._table,))
        if rows.get(self._table) and reason.kind != "denied":
            return Verdict(table=self._name, outcome="reused", reason=reason.text, trials=self._trials)
        outcome = "failed" if reason.kind == "unexplained" else "refused"
        return Verdict(table=self._name, outcome=outcome, reason=reason.text, trials=self._trials)  # type: ignore[arg-type]
