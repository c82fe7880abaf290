"""``python -m tests.baselines.restored URL FOLDER NAME POINT``: restore a baseline, and end by SIGKILL at a point."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from seeder.baselines.restoring import restore_baseline
from seeder.baselines.shelf import Shelf
from seeder.store.local import LocalStore
from tests.database.world import RUN, settings


class Death:
    """Progress that ends the process when it is told the time number *point*."""

    def __init__(self, point: int) -> None:
        self._point = point

    def __call__(self, table: str, phase: str, done: int, total: int) -> None:
        """Die, or not yet."""
        if self._point == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._point -= 1


if __name__ == "__main__":
    url, folder, name, point = sys.argv[1:]
    shelf = Shelf(LocalStore(Path(folder)))
    asyncio.run(restore_baseline(settings(url), shelf, shelf.read(name), run_id=RUN, progress=Death(int(point))))
