"""The session's beginning and end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._report import count_noun, describe_rows, note_checkpoint, note_end
from pytest_atdm._session import session_of
from pytest_atdm._state import NOTES, SESSION, SETTINGS, is_worker
from pytest_atdm._xdist import tell_controller
from pytest_atdm.core.errors import AtdmError, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.model import ResetReport

_STAYING: Final = "rows of it that still stand go when its lease lapses, or with --atdm-reset-all"


def begin_anew(config: pytest.Config) -> list[str]:
    """Remove what any earlier run left behind, and bring the tables back to a baseline, as asked; return what was done.

    Raises:
        pytest.UsageError: it could not be done; no test runs.
    """
    settings, done = config.stash[SETTINGS], []
    if settings.reset_all:
        with _or_no_test_runs(config, "--atdm-reset-all"):
            done.append(_describe_reset(session_of(config).reset_all()))
    if settings.baseline and not config.option.collectonly:
        with _or_no_test_runs(config, f"--atdm-baseline {settings.baseline}"):
            report = session_of(config).restore_baseline(settings.baseline)
            rows, tables = count_noun(report.changes, "row"), count_noun(len(report.tables), "table")
            done.append(f"--atdm-baseline {settings.baseline}: {rows} in {tables} differed, and are as they were")
    return done


@contextlib.contextmanager
def _or_no_test_runs(config: pytest.Config, option: str) -> Iterator[None]:
    try:
        yield
    except AtdmError as exc:
        session_of(config).close()  # a session that does not start has no end that would do it
        raise pytest.UsageError(f"atdm: {option} failed: {exc}") from exc


def _describe_reset(report: ResetReport) -> str:
    rows, requests = count_noun(_count_rows(report), "row"), count_noun(report.requests, "request")
    done = f"--atdm-reset-all removed {rows} of {requests}"
    if not report.left:
        return done
    return describe_rows(f"{done}, and had to leave {count_noun(len(report.left), 'row')}", report.left)


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
