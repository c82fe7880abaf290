"""Sending the rows of volumes: made, judged and shown batch by batch, while the seeder writes those before."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_atdm._progress import is_shown
from pytest_atdm.core.gate import BatchGate, reject
from pytest_atdm.core.volume import grow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.gate import Gate
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.volume import Batch


def iter_batches(plan: Plan, gate: Gate) -> Iterator[Batch]:
    """Yield the batches that follow *plan*, each approved by *gate*; on a terminal a line shows how many have gone.

    Raises:
        PlanImpossible: so many rows cannot be made.
        PlanRejected: the gate has findings; the first are named.
    """
    judge = BatchGate(gate, plan)
    with _shown(sum(volume.rows for volume in plan.volumes)) as advance:
        for batch in grow(plan, gate.rulebook):
            findings = judge.check(batch)
            if findings:
                raise reject(plan, findings)
            yield batch
            advance(batch.size)


@contextmanager
def _shown(rows: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many of *rows* have gone; wherever else errors go, nothing is written.

    Of several processes with one terminal, such as the workers of pytest-xdist, none writes on it.
    """
    import click  # lazy: startup

    if not is_shown():
        yield lambda _: None
        return
    with click.progressbar(length=rows, label="rows", file=sys.stderr, show_pos=True) as bar:
        yield bar.update
