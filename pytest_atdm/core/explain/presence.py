"""Why each row of a plan is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.explain.conditions import Conditions
from pytest_atdm.core.explain.model import ADVICE, Need, Presence
from pytest_atdm.core.planner.drafts import Draft, is_required

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.explain.links import Links
    from pytest_atdm.core.model import ExistingRow
    from pytest_atdm.core.schema import ForeignKey


class Presences:
    """Explains why rows are in a plan, with *links* between its rows."""

    def __init__(self, scenario: Scenario, links: Links) -> None:
        self._scenario = scenario
        self._links = links
        self._conditions = Conditions(links)

    def explain(self, row: Draft | ExistingRow) -> Presence:
        """Return why *row* is there."""
        rulebook = self._links.rulebook
        reference = "" if isinstance(row, Draft) else rulebook.reference_source(row.table, row.values)
        entity = self._scenario.entities.get(row.entity)
        if entity is not None:
            return Presence(kind="entity", source=entity.source, reference=reference)
        needs = tuple(self._explain_need(draft, key) for draft, key in self._links.asking.get(row.name, ()))
        if not isinstance(row, Draft):
            return Presence(kind="reused", reference=reference, needs=needs)
        return Presence(kind="advice" if self._is_advised(row) else "created", needs=needs)

    def _is_advised(self, draft: Draft) -> bool:
        return any(self._links.plan.sources.get(f"{draft.name}.{column}") == ADVICE for column in draft.values)

    def _explain_need(self, draft: Draft, key: ForeignKey) -> Need:
        required = is_required(draft.shape, key, self._links.rulebook.schema)
        causes = () if required else tuple(self._conditions.find_needing(draft, key))
        return Need(row=draft.name, constraint=key.name, columns=key.columns, required=required, causes=causes)
