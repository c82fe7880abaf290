"""A folder of this machine as a store."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.port import check_name, make_missing, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The folder of the files that are being written; no object's name begins so.
_UNFINISHED: Final = ".unfinished"
#: So old is none that somebody still writes.
_ABANDONED_S: Final = 86_400


class LocalStore:
    """Objects are files below *folder*; each is written beside them, made durable, then linked into its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def create(self, name: str, source: Path) -> bool:
        """Make the object from the file *source*; False where an object of that name stands."""
        return self._create(name, lambda path: _copy(source, path))

    def create_bytes(self, name: str, body: bytes) -> bool:
        """Make the object of *body*; False where one of that name stands."""
        return self._create(name, lambda path: path.write_bytes(body))

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """Yield the object's file itself."""
        path = self._path(name)
        if not self._exists(path):
            raise make_missing(name, self.place)
        yield path

    def read_bytes(self, name: str) -> bytes:
        """Return the object's content."""
        with self.reading(name) as path, self._translated(f"reading {name}"):
            return path.read_bytes()

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names below the folder *prefix*, sorted."""
        root = self._path(prefix.rstrip("/"))
        with self._translated(f"listing {prefix}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            found = [path for path in root.rglob("*") if path.is_file()]
        return tuple(sorted(path.relative_to(self._folder).as_posix() for path in found))

    def remove(self, name: str) -> None:
        """Remove the object, where it stands."""
        path = self._path(name)
        with self._translated(f"removing {name}"):
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync(path.parent)

    def probe(self) -> None:
        """Write, write again, and remove: see ``Store.probe``; and remove what killed writers left behind."""
        self._sweep()
        probe(self, hint="this file system has no links that can be relied on: choose another folder")

    def _create(self, name: str, write: Callable[[Path], object]) -> bool:
        path = self._path(name)
        unfinished = self._folder / _UNFINISHED / secrets.token_hex(8)
        with self._translated(f"writing {name}"):
            _make_folders(path.parent)
            _make_folders(unfinished.parent)
            try:
                write(unfinished)
                _sync(unfinished)
                os.link(unfinished, path)
            except FileExistsError:
                return False
            finally:
                unfinished.unlink(missing_ok=True)
            _sync(path.parent)
        return True

    def _sweep(self) -> None:
        with self._translated("looking for unfinished files"):
            for path in (self._folder / _UNFINISHED).glob("*"):
                if path.stat().st_mtime < time.time() - _ABANDONED_S:
                    path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)

    def _exists(self, path: Path) -> bool:
        with self._translated(f"looking for {path.name}"):
            return path.is_file()

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"{doing}: {error.strerror or error} in the store {self.place}",
                hint="see that the folder exists, can be written to and has space; it is tried again",
            ) from error


def _copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def _make_folders(folder: Path) -> None:
    """Make *folder* and those above it, each durable before there is something in it."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """Make durable what is in the file, or which names are in the folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
