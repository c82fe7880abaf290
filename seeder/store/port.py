"""What a store can do, whatever stands behind it.

Every method blocks: call it in a thread. An object appears whole or not at all, and is never changed.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from pytest_atdm.core.errors import InternalError, NotFound, SettingError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Parts of names, between slashes: no part is empty, hidden, or a way out of a folder.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*(/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*")


class Store(Protocol):
    """Objects by name, such as ``audit/date=2026-11-30/run=01K.../1-9.parquet``.

    Every method may raise ``StoreUnavailable``: the store is away, full, or refuses. Then an object that was to be
    created may stand all the same, whole. And a ``create`` that answers False may have made the object itself, where
    its first answer was lost: whoever needs to know compares contents.
    """

    @property
    def place(self) -> str:
        """Where it is, for people: no secrets."""

    def create(self, name: str, source: Path) -> bool:
        """Make the object from the file *source*; False where an object of that name stands, which is left as it is."""

    def create_bytes(self, name: str, body: bytes) -> bool:
        """Make the object of *body*; False where one of that name stands, which is left as it is."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """Yield a file of this machine with the object's content, to be read only and while the block lasts.

        Raises:
            NotFound: no such object.
        """

    def read_bytes(self, name: str) -> bytes:
        """Return the object's content, for small ones.

        Raises:
            NotFound: no such object.
        """

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names that begin with *prefix*, a folder that ends with a slash, sorted."""

    def remove(self, name: str) -> None:
        """Remove the object, where it stands."""

    def probe(self) -> None:
        """See that the store keeps what it is given, and refuses to write over it.

        Raises:
            SettingError: it writes over what stands; two writers would destroy each other's work.
        """


def check_name(name: str) -> str:
    """Return *name*, which is one that every store takes.

    Raises:
        InternalError: it is none; names are made by the seeder, never by its callers.
    """
    if not _NAME.fullmatch(name):
        raise InternalError(f"{name!r} is no name of an object", hint="please report this")
    return name


def make_missing(name: str, place: str) -> NotFound:
    """Return the error for an object that is not there."""
    return NotFound(f"there is no {name} in the store {place}", hint="was it removed from the store?")


def probe(store: Store, *, hint: str) -> None:
    """Write an object, see that *store* does not write over it, and remove it.

    Raises:
        SettingError: it does; *hint* says what to do about such a store.
    """
    name = f"probe/{secrets.token_hex(8)}"
    store.create_bytes(name, b"first")
    try:
        if store.create_bytes(name, b"second") or store.read_bytes(name) != b"first":
            raise SettingError(f"the store {store.place} writes over what stands", hint=hint)
    finally:
        store.remove(name)
