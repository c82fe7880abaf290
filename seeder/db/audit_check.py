"""The whole audit log, read once and judged outside the database."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import StoredEvent
from pytest_atdm.core.audit_check import ChainEnd, Entry, LogCheck
from seeder.db.border import translated
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import asyncpg

    from pytest_atdm.core.audit_check import Checkpoint, LogVerdict
    from seeder.db.pool import Pool

#: Events that are in memory at a time; larger blocks were no faster.
BLOCK: Final = 2_000


async def verify_log(pool: Pool, expected: Sequence[Checkpoint]) -> LogVerdict:
    """Return the verdict on all events, run ends and seals of one moment; writers are not kept waiting."""
    with translated("verifying the audit log"):
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            ends = {row[0]: ChainEnd(row[1], row[2], row[3]) for row in await connection.fetch(QUERIES["all_run_ends"])}
            seals = [StoredEvent(**row) for row in await connection.fetch(QUERIES["all_seals"])]
            check = LogCheck(ends, seals, expected)
            async with contextlib.aclosing(_iter_blocks(await connection.cursor(QUERIES["all_events"]))) as blocks:
                async for block in blocks:
                    check.add(Entry(*row) for row in block)
    return check.finish()


async def _iter_blocks(events: asyncpg.cursor.Cursor) -> AsyncGenerator[Sequence[asyncpg.Record]]:
    """Yield the rows of *events* in blocks; Postgres makes the next one while this one is judged."""
    ahead = asyncio.ensure_future(events.fetch(BLOCK))
    try:
        while block := await ahead:
            ahead = asyncio.ensure_future(events.fetch(BLOCK))
            await asyncio.sleep(0)  # now it has been asked for
            yield block
    finally:
        await asyncio.gather(ahead, return_exceptions=True)
