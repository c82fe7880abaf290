"""What a session says about its requests: carried on the tests' reports, so that a crashed worker's come too."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from _pytest.junitxml import xml_key

from pytest_atdm._state import CHECKPOINT, LEAKED, NOTES, SECTION, SETTINGS, is_worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_atdm._options import Settings
    from pytest_atdm.core.model import LeftRow, MissingIndex, Receipt, ResetReport

#: Name of the property on reports (``user_properties``, so in JUnit XML too): one JSON text per request.
PROPERTY: Final = "atdm"
#: Name of the property of the test suite in JUnit XML.
CHECKPOINT_PROPERTY: Final = "atdm_checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReport:
    """One request: what was seeded, and, once it has been reset, what was removed and what was not (rows).

    *changed* are rows from before that were written meanwhile; *beyond* counts what triggers and ON DELETE did more.
    """

    request_id: str
    run_id: str
    scenario: str
    audit_url: str
    seeded: int
    is_reset: bool = False
    removed: int = 0
    made_by_sut: int = 0
    detached: int = 0
    left: int = 0
    changed: int = 0
    beyond: int = 0


#: How the summary calls what is not always there.
_SELDOM: Final = {
    "detached": "detached",
    "left": "left",
    "changed": "from before written meanwhile",
    "beyond": "more writes of triggers or ON DELETE",
}

#: This process's own requests: no report follows on what is reset after Ctrl-C.
_OWN: Final[pytest.StashKey[dict[str, RequestReport]]] = pytest.StashKey()
#: What was withheld from files.
_HEARD: Final[pytest.StashKey[list[RequestReport]]] = pytest.StashKey()


def report_seeded(receipt: Receipt) -> RequestReport:
    """Return the report of a request whose rows stand."""
    return RequestReport(
        request_id=receipt.request_id,
        run_id=receipt.run_id,
        scenario=receipt.scenario,
        audit_url=receipt.audit_url,
        seeded=receipt.rows,
    )


def report_reset(seeded: RequestReport, reset: ResetReport) -> RequestReport:
    """Return *seeded* with what its reset did."""
    return dataclasses.replace(
        seeded,
        is_reset=True,
        removed=sum(reset.seeded.values()),
        made_by_sut=sum(reset.made_by_sut.values()),
        detached=len(reset.detached),
        left=len(reset.left),
        changed=len(reset.changed) + reset.more_changed,
        beyond=sum(one.inserted + one.updated + one.deleted for one in reset.beyond.values()),
    )


def describe_rows(what: str, rows: Sequence[LeftRow], more: int = 0) -> str:
    """Return *what* and a line for each of *rows*, with its key and why it is told; *more* of them are only counted."""
    lines = [f"  {row.table} {dict(row.key)}: {row.why}" for row in rows]
    return "\n".join((what, *lines, *([f"  and {more} more"] if more else [])))


def note_end(config: pytest.Config, run: str, report: ResetReport) -> None:
    """Note what the end of *run* had to leave, and which indexes it found missing; nothing twice.

    Where leaks are errors the session fails for what was left.
    """
    notes, leaks = config.stash[NOTES], config.stash[SETTINGS].leaks
    found = [_describe_index(index) for index in report.missing_indexes]
    if report.left:
        what = f"the end of {run} had to leave {count_noun(len(report.left), 'row')}"
        if leaks == "error":
            config.stash[LEAKED] = True
            what += ", for which the session fails (see --atdm-leaks)"
        found.append(what if leaks == "ignore" else describe_rows(what, report.left))
    notes.extend(note for note in found if note not in notes)


def note_checkpoint(config: pytest.Config, checkpoint: str) -> None:
    """Keep *checkpoint* if it is the newest that this session has heard of."""
    config.stash[CHECKPOINT] = max(config.stash[CHECKPOINT], checkpoint, key=_read_ordinal)


def _read_ordinal(checkpoint: str) -> int:
    return int(checkpoint.partition(":")[0] or 0)


def write_checkpoint(config: pytest.Config) -> None:
    """Put the session's checkpoint into the JUnit file, if one is wanted.

    pytest has written it by then, for a run ends after the last fixture: it is written again.
    """
    junit = config.stash.get(xml_key, None)
    if junit is not None and config.stash[SETTINGS].tells_junit:
        junit.add_global_property(CHECKPOINT_PROPERTY, config.stash[CHECKPOINT])
        junit.pytest_sessionfinish()


def _describe_index(index: MissingIndex) -> str:
    """The number of rows is rounded down to a power of ten, so that every worker of a session says the same."""
    rows = 10 ** (len(str(index.rows)) - 1)
    return (
        f"no index serves the reference of {index.table} to {index.parent}, so that each cleanup reads more than "
        f"{rows:,} rows; this helps: {index.statement}"
    )


def attach_report(item: pytest.Item, report: RequestReport) -> None:
    """Put *report* on what is reported of *item* from now on, in place of an earlier one of the same request."""
    others = [pair for pair in item.user_properties if not _is_about(pair, report.request_id)]
    item.user_properties[:] = [*others, (PROPERTY, json.dumps(dataclasses.asdict(report)))]
    item.config.stash.setdefault(_OWN, {})[report.request_id] = report


def read_requests(config: pytest.Config) -> list[RequestReport]:
    """Return this process's requests and those that tests' reports speak of (workers'), each in its latest state."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    own = config.stash.get(_OWN, None)
    found = own.copy() if own else {}
    for report in (*_iter_reports(terminal.stats if terminal else {}), *config.stash.get(_HEARD, ())):
        if report.request_id not in found or report.is_reset:
            found[report.request_id] = report
    return list(found.values())


class Withholding:
    """Takes what reports tell of requests out of the way of whoever writes all their properties into a file."""

    def __init__(self, config: pytest.Config) -> None:
        self._heard = config.stash[_HEARD] = list[RequestReport]()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Emitted for each report, those of workers too."""
        self._heard += _iter_reports({"": [report]})
        report.user_properties = [pair for pair in report.user_properties if pair[0] != PROPERTY]


class Showing:
    """Shows the rows of each passed test on the terminal; those of failed ones stand in pytest's own report."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Emitted for each report, those of workers too."""
        text = dict(report.sections).get(SECTION)
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if text and not report.failed and terminal is not None:
            terminal.write_line(f"\n{report.nodeid}\n{text}")


def write_summary(config: pytest.Config) -> list[str]:
    """Write the session's lines to the terminal, if there is one; return them."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or is_worker(config):
        return []
    notes: list[str] = config.stash[NOTES]
    checkpoint = config.stash[CHECKPOINT]
    lines = render(read_requests(config), notes, config.stash[SETTINGS], checkpoint)
    for line in lines:
        terminal.write_line(line)
    return lines


def render(
    requests: Sequence[RequestReport], notes: Sequence[str], settings: Settings, checkpoint: str = ""
) -> list[str]:
    """Return the lines of the summary: *notes*, the sums, where each run's audit trail is, and the *checkpoint*."""
    lines = [f"atdm: {note}" for note in notes]
    if requests:
        pages = {request.run_id: request.audit_url for request in requests}
        lines.append(f"atdm: {_count_rows(requests)} in {count_noun(len(pages), 'run')}")
        lines += [f"atdm: audit trail: {locate_audit(settings, run_id, page)}" for run_id, page in pages.items()]
        lines += [f"atdm: audit checkpoint: {checkpoint}"] if checkpoint else []
    return lines


def locate_audit(settings: Settings, run_id: str, page: str) -> str:
    """Return where a run's audit trail is seen: the *page* of a seeder that outlives the session, else a command."""
    if settings.url is None or settings.token is None:
        return f"atdm audit {run_id}"
    from pytest_atdm.core.page_key import derive_page_key  # lazy: startup

    return f"{page}?key={derive_page_key(settings.token)}"


def _count_rows(requests: Sequence[RequestReport]) -> str:
    def total(name: str) -> int:
        return sum(getattr(request, name) for request in requests)

    standing = sum(not request.is_reset for request in requests)
    parts = [
        count_noun(len(requests), "request"),
        f"{count_noun(total('seeded'), 'row')} seeded",
        f"{total('removed')} removed",
        f"{total('made_by_sut')} more that the application made",
    ]
    parts += [f"{total(name)} {words}" for name, words in _SELDOM.items() if total(name)]
    parts += [f"{count_noun(standing, 'request')} not reset by the test"] if standing else []
    return ", ".join(parts)


def count_noun(count: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _is_about(pair: tuple[str, object], request_id: str) -> bool:
    return pair[0] == PROPERTY and json.loads(str(pair[1]))["request_id"] == request_id


def _iter_reports(stats: dict[str, Iterable[object]]) -> Iterator[RequestReport]:
    for reports in stats.values():
        for report in reports:
            yield from iter_requests(report)


def iter_requests(report: object) -> Iterator[RequestReport]:
    """Yield the requests that the *report* of a test speaks of."""
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            yield RequestReport(**json.loads(value))
