"""``atdm coverage``: requirements of the catalog or of a CSV, after real sessions of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_atdm.cli.coverage import read_requirements, write_lines
from pytest_atdm.cli.coverage_junit import render_junit
from pytest_atdm.cli.coverage_page import render_page
from pytest_atdm.core.coverage import Use, judge_coverage
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Atdm

TESTS: Final = """
import os
from pytest_atdm import atdm_scenario

@atdm_scenario("open_cart")
def test_cart(atdm_data): pass

@atdm_scenario("open_cart")
def test_flaky(atdm_data): assert os.environ["TURN"] == "2"

@atdm_scenario("paid_order")
def test_paid(atdm_data): pass

@atdm_scenario("delivered_order")
def test_delivered(atdm_data): assert os.environ["TURN"] == "1"
"""
_COMMITS: Final = count(1)
#: Whatever a name may hold that HTML or XML could take for something else.
ODD: Final = 'x<script>alert("1")</script> & \x1b[31m\x00 é'


@pytest.fixture
def commit(served_folder: Path) -> Iterator[str]:
    """A commit on which two sessions have run the tests of a file."""
    sha = f"c{next(_COMMITS):04}0ffee"
    file = served_folder / "test_orders.py"
    file.write_text(TESTS)
    for turn in "12":
        environment = {name: text for name, text in os.environ.items() if not name.startswith("ATDM_")}
        environment |= {"GITHUB_SHA": sha, "TURN": turn}
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name]
        run = subprocess.run(words, cwd=served_folder, env=environment, capture_output=True, text=True, check=False)
        assert run.stdout.splitlines()[-1].startswith("1 failed, 3 passed")
    yield sha
    file.unlink()


def test_each_requirement_has_its_status(atdm: Atdm, commit: str) -> None:
    """Covered, flaky on one commit, failing at the newest, never exercised; the sums and the exit code say the same."""
    outcome = atdm("coverage", "--commit", commit[:7], "--json")

    assert (0, "") == (outcome.code, outcome.err)
    found = outcome.payload
    statuses = {one["id"]: one["status"] for one in found["requirements"]}
    assert ["covered", "failing", "flaky", "flaky"] == [
        statuses[id] for id in ("REQ-ORD-001", "REQ-RET-001", "REQ-CRT-001", "REQ-STK-001")
    ]
    others = len(statuses) - 4
    assert {
        "requirements": others + 4,
        "failing": 1,
        "flaky": 2,
        "covered": 1,
        "skipped": 0,
        "never_exercised": others,
        "percent": round(300 / (others + 4), 1),
    } == found["summary"]
    assert {"open_cart", "paid_order", "delivered_order"}.isdisjoint(found["unused_scenarios"])
    assert "shipped_order" in found["unused_scenarios"]
    (returned,) = [one for one in found["requirements"] if one["id"] == "REQ-RET-001"]
    (test,) = returned.pop("tests")
    assert {
        "id": "REQ-RET-001",
        "title": "Within fourteen days a line can be returned for what it cost",
        "listed": True,
        "status": "failing",
        "flaky": True,
        "scenarios": ["delivered_order", "refund_under_way"],
    } == returned
    assert test.pop("at").endswith("Z")
    assert {
        "nodeid": "test_orders.py::test_delivered",
        "scenario": "delivered_order",
        "outcome": "failed",
        "commit": commit,
        "passed": 1,
        "failed": 1,
        "errors": 0,
        "skipped": 0,
        "attempt": 1,
        "flaky": True,
    } == test


def test_a_list_in_a_file_takes_the_place_of_the_catalogs(atdm: Atdm, commit: str, tmp_path: Path) -> None:
    """What the file lists comes first; what only scenarios name is told apart, and what no scenario names too."""
    file = tmp_path / "backlog.csv"
    file.write_text("\ufeffowner,id,title\nAda,REQ-ORD-001,Cancel\nGrace,REQ-X,Nothing yet\n", encoding="utf-8")

    lines = atdm("coverage", "--commit", commit, "--requirements", str(file)).out.splitlines()

    assert ["REQ-ORD-001", "covered", "1", "2", "passed", "Cancel"] == lines[2].split()
    assert ["REQ-X", "never", "exercised", "0", "Nothing", "yet"] == lines[3].split()
    assert "in the list, and named by no scenario: REQ-X" in lines
    (unlisted,) = [line for line in lines if line.startswith("named by scenarios, and not in the list: ")]
    assert "REQ-CRT-001" in unlisted
    assert "REQ-ORD-001" not in unlisted
    assert "tests that ended differently: test_orders.py::test_delivered, test_orders.py::test_flaky" in lines


def test_too_little_is_an_exit_code(atdm: Atdm, commit: str, tmp_path: Path) -> None:
    """Below the percentage 1, at it 0; the answer is the same."""
    file = tmp_path / "two.csv"
    file.write_text("id,title\nREQ-ORD-001,Cancel\nREQ-RET-001,Return\n")
    words = ("coverage", "--commit", commit, "--requirements", str(file), "--json")

    percent = atdm(*words).payload["summary"]["percent"]
    outcomes = [atdm(*words, "--fail-under", str(least)) for least in (0, percent - 0.1, percent + 0.1, 100)]

    assert [0, 0, 1, 1] == [one.code for one in outcomes]
    assert 1 == len({one.out for one in outcomes})
    assert 2 == atdm(*words, "--fail-under", "101").code


def test_ci_reads_a_test_case_for_each_requirement(atdm: Atdm, commit: str) -> None:
    """Failing ones have failed, with their tests; those without a test were skipped; the suite counts them."""
    root = ET.fromstring(atdm("coverage", "--commit", commit, "--output", "junit").out)

    (suite,) = root.iter("testsuite")
    cases = {str(case.get("name")).split()[0]: case for case in suite.iter("testcase")}
    payload = atdm("coverage", "--commit", commit, "--json").payload["summary"]
    assert [payload["requirements"], payload["failing"], payload["never_exercised"], 0] == [
        int(str(suite.get(name))) for name in ("tests", "failures", "skipped", "errors")
    ]
    assert [1, 0] == [len(cases["REQ-RET-001"].findall(kind)) for kind in ("failure", "skipped")]
    assert [0, 0] == [len(cases["REQ-ORD-001"].findall(kind)) for kind in ("failure", "skipped")]
    assert [0, 1] == [len(cases["REQ-RET-003"].findall(kind)) for kind in ("failure", "skipped")]
    assert "failed test_orders.py::test_delivered (delivered_order)" in str(cases["REQ-RET-001"].findtext("failure"))


class _Page(HTMLParser):
    """The elements of a page, and the addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        """Note it."""
        self.text += data


