"""The rows of one test: seeded before anything else that it uses, and removed after everything else is closed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_atdm._data import AliasedData
from pytest_atdm._live import LiveRequest, clear_errors, remove
from pytest_atdm._markers import Wish, key_of, read_wishes
from pytest_atdm._report import attach_report, report_seeded
from pytest_atdm._session import session_of
from pytest_atdm._sharing import share
from pytest_atdm._state import ATTEMPT, LIVE, OUTCOME, WISHES
from pytest_atdm.core.errors import MarkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm._data import AtdmData
    from pytest_atdm._sharing import SharedRows


class RowsOfTest:
    """The live requests of one test, its marks' first and those asked for within the test after them."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._session = session_of(item.config)
        self._own: list[LiveRequest] = []
        self._shared: list[SharedRows] = []
        self._seen = item.stash[LIVE] = list[LiveRequest]()
        self._asked = 1  # the marks count as one
        item.stash[ATTEMPT] = item.stash.get(ATTEMPT, 0) + 1
        item.stash[OUTCOME] = "error"  # unless a report of it says otherwise

    def seed(self, wish: Wish, key: str) -> AtdmData:
        """Seed *wish* under the request key *key*, and return what the test sees of it."""
        live = LiveRequest(*self._session.seed(wish, request_key=key, test=self._item.nodeid))
        self._own.append(live)  # from here on the rows stand, whatever goes wrong
        self._seen.append(live)
        attach_report(self._item, report_seeded(live.receipt))
        data = self._session.show(live.receipt, self.ask)
        live.fixtures = data.facts.fixtures
        return data

    def ask(self, name: str, /, **overrides: object) -> AtdmData:
        """Seed the scenario *name* in the middle of the test."""
        self._asked += 1
        return self.seed(Wish(name, overrides), f"{self._item.nodeid}#{self._asked}")

    def seed_marked(self, overrides: Mapping[str, object]) -> AtdmData | AliasedData:
        """Have stand what the marks ask for, with *overrides* where a mark without alias says nothing else."""
        wishes = self._item.stash.get(WISHES, None) or read_wishes(self._item)
        if "" not in wishes:
            return AliasedData({alias: self._have(wish, alias) for alias, wish in wishes.items()}, self.ask)
        wish = wishes[""]
        new = {name: value for name, value in overrides.items() if name not in wish.overrides}
        return self._have(replace(wish, overrides={**new, **wish.overrides}) if new else wish, "")

    def _have(self, wish: Wish, alias: str) -> AtdmData:
        key = key_of(self._item, alias, wish)
        if not wish.is_shared:
            return self.seed(wish, key)
        rows = share(self._item, wish, key)
        self._shared.append(rows)
        self._seen.append(rows.live)
        return rows.show(self.ask)

    def let_go(self) -> None:
        """Reset the test's own requests, the newest first; note in the others that it has used them.

        Raises:
            AtdmError: the first reset that failed.
            pytest.fail.Exception: rows were left standing, and that is to be an error.
        """
        outcome = self._item.stash[OUTCOME]
        for live in self._own:
            live.note_use(self._item, outcome)
        for rows in self._shared:
            rows.note_use(self._item, outcome)
        remove(self._own[::-1], self._item, self._item)


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
            rows.let_go()
        item.stash[LIVE] = ()


def refuse_unmarked(item: pytest.Item) -> NoReturn:
    """Fail *item*, which asks for ``atdm_data`` without saying of which scenario."""
    error = MarkError(
        f"{item.nodeid} takes atdm_data, and no scenario is asked for", hint='put @atdm_scenario("name") on it'
    )
    pytest.fail(str(error), pytrace=False)
