"""``make chaos``: play both matrices, some cells at a time, print what was seen, and write it to .atdm/chaos.json."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / ".atdm" / "chaos.json"
MATRICES: Final = ("matrix.py", "keeping/matrix.py")
#: Most of a cell is waiting, for a lease or for a deadline.
AT_ONCE: Final = 4


class Watcher:
    """Collects what the user saw in each cell, and how long the cell took."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a cell that has been played."""
        if report.when == "call" and report.passed:
            name = report.nodeid.partition("[")[2].removesuffix("]")
            self.seen[name] = str(dict(report.user_properties)["outcome"])


def main(arguments: list[str]) -> int:
    """Run and return pytest's exit code."""
    started, watcher = time.monotonic(), Watcher()
    # What a shell starts in the background ignores Ctrl-C, and so would the sessions that are to be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words = ["-q", "-n", str(AT_ONCE), "-p", "no:cacheprovider", "-o", "faulthandler_timeout=400"]
    files = [str(Path(__file__).parent / name) for name in MATRICES]
    code = pytest.main([*words, *files, *arguments], plugins=[watcher])
    cells = _count_cells()
    print(f"{len(watcher.seen)} of {cells} cells held, in {time.monotonic() - started:.0f} s")
    if len(watcher.seen) == cells:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(watcher.seen, indent=2) + "\n", encoding="utf-8")
    return int(code)


def _count_cells() -> int:
    from tests.chaos import cells  # pytest must be the first to import the plugin
    from tests.chaos.keeping import cells as kept

    return len(cells.CELLS) + len(kept.CELLS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
