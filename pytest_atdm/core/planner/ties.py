"""Cells that foreign keys make equal, across all rows of a situation."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.model import ExistingRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.planner.drafts import Draft

Place: TypeAlias = tuple[str, str]  # row, column


class Ties:
    """The classes of tied cells of *drafts* and of the existing rows they are linked to.

    A diamond of references makes one class of all its cells: whatever gives one of them its value gives it to all.
    """

    def __init__(self, drafts: Sequence[Draft], *, namesakes: bool = False) -> None:
        self._above: dict[Place, Place] = {}
        self._tied: dict[Place, list[Place]] = defaultdict(list)
        for draft in drafts:
            for key in draft.shape.foreign_keys:
                if key.name in draft.links:
                    parent = draft.links[key.name]
                    for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
                        self._tie((draft.name, column), (parent.name, parent_column))
                    if namesakes and not isinstance(parent, ExistingRow):
                        self._tie_namesakes(draft, parent)
        for place in self._above:
            self._tied[self._top(place)].append(place)

    def of(self, place: Place) -> Sequence[Place]:
        """Return all cells that equal *place*, those that are referred to first; *place* alone where it is free."""
        return self._tied.get(self._top(place), (place,))

    def _tie_namesakes(self, child: Draft, parent: Draft) -> None:
        for column in child.shape.columns:
            other = parent.shape.column_by_name.get(column.name)
            if other is None or column.type != other.type or column.filled_by_database or other.filled_by_database:
                continue
            if not any(column.name in columns for columns in (*child.shape.unique_sets, *parent.shape.unique_sets)):
                self._tie((child.name, column.name), (parent.name, column.name))

    def _tie(self, child: Place, parent: Place) -> None:
        for place in (parent, child):
            self._above.setdefault(place, place)
        below, above = self._top(child), self._top(parent)
        if below != above:
            self._above[below] = above

    def _top(self, place: Place) -> Place:
        while (above := self._above.get(place, place)) != place:
            place = above
        return place


def merge_same_rows(drafts: Sequence[Draft]) -> list[Draft]:
    """Return *drafts* without those that must be the same row as another: ties make a unique key of theirs equal.

    Only rows that nobody named are given up; what refers to one of them refers to the other then.
    """
    kept = list(drafts)
    while len({draft.table for draft in kept}) < len(kept) and (pair := _find_same(kept)) is not None:
        same, extra = pair
        kept.remove(extra)
        for draft in kept:
            draft.links = {name: same if link is extra else link for name, link in draft.links.items()}
    return kept


def _find_same(drafts: Sequence[Draft]) -> tuple[Draft, Draft] | None:
    ties = Ties(drafts)
    known: dict[tuple[object, ...], Draft] = {}
    for draft in drafts:
        for columns in draft.shape.unique_sets:
            places = [ties.of((draft.name, column)) for column in columns]
            if any(len(tied) == 1 for tied in places):
                continue
            other = known.setdefault((draft.table, columns, *(tied[0] for tied in places)), draft)
            if other is not draft and (draft.cause or other.cause):
                return (other, draft) if draft.cause else (draft, other)
    return None
