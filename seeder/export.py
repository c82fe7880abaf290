"""The exporter: a task of each seeder that writes what has been sealed into the store, once.

A seal is taken from the backlog in the database, its file made in the store unless it stands there, compared with the
log where it does, and then the seal goes from the backlog. Whoever dies on the way leaves a seal that is held for a
while, and perhaps a file: the next one finds it and compares. While the store is away the backlog grows, and nothing is
lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.audit_file import checkpoint_folder, checkpoint_name, make_schema, read_checkpoints
from pytest_atdm.core.errors import AtdmError, Conflict, StoreUnavailable
from seeder.store.scratch import on_scratch_disk, scratch_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    import pyarrow as pa

    from pytest_atdm.core.audit_check import Checkpoint
    from pytest_atdm.core.audit_file import SealedRange
    from seeder.db.export import ExportQueue
    from seeder.metrics import Counters
    from seeder.store.port import Store

#: How long a seal is held; longer than a store takes to answer, or not to.
HOLD_S: Final = 60.0
#: What other seeders leave behind is looked for so often.
ROUND_S: Final = 15.0
#: After a failure it waits so long, and twice as long each time, but no longer than the second figure.
PAUSES_S: Final = (1.0, 60.0)
#: How long a seeder that ends may take for what is left.
LAST_ROUND_S: Final = 10.0

log = logging.getLogger("atdm.seeder")


class Exporter:
    """Empties the backlog; several on one database take turns."""

    def __init__(self, queue: ExportQueue, store: Store, counters: Counters, sealed: asyncio.Event) -> None:
        self._queue = queue
        self._store = store
        self._counters = counters
        self._sealed = sealed
        self._is_probed = False
        self._told: int | None = None  # the ordinal of the checkpoint that was put there last

    async def probe(self) -> None:
        """See that the store keeps what it is given; one that is away is seen to later, before anything is written.

        Raises:
            SettingError: it writes over what stands.
        """
        try:
            await self._probe()
        except StoreUnavailable as error:
            log.warning("the audit log is exported once the store is there: %s", error)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Export what is sealed until the block ends, and then what is left, as far as there is time."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_ROUND_S):
                    await self._try_round()

    async def export_all(self) -> int:
        """Export until nothing is left that is not another's, and return how many files were made or found.

        Raises:
            StoreUnavailable, DatabaseUnavailable, DatabaseBusy: what has been exported stays so.
            Conflict: a file stands in the store that is not what the log says.
            SettingError: the store writes over what stands.
        """
        files = 0
        while (wanted := await self._queue.take(HOLD_S)) is not None:
            await self._probe()
            await self._export(wanted)
            files += 1
        await self._put_checkpoint()
        return files

    async def list_checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return the checkpoints of this log that stand in the store, in order.

        Raises:
            StoreUnavailable, DatabaseUnavailable, DatabaseBusy: they cannot be read now.
        """
        folder = checkpoint_folder(await self._queue.log_id())
        return read_checkpoints(await asyncio.to_thread(self._store.names, folder))

    async def _watch(self) -> None:
        pause_s = PAUSES_S[0]
        while True:
            self._sealed.clear()
            if await self._try_round():
                pause_s = PAUSES_S[0]
                # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_S):
                        await self._sealed.wait()
            else:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSES_S[1])

    async def _try_round(self) -> bool:
        """Export what there is; return whether that went well. What did not is logged, and tried again."""
        try:
            await self.export_all()
        except AtdmError as error:
            log.warning("the export of the audit log goes on later: %s", error)
        except Exception:
            log.exception("the export of the audit log goes on later, after an error that nobody foresaw")
        else:
            return True
        self._counters.count_export_failure()
        return False

    async def _probe(self) -> None:
        if not self._is_probed:
            await asyncio.to_thread(self._store.probe)
            self._is_probed = True

    async def _export(self, wanted: SealedRange) -> None:
        with on_scratch_disk(), scratch_folder() as folder:
            path = folder / "events.parquet"
            events = await self._write(wanted, path)
            if not await asyncio.to_thread(self._store.create, wanted.name, path):
                await asyncio.to_thread(self._compare, wanted, path)
        await self._queue.finish(wanted)
        self._counters.count_exported(events)

    async def _write(self, wanted: SealedRange, path: Path) -> int:
        """Write the file and return how many events it has."""
        schema = await asyncio.to_thread(make_schema, wanted)
        events = 0
        writer = await asyncio.to_thread(_open_writer, path, schema)
        try:
            async for block in self._queue.iter_blocks(wanted):
                await asyncio.to_thread(_write_block, writer, schema, block)
                events += len(block)
        finally:
            await asyncio.to_thread(writer.close)
        return events

    def _compare(self, wanted: SealedRange, path: Path) -> None:
        """See that the object which stands holds what the file does: it is of somebody who was killed, or who was late.

        Raises:
            Conflict: it holds something else.
        """
        with self._store.reading(wanted.name) as standing:
            if _hold_the_same(standing, path):
                return
        raise Conflict(
            f"{wanted.name} stands in the store {self._store.place} and is not what the audit log says",
            hint="somebody else made it, or changed the log since: see atdm audit verify, and move the file away",
        )

    async def _put_checkpoint(self) -> None:
        newest = await self._queue.exported_checkpoint()
        if newest is None or newest.ordinal == self._told:
            return
        name = checkpoint_name(await self._queue.log_id(), newest)
        await asyncio.to_thread(self._store.create_bytes, name, b"")
        self._told = newest.ordinal


def _open_writer(path: Path, schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq  # lazy: 0.1 s

    return pq.ParquetWriter(path, schema, compression="zstd")


def _write_block(writer: Any, schema: pa.Schema, rows: Sequence[Sequence[object]]) -> None:
    import pyarrow as pa  # lazy: 0.1 s

    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    writer.write_batch(pa.record_batch(arrays, schema=schema))


def _hold_the_same(standing: Path, made: Path) -> bool:
    """Return whether both files tell of the same seal and hold the same events."""
    import pyarrow as pa  # lazy: 0.1 s
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(standing) as one, pq.ParquetFile(made) as other:
            if not one.schema_arrow.equals(other.schema_arrow, check_metadata=True):
                return False
            return all(row == expected for row, expected in zip_longest(_iter_rows(one), _iter_rows(other)))
    except (pa.ArrowException, OSError):
        return False


def _iter_rows(file: Any) -> Iterator[dict[str, object]]:
    for batch in file.iter_batches():
        yield from batch.to_pylist()
