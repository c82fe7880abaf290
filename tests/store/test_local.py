"""A folder as a store: what becomes of it when the machine does not do as it should."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.local import LocalStore

if TYPE_CHECKING:
    from seeder.store.port import Store

_PATIENCE_S: Final = 30

#: A writer whose files cannot grow beyond a limit, as on a full disk: the signal of it is ignored, the write fails.
_LIMITED: Final = """
import resource, signal, sys
from pathlib import Path
from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.local import LocalStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
store = LocalStore(Path(sys.argv[1]))
for write in (lambda: store.create("a/b", Path(sys.argv[2])), lambda: store.create_bytes("a/c", bytes(2_000_000))):
    try:
        print(write())
    except StoreUnavailable as error:
        print(error)
print(store.create_bytes("a/small", b"fits"), store.names("a/"))
"""

#: A writer that takes for ever: the source is a pipe that nobody closes.
_ENDLESS: Final = """
import sys
from pathlib import Path
from seeder.store.local import LocalStore
import seeder.store.local

def write_for_ever(source, path):
    with path.open("wb") as file:
        while True:
            file.write(bytes(10_000))
            file.flush()

seeder.store.local._copy = write_for_ever
LocalStore(Path(sys.argv[1])).create("a/b", Path(sys.argv[0]))
"""


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    """Where a file stands instead of the folder, or of one in it, nothing is written, and the error says what to do."""
    (tmp_path / "file").touch()

    for store, name in ((LocalStore(tmp_path / "file"), "a"), (LocalStore(tmp_path), "file/a")):
        with pytest.raises(StoreUnavailable, match="writing") as caught:
            store.create_bytes(name, b"")
        assert store.place in caught.value.message
        assert "folder exists, can be written to and has space" in caught.value.hint
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


def test_a_source_that_is_not_there_is_said(local_store: Store, tmp_path: Path) -> None:
    """Without the file that it is to be made from there is no object."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        local_store.create("a/b", tmp_path / "missing")

    assert () == local_store.names("a/")
