"""Parents before children."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.planner.drafts import Draft


def order_drafts(drafts: Sequence[Draft]) -> list[Draft]:
    """Return *drafts* so that each comes after those it refers to.

    Otherwise the given order is kept. Rows that refer to one another in a circle stay together; one statement inserts
    them all, so that the database judges the circle as a whole.
    """
    ordered: list[Draft] = []
    placed: set[int] = set()
    for draft in drafts:
        _place(draft, {id(one) for one in drafts}, placed, ordered)
    return ordered


def _place(draft: Draft, planned: set[int], placed: set[int], ordered: list[Draft]) -> None:
    """Depth first with a stack of its own: chains of parents may be longer than Python's recursion."""
    stack = [(draft, False)]
    while stack:
        current, done = stack.pop()
        if done:
            ordered.append(current)
        elif id(current) not in placed and id(current) in planned:
            placed.add(id(current))
            stack.append((current, True))
            parents = [link for link in current.links.values() if hasattr(link, "links")]
            stack.extend((parent, False) for parent in reversed(parents))  # type: ignore[misc]
