"""The SQL files of ``shapes``: tables with rows, and below ``-- changed --`` what changes these."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "shapes"
NAMES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.sql")))


def read_shape(name: str) -> tuple[str, str]:
    """The tables with their rows, and the statements that change these."""
    made, _, changed = (_FOLDER / f"{name}.sql").read_text("utf-8").partition("-- changed --")
    return made, changed
