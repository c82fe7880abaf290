"""Bringing the target back to a baseline."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from seeder.baselines.parquet import iter_csv, read_hashes
from seeder.db.restore.transaction import compare_rows, restore_rows
from seeder.db.restore.wanted import BLOCKS, HASH_MODULUS, Position, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_atdm.core.baseline import RestoreReport
    from seeder.baselines.manifest import Manifest, StoredTable
    from seeder.baselines.shelf import Shelf
    from seeder.db.restore.wanted import Progress
    from seeder.settings import Settings

_BLOCK_SHIFT: Final = 54
_BATCH_ROWS: Final = 65_536


def _tell_nobody(table: str, phase: str, done: int, total: int) -> None:
    """Take progress where nobody asks for it."""


async def restore_baseline(
    settings: Settings,
    shelf: Shelf,
    manifest: Manifest,
    *,
    run_id: str,
    force: bool = False,
    progress: Progress = _tell_nobody,
) -> RestoreReport:
    """Bring the target's tables to exactly the rows of the baseline, all or nothing; see ``restore_rows``.

    Raises:
        BaselineDamaged, StoreUnavailable: a file is not what was written, or cannot be had; nothing has changed.
        SchemaMismatch, SettingError, Conflict, NotFound, RowRefused, RowConflict, DatabaseBusy, DatabaseUnavailable,
            NotATestDatabase: as ``restore_rows``.
    """
    with contextlib.ExitStack() as files:
        wanted = _read_wanted(shelf, manifest, files)
        return await restore_rows(settings, wanted, run_id=run_id, force=force, progress=progress)


async def compare_baseline(
    settings: Settings, shelf: Shelf, manifest: Manifest, *, progress: Progress = _tell_nobody
) -> RestoreReport:
    """Return what ``restore_baseline`` would change now; nothing is written.

    Raises:
        As ``restore_baseline``; but for runs nobody asks.
    """
    with contextlib.ExitStack() as files:
        return await compare_rows(settings, _read_wanted(shelf, manifest, files), progress=progress)


def _read_wanted(shelf: Shelf, manifest: Manifest, files: contextlib.ExitStack) -> Wanted:
    return Wanted(
        name=manifest.name,
        content=manifest.content,
        server=manifest.server,
        whole=manifest.whole,
        tables=[StoredRows(shelf, table, files) for table in manifest.tables],
        positions=[
            Position(sequence=one.sequence, value=one.value, is_called=one.is_called) for one in manifest.sequences
        ],
    )


class StoredRows:
    """A table's rows in its file, opened at first need and for as long as *files* are: see ``WantedRows``."""

    def __init__(self, shelf: Shelf, table: StoredTable, files: contextlib.ExitStack) -> None:
        self.table = table.table
        self.types: Mapping[str, str] = {column.name: column.type for column in table.columns}
        self.rows = table.rows
        self.hashed = not any(column.masked for column in table.columns)
        self._shelf = shelf
        self._stored = table
        self._files = files
        self._path: Path | None = None

    def is_set(self, blocks: Collection[int]) -> bool:
        """Return whether no two rows in these blocks have the same hash."""
        hashes = self._list_hashes(blocks).column("hash")
        distinct: int = pc.count_distinct(hashes).as_py()
        return distinct == len(hashes)

    def count_blocks(self) -> dict[int, tuple[int, int]]:
        """Return by block its number of rows, and the sum of their hashes."""
        hashes = read_hashes(self._open())
        table = pa.table({"block": _find_blocks(hashes), "hash": hashes})
        found = table.group_by("block").aggregate([("hash", "count"), ("hash", "sum")])
        columns = (found.column(name).to_pylist() for name in ("block", "hash_count", "hash_sum"))
        # Arrow's sum is of 64 bits, and passes over its bounds.
        return {block: (count, total % HASH_MODULUS) for block, count, total in zip(*columns, strict=True)}

    def iter_hashes(self, blocks: Collection[int]) -> Iterator[bytes]:
        """Yield CSV of the hash and the place of each row in these blocks."""
        for batch in self._list_hashes(blocks).to_batches(max_chunksize=_BATCH_ROWS):
            sink = pa.BufferOutputStream()
            pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
            yield sink.getvalue().to_pybytes()

    def iter_rows(self, places: Sequence[int] | None) -> Iterator[bytes]:
        """Yield CSV of the rows at these places."""
        if places is None:
            yield from iter_csv(self._open())
        elif places:
            yield from iter_csv(self._open(), pc.is_in(pa.arange(0, self.rows), pa.array(places, pa.int64())))

    def _list_hashes(self, blocks: Collection[int]) -> pa.Table:
        """Return the hash and the place of each row in these blocks."""
        hashes = read_hashes(self._open())
        table = pa.table({"hash": hashes, "place": pa.arange(0, len(hashes))})
        if len(blocks) < BLOCKS:
            table = table.filter(pc.is_in(_find_blocks(hashes), pa.array(sorted(blocks), pa.int64())))
        return table

    def _open(self) -> Path:
        if self._path is None:
            self._path = self._files.enter_context(self._shelf.open_file(self._stored))
        return self._path


def _find_blocks(hashes: pa.Int64Array) -> pa.Int64Array:
    return pc.bit_wise_and(
        pc.shift_right(hashes, pa.scalar(_BLOCK_SHIFT, pa.int64())), pa.scalar(BLOCKS - 1, pa.int64())
    )
