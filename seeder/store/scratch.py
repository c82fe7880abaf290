"""Files on their way into a store or out of it: where they lie meanwhile, and what the disk under them does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "atdm-scratch-"
#: A folder that is younger may be one whose maker has not come to lock it.
_UNSURE_S: Final = 60


@contextlib.contextmanager
def on_scratch_disk() -> Iterator[None]:
    """Raise StoreUnavailable where temporary files cannot be written or read."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"writing to {tempfile.gettempdir()}: {error.strerror or error}",
            hint="free space there, or let TMPDIR name another folder",
        ) from error


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder for temporary files, which is gone afterwards.

    What a process left that was killed goes too: the folder is locked, and the lock ends with its process.

    Raises:
        OSError: there can be none; see ``on_scratch_disk``.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with _locked(folder):
            _sweep(folder.parent)
            yield folder


def _sweep(place: Path) -> None:
    for left in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # it is at work, or another one's, or another process sweeps
            if time.time() - left.lstat().st_mtime > _UNSURE_S:
                with _locked(left):
                    shutil.rmtree(left)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock *folder*, for as long as the block or this process lasts; BlockingIOError where another one has."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)