def test_the_page_needs_nothing_beside_itself(atdm: Atdm, commit: str) -> None:
    """Every requirement stands on it with its status, and it loads nothing and runs nothing."""
    page = atdm("coverage", "--commit", commit, "--output", "html")

    found = _Page(page.out)
    assert page.out.startswith("<!doctype html>")
    assert [] == found.addresses
    assert {"script", "link", "img", "iframe"}.isdisjoint(found.tags)
    assert "url(" not in page.out
    for requirement in atdm("coverage", "--commit", commit, "--json").payload["requirements"]:
        assert requirement["id"] in found.text
    assert "REQ-RET-001" in found.text
    assert "test_orders.py::test_delivered failed, flaky" in found.text


@pytest.mark.parametrize("render", [render_page, render_junit])
def test_odd_names_stay_text(render: Callable[..., str]) -> None:
    """Whatever tests, scenarios and requirements are called, no element comes of it, and the form is kept."""
    use = Use(nodeid=ODD, scenario=ODD, outcome="failed", failed=1, commit=ODD, requirements=(ODD,))

    text = render(judge_coverage({ODD: ODD}, {ODD: [ODD], f"{ODD}2": []}, [use]))

    assert "<script" not in text
    if render is render_junit:
        root = ET.fromstring(text)
        assert 'x<script>alert("1")</script> & ?[31m? é' in str(root.findtext(".//failure"))
    else:
        assert ODD.replace("\x00", "") in _Page(text).text.replace("\x00", "")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"", ":1: the columns id and title"),
        (b"id;title\nR;T\n", ":1: the columns id and title"),
        (b'id,title\nR-1,"Two\nlines"\nR-1,T\n', ':4: requirement "R-1" stands twice'),
        (b"id,title\n ,T\n", ":2: the id is empty"),
    ],
)
def test_a_list_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: bytes | None, what: str) -> None:
    """Nothing of it is passed over, and the hint says how it is written."""
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_bytes(text)

    with pytest.raises(SettingError) as caught:
        read_requirements(path)

    assert f"--requirements: {path}" in caught.value.message
    assert what in caught.value.message
    assert "id,title" in caught.value.hint


def test_a_short_line_has_no_title(tmp_path: Path) -> None:
    """An id is enough."""
    path = tmp_path / "list.csv"
    path.write_text("id,title\nR-2\nR-1,One,more\n")

    assert {"R-2": "", "R-1": "One"} == read_requirements(path)


def test_an_error_is_told_as_ever(atdm_alone: Atdm) -> None:
    """With a format for documents errors are on stderr, with JSON they are the document; nothing is started for it."""
    told = atdm_alone("coverage", "--requirements", "nowhere.csv", "--output", "junit")
    document = atdm_alone("coverage", "--requirements", "nowhere.csv", "--json")

    assert (2, "") == (told.code, told.out)
    assert "code:  setting_error" in told.err
    assert "setting_error" == document.payload["error"]["code"]


def test_nothing_has_nothing_to_say() -> None:
    """Without requirements the table is empty, and all of them are covered."""
    nothing: dict[str, Any] = {}

    assert "0 requirements; 100.0 % covered" == list(write_lines(judge_coverage({}, nothing, [])))[-1]
