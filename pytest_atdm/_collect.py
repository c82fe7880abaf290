"""What is checked before the first test runs: every wish of the selected tests, each distinct one once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._markers import key_of, read_wishes
from pytest_atdm._session import session_of
from pytest_atdm._state import WISHES, is_worker
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_atdm._markers import Wish
    from pytest_atdm._session import AtdmSession

_MAX_TESTS_NAMED: Final = 10


@dataclass(slots=True)
class Group:
    """The *items* that ask for the same; *key* is the request key of the first."""

    wish: Wish
    key: str
    items: list[pytest.Item] = field(default_factory=list)


class Problems:
    """Errors, each with all tests that it stops, in the order in which they were found."""

    def __init__(self) -> None:
        self.items_by_text: dict[str, list[pytest.Item]] = {}

    def add(self, error: AtdmError, items: Iterable[pytest.Item]) -> None:
        """Note that *error* stops *items*; errors that say the same are one, and name an item once."""
        found = self.items_by_text.setdefault(str(error), [])
        found += [item for item in items if item not in found]

    def sift(self, groups: Iterable[Group], check: Callable[[Group], object]) -> list[Group]:
        """Return the *groups* that pass *check*; note the others."""
        sound = []
        for group in groups:
            try:
                check(group)
            except AtdmError as exc:
                self.add(exc, group.items)
            else:
                sound.append(group)
        return sound


def check_marked(session: pytest.Session, marked: Sequence[pytest.Item]) -> None:
    """Check what the *marked* items ask for and report every problem as a collection error; then start the run.

    Nothing is written before all is well. With ``--collect-only`` names and overrides are checked against the catalog,
    and nothing is started.
    """
    problems = Problems()
    atdm = session_of(session.config)
    groups = _group(problems, marked)
    sound = problems.sift(groups, lambda group: atdm.catalog.check(group.wish.scenario, group.wish.overrides))
    if sound and not session.config.option.collectonly:
        sound = _check_plans(problems, atdm, sound)
        if not problems.items_by_text:
            _prepare_run(problems, atdm, sound)
    for text, items in problems.items_by_text.items():
        session.config.hook.pytest_collectreport(report=_make_report(text, items))
    if problems.items_by_text:
        _withdraw_items(session, problems)


def _group(problems: Problems, marked: Sequence[pytest.Item]) -> Iterable[Group]:
    """Return the items that ask for the same together; note those whose marks are wrong."""
    groups: dict[tuple[str, str], Group] = {}
    for item in marked:
        try:
            wishes = item.stash[WISHES] = read_wishes(item)
        except AtdmError as exc:
            problems.add(exc, [item])
            continue
        for alias, wish in wishes.items():
            groups.setdefault(wish.identity, Group(wish, key_of(item, alias, wish))).items.append(item)
    return groups.values()


def _check_plans(problems: Problems, atdm: AtdmSession, groups: list[Group]) -> list[Group]:
    try:
        atdm.schema  # noqa: B018 (asks the seeder, which may have to be started)
    except AtdmError as exc:
        problems.add(exc, _items_of(groups))
        return []
    return problems.sift(groups, lambda group: atdm.check(group.wish, group.key))


def _prepare_run(problems: Problems, atdm: AtdmSession, groups: list[Group]) -> None:
    """Start the run here, so that a run that cannot start is one error and not one per test."""
    domains = {atdm.catalog.scenario(group.wish.scenario).domain for group in groups}
    try:
        for domain in sorted(domains):
            atdm.prepare(domain)
    except AtdmError as exc:
        problems.add(exc, _items_of(groups))


def _items_of(groups: Iterable[Group]) -> list[pytest.Item]:
    return [item for group in groups for item in group.items]


def _make_report(text: str, items: list[pytest.Item]) -> pytest.CollectReport:
    named = [_describe(item) for item in items[:_MAX_TESTS_NAMED]]
    named += [f"and {len(items) - len(named)} more"] if len(items) > len(named) else []
    file = items[0].nodeid.partition("::")[0]
    return pytest.CollectReport(nodeid=file, outcome="failed", longrepr="\n".join((*named, text)), result=[])


def _describe(item: pytest.Item) -> str:
    file, line, _ = item.location
    place = file if line is None else f"{file}:{line + 1}"
    wishes = item.stash.get(WISHES, {})
    return f"{place}: {item.name}" + (f" asks for {' and '.join(map(str, wishes.values()))}" if wishes else "")


def _withdraw_items(session: pytest.Session, problems: Problems) -> None:
    """Leave no test that cannot run: pytest stops at collection errors unless told otherwise, workers never do."""
    stopped = {item for items in problems.items_by_text.values() for item in items}
    if session.config.option.continue_on_collection_errors:
        session.items[:] = [item for item in session.items if item not in stopped]
    elif is_worker(session.config):
        session.items.clear()
