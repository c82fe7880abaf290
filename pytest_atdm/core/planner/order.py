"""Parents before children, and which rows must be written together."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.model import PlannedRow
    from pytest_atdm.core.planner.drafts import Draft
    from pytest_atdm.core.schema import ForeignKey, Schema


def order_drafts(drafts: Sequence[Draft]) -> list[Draft]:
    """Return *drafts* so that each comes after those it refers to.

    Otherwise the given order is kept. Rows that refer to one another in a circle stay together; one statement inserts
    them all, so that the database judges the circle as a whole.
    """
    ordered: list[Draft] = []
    placed: set[int] = set()
    given = {id(draft): place for place, draft in enumerate(drafts)}
    for draft in drafts:
        _place(draft, given, placed, ordered)
    return ordered


def _place(draft: Draft, given: Mapping[int, int], placed: set[int], ordered: list[Draft]) -> None:
    """Depth first with a stack of its own: chains of parents may be longer than Python's recursion."""
    stack = [(draft, False)]
    while stack:
        current, done = stack.pop()
        if done:
            ordered.append(current)
        elif id(current) not in placed:
            placed.add(id(current))
            stack.append((current, True))
            parents = [cast("Draft", link) for link in current.links.values() if id(link) in given]
            parents.sort(key=lambda parent: given[id(parent)], reverse=True)
            stack.extend((parent, False) for parent in parents)


def batch_rows(rows: Sequence[PlannedRow], schema: Schema) -> Iterator[Sequence[PlannedRow]]:
    """Yield *rows* in their order, each alone, or with those up to the last one that it refers to: a circle."""
    places = {row.name: place for place, row in enumerate(rows)}
    start = 0
    while start < len(rows):
        end = place = start
        while place <= end:
            end = max(end, _last_parent(rows[place], rows, places, schema))
            place += 1
        yield rows[start : end + 1]
        start = end + 1


def _last_parent(row: PlannedRow, rows: Sequence[PlannedRow], places: dict[str, int], schema: Schema) -> int:
    """Return the place of the last row that *row* refers to; its own where that is none."""
    found = places[row.name]
    for key in schema.tables[row.table].foreign_keys:
        found = max([found, *(places[one.name] for one in rows[found + 1 :] if _refers(row, key, one))])
    return found


def _refers(row: PlannedRow, key: ForeignKey, parent: PlannedRow) -> bool:
    if parent.table != key.parent:
        return False
    cells = [row.keys.get(name, row.values.get(name)) for name in key.columns]
    return None not in cells and cells == [parent.keys.get(n, parent.values.get(n)) for n in key.parent_columns]


def order_removal(tables: Sequence[str], schema: Schema) -> Iterator[Sequence[str]]:
    """Yield *tables* (ids) so that each comes after those that refer to it; tables in a circle come together.

    Otherwise the given order is kept.
    """
    left = list(dict.fromkeys(tables))
    while left:
        circles = {name: _referring(name, left, schema) for name in left}
        first = min(left, key=lambda name: len(circles[name]))
        together = [name for name in left if name in circles[first]]
        yield together
        left = [name for name in left if name not in together]


def _referring(table: str, among: Sequence[str], schema: Schema) -> set[str]:
    """Return *table* and all of *among* that refer to it, directly or through others."""
    found, frontier = {table}, [table]
    while frontier:
        for child, _ in schema.children.get(frontier.pop(), ()):
            if child.id in among and child.id not in found:
                found.add(child.id)
                frontier.append(child.id)
    return found
