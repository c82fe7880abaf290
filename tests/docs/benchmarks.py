"""``python -m tests.docs.benchmarks``: write docs/reference/benchmarks.md from what ``make bench`` has measured."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from tests.architecture.repository import ROOT
from tests.bench.figures import Figure, render_table
from tests.docs.markdown import join_paragraphs

if TYPE_CHECKING:
    from collections.abc import Sequence

MEASURED: Final = ROOT / ".atdm/bench.json"
PAGE: Final = ROOT / "docs/reference/benchmarks.md"


def render_benchmarks(figures: Sequence[Figure]) -> str:
    """Return the page about *figures*."""
    return join_paragraphs(
        "# Benchmarks",
        "`make bench` measures and writes `.atdm/bench.json`; `python -m tests.docs.benchmarks` makes this page of it.",
        "Ratios tell more than times: the machine of whoever measured is not yours.",
        "The time of a template clone is that of the disk, which copies some hundred files for it. It varies most from "
        "run to run, and the target beside it is met only where the disk is slow.",
        render_table(figures) if figures else "No figures yet.",
    )


def main() -> int:
    """Write the page; return 1 where nothing has been measured."""
    if not MEASURED.is_file():
        print("nothing measured yet; run: make bench")
        return 1
    figures = [Figure(**figure) for figure in json.loads(MEASURED.read_text())]
    PAGE.write_text(render_benchmarks(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
