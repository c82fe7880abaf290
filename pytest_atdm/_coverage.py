"""What this session's tests say of the requirements: lines of the summary, from the tests' reports alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._catalog import open_catalog
from pytest_atdm._report import iter_requests
from pytest_atdm._state import SETTINGS, is_worker
from pytest_atdm.core.coverage import (
    Use,
    describe_attempts,
    describe_counts,
    describe_status,
    judge_coverage,
    list_requirements,
    list_scenarios,
)
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_atdm.core.coverage import Coverage, Outcome

#: How an attempt ended, by how its report says it; what was run again had failed.
_OUTCOMES: Final[dict[str, Outcome]] = {
    "passed": "passed", "failed": "failed", "rerun": "failed", "error": "error", "skipped": "skipped",
}  # fmt: skip


def write_coverage(config: pytest.Config) -> None:
    """Write to the terminal what the session says of the catalog's requirements; the seeder is not asked."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or is_worker(config):
        return
    reports = [one for found in terminal.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    try:
        catalog = open_catalog(config.stash[SETTINGS].catalog_folder())
        listed, scenarios = list_requirements(catalog), list_scenarios(catalog)
    except AtdmError as exc:
        lines = [f"atdm: coverage: {exc}"]
    else:
        lines = list(render_coverage(judge_coverage(listed, scenarios, gather_uses(reports))))
    for line in lines:
        terminal.write_line(line)


def gather_uses(reports: Iterable[pytest.TestReport]) -> list[Use]:
    """Return what the *reports* of a session's tests, workers' too, say of tests and scenarios.

    A test ends with its call, or with a setup that fails; rows that stood by then count as used.
    """
    ends: dict[tuple[str, str], list[Outcome]] = {}
    for report in sorted(reports, key=lambda one: one.stop):
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            name = "error" if (report.when, report.outcome) == ("setup", "failed") else report.outcome
            for scenario in {request.scenario for request in iter_requests(report)}:
                ends.setdefault((report.nodeid, scenario), []).append(_OUTCOMES[name])
    return [_sum_up(nodeid, scenario, outcomes) for (nodeid, scenario), outcomes in ends.items()]


def _sum_up(nodeid: str, scenario: str, outcomes: Sequence[Outcome]) -> Use:
    return Use(
        nodeid=nodeid,
        scenario=scenario,
        outcome=outcomes[-1],
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        errors=outcomes.count("error"),
        skipped=outcomes.count("skipped"),
        attempt=len(outcomes),
        varied=len({*outcomes} - {"skipped"}) > 1,
    )


def render_coverage(coverage: Coverage) -> Iterator[str]:
    """Yield the lines: the sums, then each requirement with how its tests ended, or its title where it has none."""
    yield f"atdm: coverage in this session: {describe_counts(coverage)}"
    width = max((len(one.id) for one in coverage.requirements), default=0)
    for one in coverage.requirements:
        said = describe_attempts(one.tests) or one.title
        yield f"  {one.id:{width}}  {describe_status(one.status)}: {said}".rstrip(" :")
