"""The rows of one test: seeded before anything else that it uses, and removed after everything else is closed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from pytest_atdm._data import AliasedData
from pytest_atdm._markers import Wish, key_of, read_wishes
from pytest_atdm._report import attach_report, count_noun, describe_rows, report_reset, report_seeded
from pytest_atdm._session import session_of
from pytest_atdm._state import LIVE, OUTCOME, WISHES
from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import AtdmError, DatabaseUnavailable, LeaseLost, MarkError, SeederUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_atdm._client import Json
    from pytest_atdm._data import AtdmData
    from pytest_atdm.core.model import LeftRow, Receipt, ResetReport


#: The seeder, its database or the run is gone: every further test would say the same, each after a wait of its own.
_FATAL: Final = (SeederUnreachable, DatabaseUnavailable, LeaseLost)


class AtdmWarning(pytest.PytestWarning):
    """A row that stands after a reset: it had to change or leave it, or the application has changed it."""


@dataclass(slots=True)
class LiveRequest:
    """A request whose rows stand, and the fixture files written from it, by emitter."""

    receipt: Receipt
    fixtures: Mapping[str, Path] = field(default_factory=dict)


class RowsOfTest:
    """The live requests of one test, its marks' first and those asked for within the test after them."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._session = session_of(item.config)
        self._live = item.stash[LIVE] = list[LiveRequest]()
        self._asked = 1  # the marks count as one

    def seed(self, wish: Wish, key: str) -> AtdmData:
        """Seed *wish* under the request key *key*, and return what the test sees of it."""
        live = LiveRequest(self._session.seed(wish, request_key=key, test=self._item.nodeid))
        self._live.append(live)  # from here on the rows stand, whatever goes wrong
        attach_report(self._item, report_seeded(live.receipt))
        data = self._session.show(live.receipt, self.ask)
        live.fixtures = data.facts.fixtures
        return data

    def ask(self, name: str, /, **overrides: object) -> AtdmData:
        """Seed the scenario *name* in the middle of the test."""
        self._asked += 1
        return self.seed(Wish(name, overrides), f"{self._item.nodeid}#{self._asked}")

    def seed_marked(self, overrides: Mapping[str, object]) -> AtdmData | AliasedData:
        """Seed what the marks ask for, with *overrides* where a mark without alias says nothing else."""
        wishes = self._item.stash.get(WISHES, None) or read_wishes(self._item)
        if "" not in wishes:
            return AliasedData(
                {alias: self.seed(wish, key_of(self._item, alias)) for alias, wish in wishes.items()}, self.ask
            )
        wish = wishes[""]
        new = {name: value for name, value in overrides.items() if name not in wish.overrides}
        return self.seed(Wish(wish.scenario, {**new, **wish.overrides}) if new else wish, key_of(self._item, ""))

    def remove(self) -> None:
        """Reset every request, the newest first; one that cannot be reset does not keep the others.

        Raises:
            AtdmError: the first reset that failed.
            pytest.fail.Exception: rows were left standing, and that is to be an error.
        """
        reports: list[ResetReport] = []
        errors: list[AtdmError] = []
        while self._live:
            try:
                reports += self._let_go(self._live.pop())
            except AtdmError as exc:
                errors.append(exc)
        if errors:
            raise errors[0]
        self._warn_of(reports)
        self._speak_of_leaks([row for report in reports for row in report.left])

    def _let_go(self, live: LiveRequest) -> list[ResetReport]:
        if self._session.settings.keep_s is not None:
            self._session.keep(live.receipt, self._events(live))
            return []
        report = self._session.reset(live.receipt, self._events(live))
        attach_report(self._item, report_reset(report_seeded(live.receipt), report))
        return [report]

    def _warn_of(self, reports: Sequence[ResetReport]) -> None:
        detached = [row for report in reports for row in report.detached]
        changed = {(row.table, str(row.key)): row for report in reports for row in report.changed}
        more = sum(report.more_changed for report in reports)
        if detached:
            what = f"atdm: the cleanup changed {count_noun(len(detached), 'row')} that stood before the test"
            self._item.warn(AtdmWarning(describe_rows(what, detached)))
        if changed:
            count = count_noun(len(changed) + more, "row")
            what = f"atdm: {count} that stood before the test changed meanwhile, which no cleanup undoes"
            self._item.warn(AtdmWarning(describe_rows(what, [*changed.values()], more)))

    def _speak_of_leaks(self, left: Sequence[LeftRow]) -> None:
        leaks = self._session.settings.leaks
        what = describe_rows(f"atdm: left standing by the cleanup: {count_noun(len(left), 'row')}", left)
        if left and leaks == "warn":
            self._item.warn(AtdmWarning(what))
        if left and leaks == "error":
            pytest.fail(what, pytrace=False)

    def _events(self, live: LiveRequest) -> list[Json]:
        outcome = self._item.stash.get(OUTCOME, "error")
        consumed: Json = {
            "kind": EventKind.CONSUMED_BY_TEST,
            "detail": {"nodeid": self._item.nodeid, "outcome": outcome},
        }
        if not live.fixtures:
            return [consumed]
        files: Json = {"files": {name: str(path) for name, path in live.fixtures.items()}}
        return [{"kind": EventKind.FIXTURES_WRITTEN, "detail": files}, consumed]


@contextmanager
def rows_of(item: pytest.Item, overrides: Mapping[str, object]) -> Iterator[AtdmData | AliasedData]:
    """Have the rows that the marks on *item* ask for stand within the context; see ``RowsOfTest.seed_marked``.

    A seeder that is gone ends the session: one clear error instead of one per test.
    """
    rows = RowsOfTest(item)
    try:
        with clear_errors(item.session):
            data = rows.seed_marked(overrides)
        yield data
    finally:
        with clear_errors(item.session):
            rows.remove()


def refuse_unmarked(item: pytest.Item) -> NoReturn:
    """Fail *item*, which asks for ``atdm_data`` without saying of which scenario."""
    error = MarkError(
        f"{item.nodeid} takes atdm_data, and no scenario is asked for", hint='put @atdm_scenario("name") on it'
    )
    pytest.fail(str(error), pytrace=False)


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
