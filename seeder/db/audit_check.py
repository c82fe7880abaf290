"""The whole audit log, read once and judged outside the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import StoredEvent
from pytest_atdm.core.audit_check import ChainEnd, Entry, LogCheck
from seeder.db.border import translated
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

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
            events = await connection.cursor(QUERIES["all_events"])
            while block := await events.fetch(BLOCK):
                check.add(Entry(*row) for row in block)
    return check.finish()
