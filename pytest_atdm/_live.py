"""Requests whose rows stand: how they go, and what is said of that."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._report import attach_report, count_noun, describe_rows, report_reset, report_seeded
from pytest_atdm._session import session_of
from pytest_atdm._state import ATTEMPT
from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import AtdmError, DatabaseUnavailable, LeaseLost, SeederUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from _pytest.nodes import Node

    from pytest_atdm._client import Json
    from pytest_atdm.core.model import LeftRow, Plan, Receipt, ResetReport

#: The seeder, its database or the run is gone: every further test would say the same, each after a wait of its own.
_FATAL: Final = (SeederUnreachable, DatabaseUnavailable, LeaseLost)


class AtdmWarning(pytest.PytestWarning):
    """A row that stands after a reset: it had to change or leave it, or the application has changed it."""


@dataclass(slots=True)
class LiveRequest:
    """A request whose rows stand, the fixture files written from it, by emitter, and who has used it, not yet told."""

    receipt: Receipt
    plan: Plan
    fixtures: Mapping[str, Path] = field(default_factory=dict)
    uses: list[Json] = field(default_factory=list)
    has_failed: bool = False

    def note_use(self, item: pytest.Item, outcome: str) -> None:
        """Note that *item* has used the rows, and how that ended, for the audit trail."""
        self.has_failed |= outcome in ("failed", "error")
        detail: Json = {"nodeid": item.nodeid, "outcome": outcome, "attempt": item.stash[ATTEMPT]}
        detail |= session_of(item.config).describe_use(self.receipt)
        self.uses.append({"kind": EventKind.CONSUMED_BY_TEST, "detail": detail})

    def take_events(self) -> list[Json]:
        """Return what the audit trail is to be told, once."""
        files: list[Json] = []
        if self.fixtures:
            detail: Json = {"files": {name: str(path) for name, path in self.fixtures.items()}}
            files = [{"kind": EventKind.FIXTURES_WRITTEN, "detail": detail}]
        uses, self.uses, self.fixtures = self.uses, [], {}
        return [*files, *uses]


def remove(requests: Sequence[LiveRequest], node: Node, item: pytest.Item) -> None:
    """Reset the *requests* in their order, or leave them where rows are kept; one that cannot be reset stops no other.

    Warnings are those of *node*; what becomes of each request is told with the next report of *item*.

    Raises:
        AtdmError: the first reset that failed.
        pytest.fail.Exception: rows were left standing, and that is to be an error.
    """
    reports: list[ResetReport] = []
    errors: list[AtdmError] = []
    for request in requests:
        try:
            reports += _let_go(request, item)
        except AtdmError as exc:
            errors.append(exc)
    if errors:
        raise errors[0]
    _warn_of(reports, node)
    _speak_of_leaks([row for report in reports for row in report.left], node)


def _let_go(request: LiveRequest, item: pytest.Item) -> list[ResetReport]:
    session = session_of(item.config)
    if session.settings.keep == "on" or (session.settings.keep == "retain-on-failure" and request.has_failed):
        session.keep(request.receipt, request.take_events())
        return []
    report = session.reset(request.receipt, request.take_events())
    attach_report(item, report_reset(report_seeded(request.receipt), report))
    return [report]


def _warn_of(reports: Sequence[ResetReport], node: Node) -> None:
    detached = [row for report in reports for row in report.detached]
    changed = {(row.table, str(row.key)): row for report in reports for row in report.changed}
    more = sum(report.more_changed for report in reports)
    if detached:
        what = f"atdm: the cleanup changed {count_noun(len(detached), 'row')} that stood before the test"
        node.warn(AtdmWarning(describe_rows(what, detached)))
    if changed:
        count = count_noun(len(changed) + more, "row")
        what = f"atdm: {count} that stood before the test changed meanwhile, which no cleanup undoes"
        node.warn(AtdmWarning(describe_rows(what, [*changed.values()], more)))


def _speak_of_leaks(left: Sequence[LeftRow], node: Node) -> None:
    leaks = session_of(node.config).settings.leaks
    what = describe_rows(f"atdm: left standing by the cleanup: {count_noun(len(left), 'row')}", left)
    if left and leaks == "warn":
        node.warn(AtdmWarning(what))
    if left and leaks == "error":
        pytest.fail(what, pytrace=False)


@contextmanager
def clear_errors(session: pytest.Session) -> Iterator[None]:
    """Fail with what an error of the tree says, without a traceback; what no test gets over ends the *session*."""
    try:
        yield
    except AtdmError as exc:
        if isinstance(exc, _FATAL):
            session_of(session.config).lost = exc
            session.shouldstop = f"atdm: {exc.message}"
        raise pytest.fail.Exception(str(exc), pytrace=False) from None
