"""What every store promises, whatever stands behind it."""

from __future__ import annotations

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import InternalError, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from seeder.store.port import Store

_WRITERS = 8


def test_what_is_created_is_read(store: Store, tmp_path: Path) -> None:
    """An object has the content of its file, or its bytes, by both ways of reading; an empty one is one too."""
    source = tmp_path / "source"
    source.write_bytes(b"from a file")

    assert store.create("a/file.parquet", source)
    assert store.create_bytes("a/bytes.json", b"{}")
    assert store.create_bytes("a/empty", b"")

    with store.reading("a/file.parquet") as path:
        assert b"from a file" == path.read_bytes()
    assert (b"from a file", b"{}", b"") == tuple(
        store.read_bytes(f"a/{name}") for name in ("file.parquet", "bytes.json", "empty")
    )


def test_some_megabytes_survive_exactly(store: Store, tmp_path: Path) -> None:
    """A file of more than one chunk, of no round size, is the same afterwards."""
    content = random.Random(7).randbytes(9 * 1024 * 1024 + 13)
    source = tmp_path / "large"
    source.write_bytes(content)

    assert store.create("large", source)

    with store.reading("large") as path:
        assert hashlib.sha256(content).digest() == hashlib.sha256(path.read_bytes()).digest()
    assert source.read_bytes() == content


def test_what_stands_is_not_written_over(store: Store, tmp_path: Path) -> None:
    """The second creation of a name is told that it stands, by bytes or from a file, and the first content stays."""
    source = tmp_path / "source"
    source.write_bytes(b"later")

    assert store.create_bytes("a/b", b"first")

    assert not store.create_bytes("a/b", b"second")
    assert not store.create("a/b", source)
    assert store.read_bytes("a/b") == b"first"


def test_of_writers_at_once_one_wins(store: Store) -> None:
    """Of eight threads that create one name, exactly one is told that it did, and its content is the object's."""
    together = threading.Barrier(_WRITERS)

    def write(number: int) -> bool:
        together.wait()
        return store.create_bytes("contested", b"%d" % number)

    with ThreadPoolExecutor(_WRITERS) as writers:
        won = [*writers.map(write, range(_WRITERS))]

    assert 1 == won.count(True)
    assert b"%d" % won.index(True) == store.read_bytes("contested")


def test_names_are_those_below_a_folder(store: Store) -> None:
    """Names are sorted, at any depth; a folder whose name begins alike, and one above, are others."""
    for name in ("a/2", "a/10", "a/b/c=1/d", "ab/1", "c", "a-/1"):
        store.create_bytes(name, b"")

    assert ("a/10", "a/2", "a/b/c=1/d") == store.names("a/")
    assert ("a/b/c=1/d",) == store.names("a/b/")
    assert () == store.names("nothing/")


def test_what_is_not_there_is_not_found(store: Store) -> None:
    """Reading a missing object is NotFound, which names it and the store; so is reading a folder."""
    store.create_bytes("a/b", b"")

    for name in ("missing", "a/missing", "a"):
        with pytest.raises(NotFound, match=f"there is no {name} in the store") as caught:
            store.read_bytes(name)
        assert store.place in caught.value.message
        assert "removed" in caught.value.hint
        with pytest.raises(NotFound), store.reading(name):
            raise AssertionError("there is nothing to read")


def test_a_removed_object_is_gone(store: Store) -> None:
    """Removing is idempotent, and the name can be created again."""
    store.create_bytes("a/b", b"first")

    store.remove("a/b")
    store.remove("a/b")
    store.remove("never/there")

    assert () == store.names("a/")
    assert store.create_bytes("a/b", b"again")
    assert store.read_bytes("a/b") == b"again"


def test_a_probe_leaves_nothing(store: Store) -> None:
    """A store that keeps what stands passes, as often as it is asked, and nothing is left of the probe."""
    store.probe()
    store.probe()

    assert () == store.names("probe/")


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".hidden", "a/.hidden", "a b", "a\n"]
)
def test_names_that_lead_elsewhere_are_refused(store: Store, tmp_path: Path, name: str) -> None:
    """A name is no way out of the folder or prefix, whatever is asked for it; to make one is a bug."""
    calls = (
        lambda: store.create(name, tmp_path),
        lambda: store.create_bytes(name, b""),
        lambda: store.read_bytes(name),
        lambda: store.remove(name),
    )
    for call in calls:
        with pytest.raises(InternalError, match="no name of an object") as caught:
            call()
        assert "report" in caught.value.hint
