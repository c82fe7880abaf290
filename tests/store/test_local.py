"""A folder as a store: what becomes of it when the machine does not do as it should."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.local import LocalStore
from tests.process.actors import PATIENCE_S, ROOT

if TYPE_CHECKING:
    from seeder.store.port import Store

#: A writer whose files cannot grow beyond a limit, which ends a write half-way as a full disk does.
_LIMITED: Final = """
import resource, signal, sys
from pathlib import Path
from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.local import LocalStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
store = LocalStore(Path(sys.argv[1]))
source = Path(sys.argv[2])
for write in (lambda: store.create("a/file", source), lambda: store.create_bytes("a/bytes", bytes(2_000_000))):
    try:
        print(write())
    except StoreUnavailable as error:
        print(error.code, error.message)
print(store.create_bytes("a/small", b"fits"))
"""

#: A writer who may not write there: root may everywhere, so it becomes nobody, after it has loaded what it needs.
_UNPRIVILEGED: Final = """
import os, sys
from pathlib import Path
from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.local import LocalStore

if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
try:
    LocalStore(Path(sys.argv[1])).create_bytes("a/b", b"")
except StoreUnavailable as error:
    print(error)
"""

#: A writer with much to write.
_LONG: Final = """
import sys
from pathlib import Path
from seeder.store.local import LocalStore
print(LocalStore(Path(sys.argv[1])).create("a/b", Path(sys.argv[2])))
"""
_LONG_BYTES: Final = 4 * 1024**3


def run(script: str, *arguments: Path) -> str:
    """Return what *script* prints in a process of its own."""
    words = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


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


def test_a_full_disk_leaves_nothing_half(local_store: LocalStore, tmp_path: Path) -> None:
    """A write that ends half-way is an error, and neither an object nor an unfinished file is left of it."""
    source = tmp_path / "source"
    source.write_bytes(bytes(2_000_000))
    folder = Path(local_store.place)

    said = run(_LIMITED, folder, source).splitlines()

    failures = [line.partition(" in the store")[0] for line in said[:2]]
    assert [f"store_unavailable writing a/{name}: File too large" for name in ("file", "bytes")] == failures
    assert ["True"] == said[2:]
    assert [folder / "a/small"] == [path for path in folder.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_to_is_said() -> None:
    """Without the right to write there, the error says so, and nothing is made."""
    with tempfile.TemporaryDirectory(prefix="atdm-store-") as place:  # not below tmp_path, which is closed to others
        folder = Path(place)
        folder.chmod(0o555)

        said = run(_UNPRIVILEGED, folder)

        assert f"writing a/b: Permission denied in the store {folder}\n  hint: see that the folder exists" in said
        assert [] == [*folder.iterdir()]


def test_what_killed_writers_left_goes_after_a_day(local_store: LocalStore) -> None:
    """A probe removes files that nobody can be writing any more, and leaves those alone that somebody may be."""
    local_store.create_bytes("a/b", b"")
    folder = Path(local_store.place) / ".unfinished"
    for name, age_s in (("old", 90_000), ("new", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)

    local_store.probe()

    assert ["new"] == [path.name for path in folder.iterdir()]
    assert ("a/b",) == local_store.names("a/")


def test_a_killed_writer_leaves_no_object(local_store: Store, tmp_path: Path) -> None:
    """Whoever is killed within a write leaves no object of that name, and another can make it."""
    source, folder = tmp_path / "source", Path(local_store.place)
    with source.open("wb") as file:
        file.truncate(_LONG_BYTES)
    words = [sys.executable, "-c", _LONG, str(folder), str(source)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        while not any(path.stat().st_size for path in folder.glob(".unfinished/*")):
            assert writer.poll() is None
        writer.kill()
        assert writer.stdout is not None
        assert writer.stdout.read() == b""

    assert () == local_store.names("a/")
    assert local_store.create_bytes("a/b", b"again")
    assert ("a/b",) == local_store.names("a/")
