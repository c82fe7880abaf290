"""What a reset does where rows stand in its way that it must not delete: decided in Python, as a pure function."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Row(NamedTuple):
    """A row of the target: table id and the JSON text of its key."""

    relation: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A row that the walk came to: from the ledger (*seeded*), or because it refers, by edge *via*, to *parent*."""

    row: Row
    request_id: str
    old: bool
    seeded: bool
    via: int | None = None
    parent: Row | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """*delete*: rows that go. *detach*: old rows whose reference goes.

    *left*: rows that would go, were it not for the old row that refers to them (the second of each pair).
    """

    delete: tuple[Reached, ...]
    detach: tuple[Reached, ...]
    left: tuple[tuple[Reached, Row], ...]


def judge(reached: Sequence[Reached], loose: Collection[int]) -> Verdict:
    """Decide over everything that was reached; *loose* are the edges whose reference can be set to NULL."""
    doomed = _find_doomed(reached)
    references = [step for step in reached if step.parent is not None and step.parent in doomed]
    kept = _find_kept(references, doomed, loose)
    detach = {
        (step.row, step.via): step
        for step in references
        if step.row not in doomed and step.via in loose and step.parent not in kept
    }
    return Verdict(
        delete=tuple(step for row, step in doomed.items() if row not in kept),
        detach=tuple(detach.values()),
        left=tuple((doomed[row], why) for row, why in kept.items()),
    )


def _find_doomed(reached: Sequence[Reached]) -> dict[Row, Reached]:
    """Return every row that some way shows to be ours, once; the way from its own ledger entry before any other."""
    ours = (step for step in sorted(reached, key=lambda step: not step.seeded) if not step.old)
    doomed: dict[Row, Reached] = {}
    for step in ours:
        doomed.setdefault(step.row, step)
    return doomed


def _find_kept(references: Sequence[Reached], doomed: Collection[Row], loose: Collection[int]) -> dict[Row, Row]:
    """Return the rows that an old row holds by a mandatory reference, and whatever those refer to in turn."""
    parents: dict[Row, list[Row]] = defaultdict(list)
    for step in references:
        if step.parent is not None and (step.row in doomed or step.via not in loose):
            parents[step.row].append(step.parent)
    kept: dict[Row, Row] = {}
    frontier = [(row, row) for row in parents if row not in doomed]
    while frontier:
        row, why = frontier.pop()
        for parent in parents[row]:
            if parent not in kept:
                kept[parent] = why
                frontier.append((parent, why))
    return kept
