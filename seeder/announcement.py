"""What a seeder says of itself: one line to its starter, one file for those who join."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from seeder.settings import Settings

STATE_FILE: Final = "seeder.json"

_STDOUT: Final = 1


class Announcement:
    """Tells the starter (stdout) and later joiners (the state file) where the seeder is; withdrawn by ``close``."""

    def __init__(self, settings: Settings, state: Path | None, *, owned: bool) -> None:
        """Announce a seeder: as JSON on stdout and in the folder *state* if *owned*, else as text on stderr."""
        self._settings = settings
        self._owned = owned
        self._file = state / STATE_FILE if owned and state is not None else None

    def publish(self, lifeline_port: int | None) -> None:
        """Say that requests are accepted."""
        settings = self._settings
        if not self._owned:
            database = f", database {settings.database_url}" if settings.embedded else ""
            print(f"atdm-seeder: {settings.base_url}{database}", file=sys.stderr, flush=True)
            return
        facts = {"url": settings.base_url, "token": settings.token, "database_url": settings.database_url}
        line = json.dumps({**facts, "pid": os.getpid(), "lifeline": lifeline_port})
        if self._file is not None:
            _write_privately(self._file, line)
        print_line(line)

    def say_that_it_stays(self) -> None:
        """Tell the starter, which has let go and may be waiting for our end, that others still hold on."""
        print_line(json.dumps({"stays": True}))

    def close(self) -> None:
        """Let no joiner find this seeder any more."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def print_line(line: str) -> None:
    """Write one *line* to the starter; nothing happens if it has gone: the lifeline notices that."""
    with contextlib.suppress(OSError):
        os.write(_STDOUT, line.encode() + b"\n")


def _write_privately(path: Path, text: str) -> None:
    """Write *path* in one step, readable by its owner alone."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
