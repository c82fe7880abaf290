"""The page about the crash matrix speaks of the matrix that there is."""

from __future__ import annotations

import re

import pytest

from tests.architecture.repository import ROOT
from tests.chaos.cells import CELLS
from tests.chaos.page import PAGE, main, render_page


def read_rows() -> list[tuple[str, ...]]:
    """The rows of the page's last table: component, fault, moment, what the user sees."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if "the user sees |" in line) + 2
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[start:] if line]


def test_the_page_has_every_cell_and_only_outcomes_that_are_right() -> None:
    """Who adds a fault plays the matrix again before it is told of."""
    rows = read_rows()

    assert [(cell.fault.component, cell.fault.name, cell.moment) for cell in CELLS] == [row[:3] for row in rows]
    assert [] == [row for row, cell in zip(rows, CELLS, strict=True) if row[3] not in cell.fault.expected]
    assert len(CELLS) >= 50


def test_what_was_seen_stands_in_the_page() -> None:
    """Each cell's outcome is a row, and each word for an outcome is explained."""
    seen = {cell.name: cell.fault.expected[0] for cell in CELLS}

    text = render_page(seen)

    assert "| xdist worker | SIGKILL | in the test | worker crashed |" in text
    assert set(seen.values()) <= set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def test_without_a_whole_matrix_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of some cells would look like one of all."""
    monkeypatch.setattr("tests.chaos.page.RESULTS", ROOT / "nothing-here.json")

    assert 1 == main()
    assert "make chaos" in capsys.readouterr().out
