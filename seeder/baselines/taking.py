"""Taking a baseline: one moment of the target, put into the store whole or not at all.

The manifest alone decides: it is written last, and whoever writes it first has the name. Two who take the same name at
once have files of their own each, see ``object_names``, so that neither can hurt the other; the later one removes his.
One that fails or is cancelled removes his too. What one leaves who is killed is in nobody's way; the next one who takes
or drops a baseline of that name removes it when it is old enough to be nobody's work.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from pytest_atdm.core import wire
from pytest_atdm.core.errors import Conflict, DatabaseBusy, NotFound, StoreUnavailable
from seeder.baselines.manifest import FORMAT, Manifest, StoredColumn, StoredSequence, StoredTable, check_baseline_name
from seeder.baselines.object_names import TAKING_S, begin_attempt, file_of, manifest_of
from seeder.baselines.parquet import TableWriter
from seeder.baselines.shelf import Shelf, digest_file
from seeder.db.snapshot import open_snapshot
from seeder.store.scratch import on_scratch_disk, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from seeder.baselines.masking import Masking, TableMasks
    from seeder.db.snapshot import Snapshot, SourceTable
    from seeder.settings import Settings
    from seeder.store.port import Store

    #: Is told the table, how many of its rows are done, and how many there are as Postgres estimates (0: unknown).
    Progress = Callable[[str, int, int], None]

_Answer = TypeVar("_Answer")

#: CSV that is turned into Parquet at once, while as much comes from Postgres: little of a small table, so that neither
#: waits for the other, and much of a large one, whose row groups shall not be too many.
_FIRST_BLOCK_BYTES: Final = 500_000
_MAX_BLOCK_BYTES: Final = 8_000_000


async def take_baseline(
    settings: Settings,
    store: Store,
    name: str,
    *,
    actor: str,
    only: Collection[str] = (),
    masking: Masking | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Put all tables and sequences of the settings' target, or *only* some, into the store as the baseline *name*.

    What *masking* masks gets to nobody's disk: rows are masked on their way.

    Raises:
        CatalogError, SchemaMismatch, SettingError: as ``Masking`` and ``TableMasks``.
        NotFound: there is no table of a name in *only*.
        Conflict: there is such a baseline.
        SettingError, NotATestDatabase, DatabaseUnavailable: as ``open_snapshot``; and a text cannot be said in UTF-8.
        DatabaseBusy: as ``open_snapshot``, or it took longer than ``TAKING_S``.
        SchemaMismatch: a column has a name that cannot be kept.
        StoreUnavailable: the store, or the folder for temporary files; there may be a baseline then, and it is whole.
    """
    check_baseline_name(name)
    try:
        async with asyncio.timeout(TAKING_S):
            return await _Taking(settings, store, name, actor, masking, progress or _tell_nobody).run(only)
    except TimeoutError as error:
        raise DatabaseBusy(
            f'taking baseline "{name}" took longer than {TAKING_S // 3600} hours', hint="take it of fewer rows"
        ) from error


def _tell_nobody(table: str, rows: int, expected_rows: int) -> None:
    """Do without progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A table in the store, and the sum of its rows' hashes."""

    stored: StoredTable
    hash_sum: int


