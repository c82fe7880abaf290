"""Rows that tests share: seeded for the first of a class, module or session that asks, removed after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._data import AtdmData
from pytest_atdm._live import AtdmWarning, LiveRequest, clear_errors, remove
from pytest_atdm._markers import scope_node
from pytest_atdm._report import attach_report, count_noun, report_seeded
from pytest_atdm._session import session_of
from pytest_atdm._state import AT_WORK

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.nodes import Node

    from pytest_atdm._markers import Wish

#: Uses are told in bundles: the seeder takes so many events at once, and one is left for the fixture files.
_MAX_USES: Final = 99
#: What stands now, by request key.
_SHARED: Final[pytest.StashKey[dict[str, SharedRows]]] = pytest.StashKey()


class SharedRows:
    """One request for all tests below *node* that ask for the same; it ends with the node."""

    def __init__(self, live: LiveRequest, node: Node, first: pytest.Item) -> None:
        self.live = live
        self._node = node
        self._first = first
        self._session = session_of(node.config)
        self._data: AtdmData | None = None
        self._tests = 0

    def show(self, ask: Callable[..., AtdmData]) -> AtdmData:
        """Return what a test sees of the rows; *ask* seeds for this test. Fixture files are written once."""
        if self._data is None:
            self._data = self._session.show(self.live.receipt, ask)
            self.live.fixtures = self._data.facts.fixtures
        return self._data.asking(ask)

    def note_use(self, item: pytest.Item, outcome: str) -> None:
        """Note that *item* has used the rows, and how that ended."""
        self._tests += 1
        self.live.note_use(item, outcome)
        if len(self.live.uses) >= _MAX_USES:
            self._session.tell(self.live.receipt, self.live.take_events())

    def end(self) -> None:
        """Say which rows have changed though they were only to be read, and remove all."""
        item = self._node.config.stash.get(AT_WORK, self._first)
        with clear_errors(item.session):
            try:
                self._speak_of_changes()
            finally:
                remove([self.live], self._node, item)

    def _speak_of_changes(self) -> None:
        from pytest_atdm._failure import describe_changes  # lazy: few tests share rows

        if self._session.lost is not None:
            return
        lines = describe_changes(self.live, self._session.connection.client.rows_now(self.live.receipt.request_id))
        if lines:
            shared = f"the rows of {self.live.receipt.scenario} that {count_noun(self._tests, 'test')} of "
            shared += f"{self._node.nodeid or 'the session'} shared"
            self._node.warn(
                AtdmWarning("\n".join((f"atdm: {shared} were to be read only, and one changed them", *lines)))
            )


def share(item: pytest.Item, wish: Wish, key: str) -> SharedRows:
    """Return the rows of *wish* that stand for *item* and others under the request key *key*, seeded at first need.

    Raises:
        AtdmError: they cannot be seeded.
    """
    shared = item.config.stash.setdefault(_SHARED, {})
    if key not in shared:
        node = scope_node(item, wish.scope)
        live = LiveRequest(*session_of(item.config).seed(wish, request_key=key, test=item.nodeid))
        rows = shared[key] = SharedRows(live, node, item)

        def end() -> None:
            del shared[key]
            rows.end()

        node.addfinalizer(end)  # from here on the rows stand, whatever goes wrong
    attach_report(item, report_seeded(shared[key].live.receipt))
    return shared[key]
