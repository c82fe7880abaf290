"""Files on their way into a store: what the disk under them does is said as the store's own faults are."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


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
