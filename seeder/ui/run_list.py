"""The list of runs as what its page shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seeder.ui.timeline import Moment, show_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seeder.records import RunRecord

PAGE_RUNS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One line of the list."""

    run_id: str
    actor: str
    session_id: str
    state: str
    day: str
    started: Moment
    requests: int
    live_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of the list; *older* is where the next one begins, or None."""

    rows: tuple[RunRow, ...]
    older: str | None
    is_first: bool


def list_view(runs: Sequence[RunRecord], *, is_first: bool) -> RunPage:
    """Return the page for *runs*, which are one more than fit where older ones exist."""
    shown = runs[:PAGE_RUNS]
    older = shown[-1].run_id if len(runs) > PAGE_RUNS else None
    return RunPage(rows=tuple(_row(run) for run in shown), older=older, is_first=is_first)


def _row(run: RunRecord) -> RunRow:
    return RunRow(
        run_id=run.run_id,
        actor=run.actor,
        session_id=run.session_id,
        state=run.state,
        day=run.started_at[:10],
        started=show_moment(run.started_at),
        requests=run.requests,
        live_rows=run.live_rows,
    )
