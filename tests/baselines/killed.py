"""``python -m tests.baselines.killed URL FOLDER NAME POINT``: take a baseline, and end by SIGKILL at a point."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from seeder.store.local import LocalStore
from tests.baselines.source import Source


class DeadlyStore(LocalStore):
    """A store that ends the process with the object number *point*: before it stands (even), or right after (odd)."""

    def __init__(self, folder: Path, point: int) -> None:
        super().__init__(folder)
        self._point = point

    def create(self, name: str, source: Path) -> bool:
        """Make the object, and perhaps die."""
        self._pass()
        made = super().create(name, source)
        self._pass()
        return made

    def create_bytes(self, name: str, body: bytes) -> bool:
        """Make the object, and perhaps die."""
        self._pass()
        made = super().create_bytes(name, body)
        self._pass()
        return made

    def _pass(self) -> None:
        if self._point == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._point -= 1


if __name__ == "__main__":
    url, folder, name, point = sys.argv[1:]
    Source(url).take(DeadlyStore(Path(folder), int(point)), name)
