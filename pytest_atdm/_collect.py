"""What is checked before the first test runs: every wish of the selected tests, each distinct one once."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from pytest_atdm._markers import read_wish
from pytest_atdm._session import session_of
from pytest_atdm._state import WISH, is_worker
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_atdm._session import AtdmSession

Items: TypeAlias = "list[pytest.Item]"

_MAX_TESTS_NAMED: Final = 10


class Problems:
    """Errors, each with all tests that it stops, in the order in which they were found."""

    def __init__(self) -> None:
        self.items_by_text: dict[str, Items] = {}

    def add(self, error: AtdmError, items: Iterable[pytest.Item]) -> None:
        """Note that *error* stops *items*; errors that say the same are one."""
        self.items_by_text.setdefault(str(error), []).extend(items)

    def sift(self, groups: Iterable[Items], check: Callable[[pytest.Item], object]) -> list[Items]:
        """Return the *groups* whose first item passes *check*; note the others."""
        sound = []
        for items in groups:
            try:
                check(items[0])
            except AtdmError as exc:
                self.add(exc, items)
            else:
                sound.append(items)
        return sound


def check_marked(session: pytest.Session, marked: Sequence[pytest.Item]) -> None:
    """Check what the *marked* items ask for and report every problem as a collection error; then start the run.

    Nothing is written before all is well. With ``--collect-only`` names and overrides are checked against the catalog,
    and nothing is started.
    """
    problems = Problems()
    atdm = session_of(session.config)
    sound = problems.sift(_group(problems, marked), lambda item: _check_names(atdm, item))
    if sound and not session.config.option.collectonly:
        sound = _check_plans(problems, atdm, sound)
        if not problems.items_by_text:
            _prepare_run(problems, atdm, sound)
    for text, items in problems.items_by_text.items():
        session.config.hook.pytest_collectreport(report=_make_report(text, items))
    if problems.items_by_text:
        _withdraw_items(session, problems)


def _group(problems: Problems, marked: Sequence[pytest.Item]) -> Iterable[Items]:
    """Return the items that ask for the same together; note those whose mark is wrong."""
    groups: dict[tuple[str, str], Items] = {}
    for (item,) in problems.sift(([item] for item in marked), _read_wish):
        groups.setdefault(item.stash[WISH].identity, []).append(item)
    return groups.values()


def _read_wish(item: pytest.Item) -> None:
    item.stash[WISH] = read_wish(item)


def _check_names(atdm: AtdmSession, item: pytest.Item) -> None:
    wish = item.stash[WISH]
    atdm.catalog.check(wish.scenario, wish.overrides)


def _check_plans(problems: Problems, atdm: AtdmSession, groups: list[Items]) -> list[Items]:
    try:
        atdm.schema  # noqa: B018 (asks the seeder, which may have to be started)
    except AtdmError as exc:
        problems.add(exc, chain.from_iterable(groups))
        return []
    return problems.sift(groups, lambda item: atdm.check(item.stash[WISH], item.nodeid))


def _prepare_run(problems: Problems, atdm: AtdmSession, groups: list[Items]) -> None:
    """Start the run here, so that a run that cannot start is one error and not one per test."""
    domains = {atdm.catalog.scenario(items[0].stash[WISH].scenario).domain for items in groups}
    try:
        for domain in sorted(domains):
            atdm.prepare(domain)
    except AtdmError as exc:
        problems.add(exc, chain.from_iterable(groups))


def _make_report(text: str, items: Items) -> pytest.CollectReport:
    named = [_describe(item) for item in items[:_MAX_TESTS_NAMED]]
    named += [f"and {len(items) - len(named)} more"] if len(items) > len(named) else []
    file = items[0].nodeid.partition("::")[0]
    return pytest.CollectReport(nodeid=file, outcome="failed", longrepr="\n".join((*named, text)), result=[])


def _describe(item: pytest.Item) -> str:
    file, line, _ = item.location
    place = file if line is None else f"{file}:{line + 1}"
    wish = item.stash.get(WISH, None)
    return f"{place}: {item.name}" + (f" asks for {wish}" if wish else "")


def _withdraw_items(session: pytest.Session, problems: Problems) -> None:
    """Leave no test that cannot run: pytest stops at collection errors unless told otherwise, workers never do."""
    stopped = {item for items in problems.items_by_text.values() for item in items}
    if session.config.option.continue_on_collection_errors:
        session.items[:] = [item for item in session.items if item not in stopped]
    elif is_worker(session.config):
        session.items.clear()
