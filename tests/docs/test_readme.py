from __future__ import annotations

import shutil
from pathlib import Path

from tests.architecture.repository import ROOT
from tests.bench.figures import Figure
from tests.docs.benchmarks import render_benchmarks
from tests.docs.walkthrough import Reader, matches, read_blocks


def test_example_runs_against_the_demo(tmp_path: Path) -> None:
    """The README's tests pass as they stand, beside the demo's conftest and application."""
    for path in (ROOT / "docs/demo").glob("*.py"):
        if not path.name.startswith("test_"):
            shutil.copy(path, tmp_path)
    example = next(block for block in read_blocks("README.md") if block.language == "python")
    (tmp_path / "test_readme_example.py").write_text(example.text)

    answer = Reader(tmp_path).run("pytest -q test_readme_example.py")

    assert matches("...\n2 passed in ...", answer), answer


def test_installation_names_what_can_be_installed() -> None:
    """The README's pip command names the distribution, and an extra whose requirements are what the tests run with."""
    commands = [block.text for block in read_blocks("README.md") if block.text.startswith("$ pip install ")]

    assert ["$ pip install 'pytest-atdm[embedded]'\n"] == commands


def test_benchmark_page_shows_every_figure() -> None:
    """Each figure is a row with its target; without any, the page says so."""
    figure = Figure(
        name="seed and reset", figure=1.5, unit="ms", against="floor", ratio=2.5, target="<= 3.5x", holds=True
    )

    assert "| seed and reset | 1.5 ms | floor | 2.50x | <= 3.5x | yes |" in render_benchmarks([figure])
    assert "No figures yet." in render_benchmarks([])
