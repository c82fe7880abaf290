"""``python -m tests.chaos.page``: write docs/reference/crash-matrix.md from what ``make chaos`` has seen."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from tests.chaos.__main__ import RESULTS, ROOT
from tests.chaos.cells import CELLS
from tests.chaos.keeping.cells import CELLS as KEPT
from tests.docs.markdown import join_paragraphs, render_table

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = ROOT / "docs" / "reference" / "crash-matrix.md"
_MEANINGS: Final = {
    "green": "all tests pass; nobody notices",
    "dead": "the session itself is gone; its rows are, too, once its lease has lapsed",
    "interrupted": "the session ends as after Ctrl-C",
    "worker crashed": "pytest-xdist reports the test and starts another worker",
    "lease_lost": "one error: the rows were removed while the process was stopped",
    "seeder_unreachable": "one error, and the session ends",
    "database_unavailable": "one error, and the session ends",
    "database_busy": "one error of the test, and who holds the rows",
}
_KEPT_MEANINGS: Final = {
    "done": "it is done; an export goes on beside, and is made up for once it can be",
    "store_unavailable": "one error: nothing was taken or changed; done again afterwards, it works",
    "seeder_unreachable": "one error: it broke off; all of it stands, or nothing",
    "not_found": "one error: there is no such baseline any more",
    "setting_error": "the seeder does not start with such a store",
}


def render_page(seen: Mapping[str, str]) -> str:
    """Return the page about what was *seen*, by the cells' names."""
    rows = ([cell.fault.component, cell.fault.name, cell.moment, seen[cell.name]] for cell in CELLS)
    kept = ([cell.component, cell.fault, cell.moment, seen[cell.name]] for cell in KEPT)
    return join_paragraphs(
        "# Crash matrix",
        "`make chaos` plays it and writes `.atdm/chaos.json`; `python -m tests.chaos.page` makes this page of it. "
        "After "
        "each cell no row of a dead run stands, rows from before are unchanged, requests and audit log are whole, and "
        "another live run was not disturbed: see [what holds when things die](../explanation/when-things-die.md).",
        f"{len(CELLS) + len(KEPT)} cells.",
        "## Sessions",
        "What the user sees:",
        render_table(["word", "meaning"], ([f"`{word}`", meaning] for word, meaning in _MEANINGS.items())),
        render_table(["component", "fault", "moment", "the user sees"], rows),
        "## What is kept",
        "The export of the audit log, and baselines, in a folder and in a bucket. After each cell the files hold every "
        "sealed event once and fit the log, baselines are whole or absent, and the target is in its old or new state.",
        render_table(["word", "meaning"], ([f"`{word}`", meaning] for word, meaning in _KEPT_MEANINGS.items())),
        render_table(["component", "fault", "moment", "whoever asked is told"], kept),
    )


def main() -> int:
    """Write the page; return 1 where not every cell has held."""
    if not RESULTS.is_file():
        print("not played yet, or not every cell has held; run: make chaos")
        return 1
    PAGE.write_text(render_page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
