"""Where in the store the parts of a baseline are.

Each attempt to take a baseline has an id of its own, a ULID, which says when it began: files of an attempt that no
manifest names are those of one that is still at work, or was killed. An attempt may write its manifest for
``TAKING_S``; when ``ABANDONED_S`` are over, its files can be removed, and nobody can be hurt by that.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

from pytest_atdm.core.ulid import make_ulid

#: All baselines.
ROOT: Final = "baselines/"
#: Clocks of two machines may differ by the rest.
TAKING_S: Final = 6 * 3600
ABANDONED_S: Final = 24 * 3600

_FILE: Final = re.compile(r"baselines/(?P<name>[^/]+)/(?P<attempt>[0-9A-Z]{26})/[0-9]+\.parquet")
_MANIFEST: Final = re.compile(r"baselines/(?P<name>[^/]+)/manifest\.json")


def begin_attempt() -> str:
    """Return the id of a new attempt."""
    return make_ulid(_now_ms(), secrets.token_bytes(10))


def folder_of(name: str) -> str:
    """Return the folder of the baseline *name*, with a slash at its end."""
    return f"{ROOT}{name}/"


def manifest_of(name: str) -> str:
    """Return where the manifest of the baseline *name* is."""
    return f"{folder_of(name)}manifest.json"


def file_of(name: str, attempt: str, number: int) -> str:
    """Return where the file *number* of an attempt is."""
    return f"{folder_of(name)}{attempt}/{number}.parquet"


def find_attempt(place: str, name: str) -> str | None:
    """Return the attempt that the file at *place* is of; None where it is no file of the baseline *name*."""
    found = _FILE.fullmatch(place)
    return found["attempt"] if found and found["name"] == name else None


def find_name(place: str) -> str | None:
    """Return the baseline whose manifest is at *place*; None where it is no manifest."""
    found = _MANIFEST.fullmatch(place)
    return found["name"] if found else None


def is_abandoned(attempt: str) -> bool:
    """Return whether the attempt began so long ago that it is not at work any more."""
    return attempt < make_ulid(_now_ms() - ABANDONED_S * 1000, bytes(10))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
