"""The session's beginning and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._report import count_noun, describe_rows, note_checkpoint, note_end
from pytest_atdm._session import session_of
from pytest_atdm._state import NOTES, SESSION, is_worker
from pytest_atdm._xdist import tell_controller
from pytest_atdm.core.errors import AtdmError, LeaseLost

if TYPE_CHECKING:
    from pytest_atdm.core.model import ResetReport

_STAYING: Final = "rows of it that still stand go when its lease lapses, or with --atdm-reset-all"


def reset_everything(config: pytest.Config) -> str:
    """Remove what any earlier run left behind; return what was done.

    Raises:
        pytest.UsageError: it could not be done; no test runs.
    """
    try:
        report = session_of(config).reset_all()
    except AtdmError as exc:
        session_of(config).close()  # a session that does not start has no end that would do it
        raise pytest.UsageError(f"atdm: --atdm-reset-all failed: {exc}") from exc
    rows, requests = count_noun(_count_rows(report), "row"), count_noun(report.requests, "request")
    done = f"--atdm-reset-all removed {rows} of {requests}"
    return (
        describe_rows(f"{done}, and had to leave {count_noun(len(report.left), 'row')}", report.left)
        if report.left
        else done
    )


def close_session(config: pytest.Config) -> None:
    """End the run and let go of the seeder; what went wrong, or was still there to remove, becomes a note."""
    _close(config)
    if is_worker(config):
        tell_controller(config)


def _close(config: pytest.Config) -> None:
    atdm, notes = config.stash[SESSION], config.stash[NOTES]
    run = f"the run {atdm.identity.run_id}"
    if atdm.lost and not isinstance(atdm.lost, LeaseLost):
        notes.append(f"{run} was not ended: {atdm.lost.message.partition(' (')[0]}; {_STAYING}")
    try:
        report = atdm.close()
    except AtdmError as exc:
        notes.append(f"{run} could not be ended; {_STAYING}: {exc.message}")
        return
    if atdm.kept_until:
        notes.append(
            f"{run} is kept until {atdm.kept_until[:19]}Z; earlier it goes with: atdm reap {atdm.identity.run_id}"
        )
    if report is not None and _count_rows(report):
        notes.append(f"the end of {run} removed {count_noun(_count_rows(report), 'row')} that tests had left")
    if report is not None:
        note_end(config, run, report)
        note_checkpoint(config, report.checkpoint)


def _count_rows(report: ResetReport) -> int:
    return sum(report.seeded.values()) + sum(report.made_by_sut.values())
