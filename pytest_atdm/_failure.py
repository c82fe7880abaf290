"""What a failed test's report says of its data: its rows, what became of them, and how to have the same again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_atdm._bundles import write_bundle
from pytest_atdm._report import count_noun
from pytest_atdm._session import session_of
from pytest_atdm._state import SECTION, is_worker
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from pytest_atdm._live import LiveRequest
    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.model import Cell, RowNow, RowsNow

#: Rows of an entity, or made by the application, that are shown.
_ROWS: Final = 5
_WIDTH: Final = 60


def add_section(report: pytest.TestReport, item: pytest.Item, live: Sequence[LiveRequest]) -> None:
    """Add to the *report* of *item* what can be told of its data; Allure, where it is in use, has it attached."""
    text = describe_data(item, live, failed=report.failed)
    report.sections.append((SECTION, text))
    if item.config.pluginmanager.has_plugin("allure_listener"):
        import allure  # lazy: only where it is in use

        allure.attach(text, name=SECTION, attachment_type=allure.attachment_type.TEXT)


def describe_data(item: pytest.Item, live: Sequence[LiveRequest], *, failed: bool) -> str:
    """Return the section of *item*'s report: of each live request the rows; of a *failed* one how to have them again.

    What the application has changed since is marked: ``~`` a row that has other values, ``-`` one that is gone, ``+``
    one that it has added below them.
    """
    session = session_of(item.config)
    seen = [_look(session, one) for one in live]
    lines = [line for one in seen for line in _describe_request(session, one)]
    lines += _describe_ways(item, session, seen) if failed else ()
    return "\n".join(lines)


class _Seen(NamedTuple):
    """A live request, and what has become of its rows, or why that is not known."""

    live: LiveRequest
    now: RowsNow | None
    why: str = ""


def _look(session: AtdmSession, live: LiveRequest) -> _Seen:
    if session.lost is not None:  # else nobody answers, and each test would wait for that
        return _Seen(live, None)
    try:
        return _Seen(live, session.connection.client.rows_now(live.receipt.request_id))
    except AtdmError as exc:
        return _Seen(live, None, exc.message)


def _describe_ways(item: pytest.Item, session: AtdmSession, seen: Sequence[_Seen]) -> Iterator[str]:
    """Yield how to look at the rows, where they stay, and how to have them again."""
    if session.settings.keep != "off":
        yield from (f"look: atdm rows {one.live.receipt.request_id}" for one in seen)
    yield f"again: {_repeat(item, session)}"
    try:
        path = write_bundle(session.settings.bundles_dir, item.nodeid, [(one.live, one.now) for one in seen])
    except AtdmError as exc:
        yield f"no file for atdm replay was written: {exc.message}"
    else:
        yield f"replay: {shlex.join(('atdm', 'replay', _shorten_path(item, path)))}"


def _shorten_path(item: pytest.Item, path: Path) -> str:
    here = item.config.invocation_params.dir
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def describe_changes(live: LiveRequest, now: RowsNow) -> list[str]:
    """Return a line for each row of *live* that is another or gone by *now*, and for each that was added below them."""
    lines = []
    for name, entity in live.receipt.entities.items():
        for row in entity.rows:
            found = _find(entity.table, row, now)
            if found is not None and (found.cells is None or _changes(row, found.cells)):
                lines.append(_describe_row(f"{name} ({entity.table})", row, found.key, found))
    return [*lines, *_describe_added([row for row in now.rows if not row.seeded])]


def describe_standing(item: pytest.Item, live: Sequence[LiveRequest]) -> list[str]:
    """Return a line for each request of *item* whose rows stand, and one that says where, for who wants to look."""
    session = session_of(item.config)
    names = [
        f"atdm: {one.receipt.scenario} (request {one.receipt.request_id}): {one.receipt.rows} rows" for one in live
    ]
    try:
        where = session.database_url
    except AtdmError:
        where = f"the database of the seeder at {session.connection.address.url}"
    return [*names, f"atdm: they stand until the test has ended, in {where}"]


def _describe_request(session: AtdmSession, seen: _Seen) -> Iterator[str]:
    live, now, why = seen
    scenario = session.catalog.scenario(live.receipt.scenario)
    yield f"{scenario.id}: {scenario.title}"
    if scenario.expects:
        yield f"  expected: {scenario.expects}"
    if why:
        yield f"  what the application has changed is not known: {why}"
    for name, entity in live.receipt.entities.items():
        given = scenario.entities[name].given if name in scenario.entities else {}
        columns = {*session.schema.table(entity.table).primary_key, *given}
        for row in entity.rows[:_ROWS]:
            yield _describe_row(f"{name} ({entity.table})", row, columns, _find(entity.table, row, now))
        more = len(entity.rows) + entity.more - _ROWS
        if more > 0:
            yield f"    and {count_noun(more, 'more row')} of {name}"
    if now is not None:
        yield from _describe_added([row for row in now.rows if not row.seeded])


def _find(table: str, row: Mapping[str, Cell], now: RowsNow | None) -> RowNow | None:
    """Return what has become of *row*, if that can be told: a row without a key cannot be found again."""
    same = [one for one in now.rows if one.seeded and one.table == table] if now is not None else []
    return next((one for one in same if one.key.items() <= row.items()), None)


def _describe_row(title: str, row: Mapping[str, Cell], columns: Collection[str], now: RowNow | None) -> str:
    """Return the row's key, what the scenario says of it, relations by their columns, and what has changed."""
    if now is not None and now.cells is None:
        changed, mark = {}, "-"
    else:
        changed = {} if now is None or now.cells is None else _changes(row, now.cells)
        mark = "~" if changed else " "
    shown = [name for name in row if name in columns or name in changed or name.removesuffix("_id") in columns]
    return f"{mark:>3} {title}: " + ", ".join(
        _show(name, row[name]) + (f" -> {_shorten(changed[name])}" if name in changed else "") for name in shown
    )


def _changes(row: Mapping[str, Cell], cells: Mapping[str, Cell]) -> dict[str, Cell]:
    return {name: cells.get(name) for name in row if cells.get(name) != row[name]}


def _describe_added(rows: Sequence[RowNow]) -> Iterator[str]:
    for row in rows[:_ROWS]:
        yield f"  + {row.table}: " + ", ".join(_show(name, cell) for name, cell in (row.cells or row.key).items())
    if len(rows) > _ROWS:
        yield f"    and {count_noun(len(rows) - _ROWS, 'more row')} that the application has added"


def _show(name: str, cell: Cell) -> str:
    return f"{name}={_shorten(cell)}"


def _shorten(cell: Cell) -> str:
    text = repr(cell)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _repeat(item: pytest.Item, session: AtdmSession) -> str:
    words = ["pytest", item.nodeid, "--atdm-run-id", session.identity.run_id, "--atdm-seed", str(session.settings.seed)]
    words += ["--atdm-as-of", session.settings.as_of.isoformat(), *(["-n", "0"] if is_worker(item.config) else [])]
    return shlex.join(words)
