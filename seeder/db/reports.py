"""Reset reports as the database stores them, read back and summed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_atdm.core.model import LeftRow, ResetReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.model import RemovedBy


def read_report(text: str) -> ResetReport:
    """Return the report that the JSON *text* of ``atdm.request.report`` holds."""
    value = json.loads(text)
    return ResetReport(
        seeded=value["seeded"],
        made_by_sut=value["made_by_sut"],
        detached=tuple(LeftRow(**row) for row in value["detached"]),
        left=tuple(LeftRow(**row) for row in value["left"]),
        by=value.get("by", "owner"),
    )


def sum_reports(reports: Sequence[ResetReport], by: RemovedBy) -> ResetReport:
    """Return one report over several requests, whose rows *by* removed."""
    seeded: Counter[str] = Counter()
    made_by_sut: Counter[str] = Counter()
    for report in reports:
        seeded.update(report.seeded)
        made_by_sut.update(report.made_by_sut)
    return ResetReport(
        seeded=dict(seeded),
        made_by_sut=dict(made_by_sut),
        detached=tuple(row for report in reports for row in report.detached),
        left=tuple(row for report in reports for row in report.left),
        requests=len(reports),
        by=by,
    )


def mark_repeated(report: ResetReport) -> ResetReport:
    """Return the report of a reset that had been executed before."""
    return replace(report, already=True)
