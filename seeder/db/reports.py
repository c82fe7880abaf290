"""Reset reports as the database stores them, read back and summed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.model import LeftRow, ResetReport, SideEffect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_atdm.core.model import RemovedBy

#: So many of the rows that were changed since are named in a report; of the others their number is.
MAX_CHANGED: Final = 20
_KINDS: Final = ("inserted", "updated", "deleted")


def read_report(text: str) -> ResetReport:
    """Return the report that the JSON *text* of ``atdm.request.report`` holds; one of an earlier version has less."""
    value = json.loads(text)
    return ResetReport(
        seeded=value["seeded"],
        made_by_sut=value["made_by_sut"],
        detached=_read_rows(value["detached"]),
        left=_read_rows(value["left"]),
        beyond={table: SideEffect(**counts) for table, counts in value.get("beyond", {}).items()},
        changed=_read_rows(value.get("changed", ())),
        more_changed=value.get("more_changed", 0),
        by=value.get("by", "owner"),
    )


def _read_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[LeftRow, ...]:
    return tuple(LeftRow(**row) for row in rows)


def sum_reports(reports: Sequence[ResetReport], by: RemovedBy) -> ResetReport:
    """Return one report over several requests, whose rows *by* removed; what several found changed is named once."""
    changed = {(row.table, json.dumps(row.key)): row for report in reports for row in report.changed}
    return ResetReport(
        seeded=_sum_counts(report.seeded for report in reports),
        made_by_sut=_sum_counts(report.made_by_sut for report in reports),
        detached=tuple(row for report in reports for row in report.detached),
        left=tuple(row for report in reports for row in report.left),
        beyond=_sum_effects([report.beyond for report in reports]),
        changed=tuple(changed.values())[:MAX_CHANGED],
        more_changed=max(len(changed) - MAX_CHANGED, 0) + sum(report.more_changed for report in reports),
        requests=len(reports),
        by=by,
    )


def _sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def _sum_effects(effects: Sequence[Mapping[str, SideEffect]]) -> dict[str, SideEffect]:
    tables = {table: [one[table] for one in effects if table in one] for one in effects for table in one}
    return {
        table: SideEffect(**{kind: sum(getattr(one, kind) for one in found) for kind in _KINDS})
        for table, found in tables.items()
    }


def mark_repeated(report: ResetReport) -> ResetReport:
    """Return the report of a reset that had been executed before."""
    return replace(report, already=True)
