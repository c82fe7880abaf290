"""The coverage of requirements as JUnit XML, which servers of CI read: a test case for each requirement."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.coverage import Status, describe_attempts, describe_status

if TYPE_CHECKING:
    from pytest_atdm.core.coverage import Coverage, Requirement

_SKIPPED: Final = frozenset({Status.NEVER_EXERCISED, Status.SKIPPED})
#: What no XML can hold, however it is written.
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(coverage: Coverage) -> str:
    """Return the document: failing requirements have failed; skipped and never exercised ones were skipped."""
    counts = coverage.counts
    totals = {
        "tests": str(len(coverage.requirements)),
        "failures": str(counts[Status.FAILING]),
        "errors": "0",
        "skipped": str(sum(counts[status] for status in _SKIPPED)),
    }
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", {"name": "requirements", **totals, "time": "0"})
    for one in coverage.requirements:
        _add_case(suite, one)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _add_case(suite: ET.Element, one: Requirement) -> None:
    name = _clean(f"{one.id} {one.title}".strip())
    case = ET.SubElement(suite, "testcase", {"classname": "requirements", "name": name, "time": "0"})
    message = _clean(": ".join(filter(None, (describe_status(one.status), describe_attempts(one.tests)))))
    lines = _clean("\n".join(f"{test.outcome} {test.nodeid} ({test.scenario})" for test in one.tests))
    if one.status is Status.FAILING:
        ET.SubElement(case, "failure", {"message": message}).text = lines
    elif one.status in _SKIPPED:
        ET.SubElement(case, "skipped", {"message": message})
    if lines:
        ET.SubElement(case, "system-out").text = f"{message}\n{lines}"


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("?", text)
