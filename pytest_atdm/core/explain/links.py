"""Who refers to whom in a plan, and which cells are equal because of it."""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.catalog import Link
from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.ties import Ties
from pytest_atdm.core.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.model import ExistingRow, Plan, PlannedRow
    from pytest_atdm.core.planner.ties import Place
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import ForeignKey, Table

Followed: TypeAlias = "tuple[ForeignKey, Draft | ExistingRow]"


class Links:
    """The rows of *plan* as the planner had them, found again by their cells.

    ``drafts`` by name, in the plan's order; their ``links`` are the references whose columns nobody gave.
    """

    def __init__(self, plan: Plan, scenario: Scenario, rulebook: Rulebook) -> None:
        self.plan = plan
        self.rulebook = rulebook
        self._scenario = scenario
        as_of = datetime.date.fromisoformat(plan.as_of)
        self.situation = Situation(rulebook, as_of, plan.rows, plan.existing)
        self.drafts = {row.name: self._draft(row) for row in plan.rows}
        self.existing = {row.name: row for row in plan.existing}
        self._followed = {row.name: tuple(self._follow(row)) for row in plan.rows}
        for name, followed in self._followed.items():
            self.drafts[name].links = {key.name: row for key, row in followed if not self._is_given(name, key)}
        self.ties = Ties(list(self.drafts.values()))

    def of(self, row: str) -> Sequence[Followed]:
        """Return the foreign keys by which *row* refers to rows of the plan, and to which."""
        return self._followed.get(row, ())

    def source(self, draft: Draft, key: ForeignKey) -> str:
        """Return where the scenario says to which row *draft* refers by *key*; empty where it does not."""
        link = self._given_links.get((draft.entity, key.name))
        return link.source if link else ""

    @cached_property
    def asking(self) -> Mapping[str, Sequence[tuple[Draft, ForeignKey]]]:
        """By name of a row, the references to it that nobody gave or named; the row that it is named after first."""
        found: dict[str, list[tuple[Draft, ForeignKey]]] = {}
        for draft in self.drafts.values():
            for key in draft.shape.foreign_keys:
                if key.name in draft.links and not self.source(draft, key):
                    found.setdefault(draft.links[key.name].name, []).append((draft, key))
        for name, needs in found.items():
            needs.sort(key=lambda need: not _is_named_after(name, *need))
        return found

    def leading_to(self, place: Place) -> Iterator[tuple[Draft, ForeignKey]]:
        """Yield the references to *place*."""
        for draft in self.drafts.values():
            for key in draft.shape.foreign_keys:
                parent = draft.links.get(key.name)
                if parent is not None and parent.name == place[0] and place[1] in key.parent_columns:
                    yield draft, key

    def _draft(self, row: PlannedRow) -> Draft:
        shape = self.rulebook.shape(row.table, row.values)
        return Draft(row.name, row.entity, shape, values=dict(row.values), keys=dict(row.keys))

    def _follow(self, row: PlannedRow) -> Iterator[Followed]:
        draft = self.drafts[row.name]
        for key in draft.shape.foreign_keys:
            found = self.situation.find_parent(row, key)
            if found is not None:
                yield key, self.drafts.get(found.name) or self._choose_name(draft, key, found.name)

    def _choose_name(self, draft: Draft, key: ForeignKey, name: str) -> ExistingRow:
        """Return the existing row *name*, or its namesake that was looked up for *draft*: both are one row."""
        link = self._given_links.get((draft.entity, key.name))
        row = self.existing[name]
        same = [one for one in self.plan.existing if one.table == row.table and one.values == row.values]
        meant = (one for one in same if _is_named_after(one.name, draft, key) or (link and one.entity == link.entity))
        return next(meant, row)

    def _is_given(self, row: str, key: ForeignKey) -> bool:
        return all(f"{row}.{column}" in self.plan.sources for column in key.columns)

    @cached_property
    def _given_links(self) -> Mapping[tuple[str, str], Link]:
        """The links of the scenario by entity and foreign key."""
        found = {}
        for entity in self._scenario.entities.values():
            table = self.rulebook.schema.table(entity.table)
            for name, given in entity.given.items():
                if isinstance(given, Link) and (key := self._find_relation(table, name, given)) is not None:
                    found[entity.name, key.name] = given
        return found

    def _find_relation(self, table: Table, name: str, link: Link) -> ForeignKey | None:
        parent = self.rulebook.schema.table(self._scenario.entities[link.entity].table)
        return self.rulebook.find_relation(table, name, parent.id)


def _is_named_after(name: str, draft: Draft, key: ForeignKey) -> bool:
    """Return whether a row of this *name* was made or looked up for *draft* by *key*: a number may end it."""
    stems = (f"{draft.name}.{key.columns[0].removesuffix('_id')}", f"{draft.name}.{key.name}")
    return any(name == stem or name.rpartition("~")[0] == stem for stem in stems)
