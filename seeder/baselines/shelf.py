"""The baselines that there are: their manifests, their files, and their end."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pytest_atdm.core import wire
from pytest_atdm.core.errors import BaselineDamaged, InvalidRequest, NotFound
from seeder.baselines.manifest import FORMAT, Manifest, check_baseline_name
from seeder.baselines.object_names import ROOT, find_attempt, find_name, folder_of, is_abandoned, manifest_of
from seeder.baselines.parquet import read_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seeder.baselines.manifest import StoredTable
    from seeder.store.port import Store

_TAKE_ANEW: Final = "drop the baseline and take it anew"


class Shelf:
    """The baselines of one store. Every method blocks, and may raise ``StoreUnavailable``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_names(self) -> tuple[str, ...]:
        """Return the names of all baselines, sorted; whether they can be read is not looked at."""
        names = (find_name(place) for place in self._store.names(ROOT))
        return tuple(sorted(name for name in names if name is not None))

    def list_baselines(self) -> tuple[Manifest | BaselineDamaged | InvalidRequest, ...]:
        """Return the manifests of all baselines, sorted by name; for one that cannot be read, what is wrong."""
        return tuple(found for name in self.list_names() if (found := self._try_read(name)) is not None)

    def _try_read(self, name: str) -> Manifest | BaselineDamaged | InvalidRequest | None:
        try:
            return self.read(name)
        except (BaselineDamaged, InvalidRequest) as error:
            return error
        except NotFound:
            return None  # dropped in this moment

    def read(self, name: str) -> Manifest:
        """Return the manifest of the baseline *name*.

        Raises:
            NotFound: there is no such baseline.
            BaselineDamaged: this is no manifest, or not that of this baseline.
            InvalidRequest: another version wrote it; or this is no name of a baseline.
        """
        place = manifest_of(check_baseline_name(name))
        try:
            body = self._store.read_bytes(place)
        except NotFound as error:
            raise NotFound(
                f'there is no baseline "{name}" in the store {self._store.place}',
                hint=f"there are: {', '.join(self.list_names()) or 'none'}",
            ) from error
        return _read_manifest(body, name)

    @contextlib.contextmanager
    def open_file(self, table: StoredTable) -> Iterator[Path]:
        """Yield the table's file, which has been seen to be what was written.

        Raises:
            BaselineDamaged: it is missing, or is something else.
        """
        with contextlib.ExitStack() as stack:
            try:
                path = stack.enter_context(self._store.reading(table.file))
            except NotFound as error:
                raise BaselineDamaged(
                    f'the file of table "{table.table}" is missing: {error.message}',
                    hint=f"was the baseline dropped in this moment? else {_TAKE_ANEW}",
                ) from error
            _check_file(path, table)
            yield path

    def drop(self, name: str) -> None:
        """Remove the baseline *name*, the manifest first: then there is none, whatever becomes of its files.

        Files of attempts to take it that were killed go too, once ``ABANDONED_S`` are over. One whose manifest cannot
        be read is dropped in the same way, and its files when they are as old as that.

        Raises:
            NotFound: there is no such baseline.
        """
        files: tuple[str, ...] = ()
        try:
            files = tuple(table.file for table in self.read(name).tables)
        except NotFound:
            self.sweep(name)
            raise
        except BaselineDamaged:
            pass
        except InvalidRequest:
            check_baseline_name(name)
        self._store.remove(manifest_of(name))
        for file in files:
            self._store.remove(file)
        self.sweep(name)

    def sweep(self, name: str) -> None:
        """Remove the files of abandoned attempts to take the baseline *name*, see ``object_names``; and no others."""
        attempts = {place: find_attempt(place, name) for place in self._store.names(folder_of(name))}
        abandoned = {place: attempt for place, attempt in attempts.items() if attempt and is_abandoned(attempt)}
        if not abandoned:
            return
        try:
            # Read after the list was made: an attempt that old writes no manifest any more.
            named = {find_attempt(table.file, name) for table in self.read(name).tables}
        except NotFound:
            named = set()
        except (BaselineDamaged, InvalidRequest):
            return  # which files it names is not known
        for place, attempt in abandoned.items():
            if attempt not in named:
                self._store.remove(place)


def _read_manifest(body: bytes, name: str) -> Manifest:
    _require_format(body, name)
    try:
        manifest = wire.load(body, Manifest, what=f'the manifest of baseline "{name}"')
    except InvalidRequest as error:
        raise BaselineDamaged(error.message, hint=_TAKE_ANEW) from error
    attempts = {find_attempt(table.file, name) for table in manifest.tables}
    ids = {table.table for table in manifest.tables}
    if manifest.name != name or None in attempts or len(attempts) > 1 or len(ids) < len(manifest.tables):
        raise BaselineDamaged(
            f'the manifest of baseline "{name}" is of another one, or names files that are not its own',
            hint=_TAKE_ANEW,
        )
    return manifest


def _require_format(body: bytes, name: str) -> None:
    """Refuse what another version wrote, before its fields are taken for faults."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(body)
        format = found.get("format") if isinstance(found, dict) else None
        if isinstance(format, int) and format != FORMAT:
            raise InvalidRequest(
                f'baseline "{name}" has format {format}, and this version reads format {FORMAT}',
                hint=f"use the version of pytest-atdm that took it, or {_TAKE_ANEW}",
            )


def _check_file(path: Path, table: StoredTable) -> None:
    if path.stat().st_size != table.size or digest_file(path) != table.sha256:
        raise _damaged(table, "it is not what was written")
    try:
        rows, columns = read_columns(path)
    except (ValueError, pa.ArrowException) as error:
        raise _damaged(table, str(error)) from error
    shape = [(column.name, column.type) for column in table.columns]
    if rows != table.rows or shape != [(column.name, column.type) for column in columns]:
        raise _damaged(table, "it has other rows or columns than the manifest says")


def _damaged(table: StoredTable, why: str) -> BaselineDamaged:
    return BaselineDamaged(f'the file {table.file} of table "{table.table}" is damaged: {why}', hint=_TAKE_ANEW)


def digest_file(path: Path) -> str:
    """Return the SHA-256 of the file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
