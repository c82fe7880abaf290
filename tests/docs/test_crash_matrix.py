"""The page about the crash matrix speaks of the matrix that there is."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.architecture.repository import ROOT
from tests.chaos.cells import CELLS
from tests.chaos.keeping.cells import CELLS as KEPT
from tests.chaos.page import PAGE, main, render_page


def read_rows(last_head: str) -> list[tuple[str, ...]]:
    """The rows of the page's table whose last column is headed so: component, fault, moment, what was seen."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if f"{last_head} |" in line) + 2
    rows = itertools.takewhile(str.strip, lines[start:])
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in rows]


def test_the_page_has_every_cell_and_only_outcomes_that_are_right() -> None:
    """Who adds a fault plays the matrix again before it is told of."""
    rows = read_rows("the user sees")

    assert [(cell.fault.component, cell.fault.name, cell.moment) for cell in CELLS] == [row[:3] for row in rows]
    assert [] == [row for row, cell in zip(rows, CELLS, strict=True) if row[3] not in cell.fault.expected]
    assert len(CELLS) >= 50


def test_the_page_has_every_cell_of_what_is_kept() -> None:
    """The same holds for the export and for baselines."""
    rows = read_rows("whoever asked is told")

    assert [(cell.component, cell.fault, cell.moment) for cell in KEPT] == [row[:3] for row in rows]
    assert [] == [row for row, cell in zip(rows, KEPT, strict=True) if row[3] not in cell.expected]


def test_what_was_seen_stands_in_the_page() -> None:
    """Each cell's outcome is a row, and each word for an outcome is explained."""
    seen = {cell.name: cell.fault.expected[0] for cell in CELLS} | {cell.name: cell.expected[0] for cell in KEPT}

    text = render_page(seen)

    assert "| xdist worker | SIGKILL | in the test | worker crashed |" in text
    assert "| object store | 503 | in a snapshot | store_unavailable |" in text
    assert set(seen.values()) <= set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def test_no_two_cells_have_one_name() -> None:
    """What was seen is kept by name."""
    names = [cell.name for cell in CELLS] + [cell.name for cell in KEPT]

    assert len(names) == len(set(names))


def test_without_a_whole_matrix_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of some cells would look like one of all."""
    monkeypatch.setattr("tests.chaos.page.RESULTS", ROOT / "nothing-here.json")

    assert 1 == main()
    assert "make chaos" in capsys.readouterr().out
