"""Whether rows can be planted: plan, try, learn from what the database says, and plan again.

Pure: a probe is a generator that asks questions and is sent their answers; whoever drives it does the I/O.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.catalog import Entity, Scenario
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.probe.questions import JudgeRows, ListRows, TryPlan
from pytest_atdm.core.probe.search import Found, Search
from pytest_atdm.core.probe.verdict import Outcome, Reason, Verdict, explain_residue

if TYPE_CHECKING:
    import datetime
    from collections.abc import Generator

    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.rulebook import Rulebook

__all__ = (
    "MAX_SCENARIO_TRIALS",
    "STANDING_ROWS",
    "Found",
    "JudgeRows",
    "ListRows",
    "Probe",
    "Search",
    "TryPlan",
    "Verdict",
)

#: So many plans are tried for one table: the first is right for most, and each costs a few ms.
MAX_TRIALS: Final = 24
#: Fewer for a scenario: a test waits.
MAX_SCENARIO_TRIALS: Final = 10
#: So many rows of a table are looked at for one to refer to.
STANDING_ROWS: Final = 5
ENTITY: Final = "row"
_UNTRIED: Final = Reason("unexplained", "no plan was tried")

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
        search = self._search(table, root, rulebook)
        # Rows filled in full serve where they were asked for; elsewhere they break more than they mend.
        found = yield from search.ask(dataclasses.replace(self._learnt, full=frozenset()), self._learnt)
        if found is not None:
            self._learnt = dataclasses.replace(found.advice, attempt=0)
            return _planted(table, found, search.trials)
        made_by_trigger = yield from self._ask_for_trigger(table, root, rulebook, search)
        if made_by_trigger is not None:
            return made_by_trigger
        return (yield from _settle(table, root, search))

    def _search(self, name: str, table: str, rulebook: Rulebook) -> Search:
        make = partial(self._plan, name, table, rulebook)
        return Search(make, self._gate, rulebook, tables=(table,), as_of=self._as_of, at_most=MAX_TRIALS)

    def _plan(self, name: str, table: str, rulebook: Rulebook, advice: Advice) -> Plan:
        scenario = Scenario(
            id=f"probe/{name}",
            domain=rulebook.domain.name,
            source="probe",
            title=name,
            intent="",
            entities={ENTITY: Entity(name=ENTITY, table=table, source="probe")},
        )
        made = plan(
            scenario,
            rulebook,
            overrides={},
            run_id=self._run_id,
            request_key=name,
            seed=0,
            as_of=self._as_of,
            advice=advice,
        )
        return dataclasses.replace(made, schema=self._rulebook.fingerprint)

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
        return schema.table(table).id, self._rulebook

    def _ask_for_trigger(
        self, name: str, table: str, rulebook: Rulebook, search: Search
    ) -> Generator[Question, Answer, Verdict | None]:
        """See whether a trigger of a parent makes the row."""
        if not any(reason.kind == "taken" for reason in search.reasons):
            return None
        for key in rulebook.schema.tables[table].foreign_keys:
            parent = self._search(key.parent, key.parent, rulebook)
            made = parent.plan(self._learnt) if key.parent != table else None
            trial = (yield TryPlan(made)) if made else None
            if made and trial and trial.refusal is None and table in trial.made:
                verdict = _planted(name, Found(made, trial, self._learnt), search.trials)
                return dataclasses.replace(
                    verdict, reason=f"a trigger makes the row together with that of {key.parent}"
                )
        return None


def _planted(table: str, found: Found, trials: int) -> Verdict:
    residue = explain_residue(found.trial.residue)
    return Verdict(
        table=table,
        outcome="planted",
        reason=f"a reset leaves {residue}" if residue else "",
        plan=found.plan,
        trial=found.trial,
        trials=trials,
    )


def _settle(name: str, table: str, search: Search) -> Asking:
    """Answer where no plan was taken: rows that stand there can be referred to, or there is a reason.

    What was said most often is what stood in the way in the end; at a tie, what was said first. A plan of ours that
    was at fault counts only where the database never spoke.
    """
    explained = [reason for reason in search.reasons if reason.kind != "unexplained"] or search.reasons
    counts = Counter(reason.key for reason in explained)
    reason = max(explained, key=lambda one: counts[one.key], default=_UNTRIED)
    rows = yield ListRows((table,))
    outcome: Outcome = "failed" if reason.kind == "unexplained" else "refused"
    if rows.get(table) and reason.kind != "denied":
        outcome = "reused"
    return Verdict(table=name, outcome=outcome, reason=reason.text, trials=search.trials)
