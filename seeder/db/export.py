"""The audit log on its way out: which seals have no file yet, who writes one, and the events that go into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import StoredEvent
from pytest_atdm.core.audit_check import Checkpoint
from pytest_atdm.core.audit_file import SealedRange
from seeder.db.border import translated
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from seeder.db.pool import Pool

#: Events of one block; sealed events stand still, so that blocks may be read one by one.
BLOCK: Final = 10_000


class ExportQueue:
    """The backlog in the database, in the order of the seals: files are made one after the other, whoever makes them.

    Every method may raise ``DatabaseUnavailable`` and ``DatabaseBusy``.
    """

    def __init__(self, pool: Pool, holder: str) -> None:
        self._pool = pool
        self._holder = holder
        self._log_id = ""

    async def log_id(self) -> str:
        """Return which log this is."""
        if not self._log_id:
            with translated("reading which log this is"):
                self._log_id = await self._pool.fetchval(QUERIES["log_id"])
        return self._log_id

    async def take(self, for_s: float) -> SealedRange | None:
        """Return the oldest range without a file, ours for *for_s* seconds; None where another has it, or none is."""
        log_id = await self.log_id()
        with translated("taking what is to be exported"):
            row = await self._pool.fetchrow(QUERIES["take_export"], self._holder, for_s)
        if row is None:
            return None
        seal = StoredEvent(seq=row["ordinal"], body=row["body"], previous=row["previous"], hash=row["hash"])
        return SealedRange(
            log_id=log_id,
            run_id=row["run_id"],
            first_seq=row["first_seq"],
            last_seq=row["last_seq"],
            date=row["date"],
            seal=seal,
        )

    async def iter_blocks(self, wanted: SealedRange) -> AsyncIterator[Sequence[Sequence[object]]]:
        """Yield the events of the range in blocks of rows, the values of each as ``core.audit_file`` orders columns."""
        for first in range(wanted.first_seq, wanted.last_seq + 1, BLOCK):
            last = min(first + BLOCK - 1, wanted.last_seq)
            with translated(f"reading the events of run {wanted.run_id}"):
                block = await self._pool.fetch(QUERIES["sealed_events"], wanted.run_id, first, last)
            if block:
                yield block

    async def finish(self, done: SealedRange) -> None:
        """Take the range, whose file stands, off the backlog."""
        with translated("noting what has been exported"):
            await self._pool.fetchval(QUERIES["end_export"], done.seal.seq)

    async def exported_checkpoint(self) -> Checkpoint | None:
        """Return the newest seal that is exported with all before it."""
        with translated("reading what has been exported"):
            row = await self._pool.fetchrow(QUERIES["exported_checkpoint"])
        return Checkpoint(row["ordinal"], row["hash"]) if row else None
