"""The rows of a plan as a tree: below each row those that it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.explain.model import Branch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.explain.model import ExplainedRow


def grow_tree(rows: Mapping[str, ExplainedRow], roots: Iterable[str]) -> Iterator[Branch]:
    """Yield the tree below *roots*, depth first; a row that was shown before comes again without what is below it."""
    shown: set[str] = set()
    for root in roots:
        if root in shown:
            continue
        stack = [Branch(depth=0, row=root)]
        while stack:  # of its own: chains of parents may be longer than Python's recursion
            branch = stack.pop()
            if branch.row in shown:
                yield Branch(depth=branch.depth, row=branch.row, by=branch.by, repeated=True)
                continue
            shown.add(branch.row)
            yield branch
            below = [
                Branch(depth=branch.depth + 1, row=one.parent, by=one.constraint) for one in rows[branch.row].references
            ]
            stack += reversed(below)


def find_roots(rows: Mapping[str, ExplainedRow]) -> Sequence[str]:
    """Return the rows that no other refers to; then all others, entities first, for the circles that none leads to."""
    referred = {one.parent for row in rows.values() for one in row.references if one.parent != row.name}
    entities = [name for name, row in rows.items() if row.presence.kind == "entity"]
    return [*(name for name in rows if name not in referred), *entities, *rows]
