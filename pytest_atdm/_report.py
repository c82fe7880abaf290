"""What a session says about its requests: carried on the tests' reports, so that a crashed worker's come too."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._state import NOTES, SETTINGS, is_worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_atdm._options import Settings
    from pytest_atdm.core.model import Receipt, ResetReport

#: Name of the property on reports (``user_properties``, so in JUnit XML too): one JSON text per request.
PROPERTY: Final = "atdm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReport:
    """One request: what was seeded, and, once it has been reset, what was removed and what was not (rows)."""

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


#: This process's own requests: no report follows on what is reset after Ctrl-C.
_OWN: Final[pytest.StashKey[dict[str, RequestReport]]] = pytest.StashKey()


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
    for report in _iter_reports(terminal.stats if terminal else {}):
        if report.request_id not in found or report.is_reset:
            found[report.request_id] = report
    return list(found.values())


def write_summary(config: pytest.Config) -> None:
    """Write the session's lines to the terminal, if there is one."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or is_worker(config):
        return
    notes: list[str] = config.stash[NOTES]
    for line in render(read_requests(config), notes, config.stash[SETTINGS]):
        terminal.write_line(line)


def render(requests: Sequence[RequestReport], notes: Sequence[str], settings: Settings) -> list[str]:
    """Return the lines of the summary: *notes*, the sums, and where each run's audit trail is."""
    lines = [f"atdm: {note}" for note in notes]
    if requests:
        pages = {request.run_id: request.audit_url for request in requests}
        lines.append(f"atdm: {_count_rows(requests)} in {count_noun(len(pages), 'run')}")
        lines += [f"atdm: audit trail: {locate_audit(settings, run_id, page)}" for run_id, page in pages.items()]
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
    parts += [f"{total(name)} {name}" for name in ("detached", "left") if total(name)]
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
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    yield RequestReport(**json.loads(value))