class _Taking:
    """One attempt."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        name: str,
        actor: str,
        masking: Masking | None,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._store = store
        self._name = name
        self._actor = actor
        self._masking = masking
        self._progress = progress
        self._attempt = begin_attempt()
        self._put: list[str] = []  # to be removed where this comes to nothing

    async def run(self, only: Collection[str]) -> Manifest:
        """Take it."""
        await _run_to_end(self._clear_the_way)
        try:
            async with open_snapshot(self._settings, only) as snapshot:
                if self._masking is not None:
                    await asyncio.to_thread(self._masking.begin, snapshot.target)
                tables = await self._store_tables(snapshot)
            manifest = self._build_manifest(snapshot, tables, whole=not only)
            await self._publish(manifest)
        except BaseException:
            await _run_to_end(self._remove_put)
            raise
        return manifest

    def _clear_the_way(self) -> None:
        shelf = Shelf(self._store)
        shelf.sweep(self._name)
        if self._name in shelf.list_names():
            raise self._name_taken()

    def _name_taken(self) -> Conflict:
        return Conflict(
            f'there is a baseline "{self._name}" in the store {self._store.place}',
            hint="drop it first, or choose another name",
        )

    async def _store_tables(self, snapshot: Snapshot) -> list[_Written]:
        """Return the tables in their order; the next one is read while the end of one is written and stored."""
        found: list[_Written] = []
        storing: asyncio.Task[_Written] | None = None
        with on_scratch_disk(), scratch_folder() as folder:
            try:
                for number, table in enumerate(snapshot.tables):
                    path = folder / f"{number}.parquet"
                    blocks = await self._read_table(snapshot, table, path)
                    if storing is not None:
                        found.append(await storing)
                    storing = asyncio.create_task(self._store_table(blocks, table, path, number))
                if storing is not None:
                    found.append(await storing)
            finally:
                if storing is not None:
                    await _to_end(asyncio.gather(storing, return_exceptions=True))
        return found

    async def _read_table(self, snapshot: Snapshot, table: SourceTable, path: Path) -> _Blocks:
        masks = self._masking.of_table(table) if self._masking is not None else None
        writer = TableWriter(path, _columns_of(table, masks), masks)
        blocks = _Blocks(writer, lambda: self._progress(table.id, writer.rows, table.estimated_rows))
        try:
            await snapshot.copy_rows(table, blocks.add, masked=masks.columns if masks is not None else ())
        except BaseException:
            await blocks.give_up()
            raise
        return blocks

    async def _store_table(self, blocks: _Blocks, table: SourceTable, path: Path, number: int) -> _Written:
        writer = await blocks.finish()
        place = file_of(self._name, self._attempt, number)
        return await _run_to_end(lambda: self._put_table(writer, table, path, place))

    def _put_table(self, writer: TableWriter, table: SourceTable, path: Path, place: str) -> _Written:
        stored = StoredTable(
            table=table.id,
            file=place,
            columns=writer.columns,
            rows=writer.rows,
            size=path.stat().st_size,
            sha256=digest_file(path),
        )
        self._put.append(place)
        # Where such an object stands, this attempt put it there itself, and was not told.
        self._store.create(place, path)
        path.unlink()
        return _Written(stored=stored, hash_sum=writer.hash_sum)

    def _build_manifest(self, snapshot: Snapshot, tables: Sequence[_Written], *, whole: bool) -> Manifest:
        sequences = tuple(
            StoredSequence(sequence=one.id, value=one.value, is_called=one.is_called) for one in snapshot.sequences
        )
        return Manifest(
            format=FORMAT,
            name=self._name,
            taken_at=snapshot.taken_at,
            actor=self._actor,
            server=snapshot.server,
            schema=snapshot.schema,
            whole=whole,
            tables=tuple(one.stored for one in tables),
            sequences=sequences,
            content=_digest_content(tables, sequences),
        )

    async def _publish(self, manifest: Manifest) -> None:
        """Write the manifest: from then on the files are the baseline's."""
        # Where it is not known whether the manifest came to stand, it must find its files.
        files, self._put = self._put, []
        body = wire.dump(manifest)
        if not await _run_to_end(lambda: self._store.create_bytes(manifest_of(self._name), body)) and (
            not await _run_to_end(lambda: self._stands(body))
        ):
            self._put = files
            raise self._name_taken()

    def _stands(self, body: bytes) -> bool:
        """Whether the manifest is this one: the store may have been told twice."""
        with contextlib.suppress(NotFound):
            return self._store.read_bytes(manifest_of(self._name)) == body
        return False

    def _remove_put(self) -> None:
        for place in self._put:
            with contextlib.suppress(StoreUnavailable):
                self._store.remove(place)


def _columns_of(table: SourceTable, masks: TableMasks | None) -> tuple[StoredColumn, ...]:
    masked = masks.columns if masks is not None else ()
    return tuple(StoredColumn(name=name, type=kind, masked=name in masked) for name, kind in table.columns)


class _Blocks:
    """Rows on their way into a file: one block is written in a thread while the next one comes."""

    def __init__(self, writer: TableWriter, tell: Callable[[], None]) -> None:
        self._writer = writer
        self._tell = tell
        self._rows = bytearray()
        self._limit_bytes = _FIRST_BLOCK_BYTES
        self._writing: asyncio.Task[None] | None = None

    async def add(self, rows: bytes) -> None:
        """Take whole rows; wait where two blocks are full."""
        self._rows += rows
        if len(self._rows) >= self._limit_bytes:
            self._limit_bytes = min(2 * self._limit_bytes, _MAX_BLOCK_BYTES)
            await self._begin_block()

    async def finish(self) -> TableWriter:
        """Return the writer when it has written all rows."""
        try:
            if self._rows:
                await self._begin_block()
        finally:
            await self.give_up()
        return self._writer

    async def give_up(self) -> None:
        """Close the file when no thread writes to it."""
        try:
            await self._end_block()
        finally:
            with on_scratch_disk():
                self._writer.close()

    async def _begin_block(self) -> None:
        await self._end_block()
        block, self._rows = self._rows, bytearray()
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, block))

    async def _end_block(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await _to_end(writing)
            self._tell()

    def _write(self, block: bytearray) -> None:
        with on_scratch_disk():
            self._writer.add(block)


async def _run_to_end(work: Callable[[], _Answer]) -> _Answer:
    """Do the work in a thread, and come back when it is over: nobody may remove what it works with, or on, before."""
    return await _to_end(asyncio.ensure_future(asyncio.to_thread(work)))


async def _to_end(task: asyncio.Future[_Answer]) -> _Answer:
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


def _digest_content(tables: Sequence[_Written], sequences: Sequence[StoredSequence]) -> str:
    """Return the digest of the state: neither the order of rows nor the bytes of files count."""
    state = {
        "tables": [
            [one.stored.table, [[c.name, c.type] for c in one.stored.columns], one.stored.rows, one.hash_sum]
            for one in tables
        ],
        "sequences": [[one.sequence, one.value, one.is_called] for one in sequences],
    }
    return hashlib.sha256(wire.dump(state)).hexdigest()
