"""Bringing the target back to a baseline."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from seeder.baselines.parquet import iter_csv, read_hashes
from seeder.db.restore.transaction import compare_rows, restore_rows
from seeder.db.restore.wanted import BLOCKS, HASH_MODULUS, HASH_SHIFT, Position, Split, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_atdm.core.baseline import RestoreReport
    from seeder.baselines.manifest import Manifest, StoredTable
    from seeder.baselines.shelf import Shelf
    from seeder.db.restore.wanted import Blocks, Progress
    from seeder.settings import Settings

_BITS: Final = 64
#: A block of keys has no more rows than this, or than so many times what it had if they lay evenly: else keys do not
#: serve, as nearly all rows may be in the block of one that differs.
_FULL_ROWS: Final = 4_096
_FULLEST: Final = 8
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

    def divide(self, key: str | None) -> HashedRows:
        """Return how the rows fall into blocks, and their hashes."""
        hashes, keys = read_hashes(self._open(), key)
        return divide_rows(key, keys, hashes)

    def iter_rows(self, places: Sequence[int] | None) -> Iterator[bytes]:
        """Yield CSV of the rows at these places."""
        if places is None:
            yield from iter_csv(self._open())
        elif places:
            yield from iter_csv(self._open(), pc.is_in(pa.arange(0, self.rows), pa.array(places, pa.int64())))

    def _open(self) -> Path:
        if self._path is None:
            self._path = self._files.enter_context(self._shelf.open_file(self._stored))
        return self._path


class HashedRows:
    """The hashes of a table's rows, by the blocks into which these fall: see ``DividedRows``."""

    def __init__(self, split: Split, values: pa.Int64Array, hashes: pa.Int64Array) -> None:
        """Divide the rows with these hashes; *values* is what *split* goes by."""
        self.split = split
        self._blocks = _find_blocks(split, values)
        self._hashes = hashes
        table = pa.table({"block": self._blocks, "hash": hashes})
        found = table.group_by("block").aggregate([("hash", "count"), ("hash", "sum")])
        columns = (found.column(name).to_pylist() for name in ("block", "hash_count", "hash_sum"))
        # Arrow's sum is of 64 bits, and passes over its bounds.
        self.counts: Blocks = {
            block: (count, total % HASH_MODULUS) for block, count, total in zip(*columns, strict=True)
        }

    def list_hashes(self, blocks: Collection[int]) -> tuple[bool, Iterator[bytes]]:
        """Return whether no two rows in these blocks have the same hash, and CSV of the hash and place of each."""
        rows = pa.table({"hash": self._hashes, "place": pa.arange(0, len(self._hashes))})
        if len(blocks) < BLOCKS:
            rows = rows.filter(pc.is_in(self._blocks, pa.array(sorted(blocks), pa.int64())))
        return pc.count_distinct(rows.column("hash")).as_py() == len(rows), _iter_csv(rows)


def divide_rows(key: str | None, keys: pa.Int64Array | None, hashes: pa.Int64Array) -> HashedRows:
    """Return rows with these *hashes*, by the values *keys* of the column *key* if no block gets too large then."""
    if key is not None and keys:
        rows = HashedRows(_cut(key, keys), keys, hashes)
        if max(number for number, _ in rows.counts.values()) <= max(_FULL_ROWS, _FULLEST * len(keys) / BLOCKS):
            return rows
    return HashedRows(Split(), hashes, hashes)


def _iter_csv(rows: pa.Table) -> Iterator[bytes]:
    for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
        yield sink.getvalue().to_pybytes()


def _cut(key: str, keys: pa.Int64Array) -> Split:
    """Return blocks of the values from the least to the greatest, as narrow as they can be."""
    low, high = (bound.as_py() for bound in pc.min_max(keys).values())
    shift = next(bits for bits in range(_BITS) if (high >> bits) - (low >> bits) < BLOCKS)
    return Split(key=key, low=low, high=high, shift=shift)


def _find_blocks(split: Split, values: pa.Int64Array) -> pa.Int64Array:
    if split.key is not None:
        return pc.subtract(pc.shift_right(values, pa.scalar(split.shift, pa.int64())), split.low >> split.shift)
    return pc.bit_wise_and(pc.shift_right(values, pa.scalar(HASH_SHIFT, pa.int64())), pa.scalar(BLOCKS - 1, pa.int64()))
