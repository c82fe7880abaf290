"""Why a plan is as it is, found out afterwards: planning itself keeps no record of its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.explain.links import Links
from pytest_atdm.core.explain.model import (
    Branch,
    Cause,
    ExplainedCell,
    ExplainedRow,
    Explanation,
    Need,
    Presence,
    Reference,
)
from pytest_atdm.core.explain.origins import Origins
from pytest_atdm.core.explain.presence import Presences
from pytest_atdm.core.explain.tree import find_roots, grow_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.rulebook import Rulebook

__all__ = (
    "Branch",
    "Cause",
    "ExplainedCell",
    "ExplainedRow",
    "Explanation",
    "Need",
    "Presence",
    "Reference",
    "explain",
    "grow_tree",
)


def explain(plan: Plan, scenario: Scenario, rulebook: Rulebook) -> Explanation:
    """Return where every cell of *plan* comes from, and why every row of it is there.

    Pure. *scenario* and *rulebook* are those that the plan was made from. Every column of every row has one origin.
    Where several things narrow a value they are all named, and the origin is the strongest: the domain's generator,
    that rows must differ, then rules, then CHECKs. Cells that a search settled after the database had refused other
    plans cannot be told from drawn ones.
    """
    links = Links(plan, scenario, rulebook)
    rows = {row.name: row for row in _explain_rows(scenario, links)}
    return Explanation(
        scenario=plan.scenario,
        as_of=plan.as_of,
        seed=plan.seed,
        parameters=plan.parameters,
        tree=tuple(grow_tree(rows, find_roots(rows))),
        rows=rows,
        more={volume.entity: volume.rows for volume in plan.volumes},
    )


def _explain_rows(scenario: Scenario, links: Links) -> Iterator[ExplainedRow]:
    origins, presences = Origins(scenario, links), Presences(scenario, links)
    for draft in links.drafts.values():
        yield ExplainedRow(
            name=draft.name,
            entity=draft.entity,
            table=draft.table,
            presence=presences.explain(draft),
            references=tuple(
                Reference(constraint=key.name, columns=key.columns, parent=parent.name, source=links.source(draft, key))
                for key, parent in links.of(draft.name)
            ),
            cells=tuple(origins.explain(draft)),
        )
    for row in links.plan.existing:
        yield ExplainedRow(
            name=row.name,
            entity=row.entity,
            table=row.table,
            presence=presences.explain(row),
            references=(),
            cells=tuple(origins.explain_existing(row)),
            is_existing=True,
        )
