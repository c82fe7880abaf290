"""Leases: renewed by the runs' owners, and what happens to a run whose lease has lapsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict, LeaseLost
from seeder.db.border import translated
from seeder.db.queries import QUERIES
from seeder.db.runs import end_run, read_run
from seeder.records import Lease

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from seeder.db.pool import Pool

MEND: Final = "run the tests again; over HTTP renew the lease in time, or start the run with keep_s"
#: So many runs are named in a message.
_NAMED: Final = 5


def name_runs(runs: Sequence[Any]) -> str:
    """Return each of *runs* (run_id, owner, actor, started_at) by whose it is and since when, of many the first."""
    named = ", ".join(
        f"run {run['run_id']} of {run['owner'] or run['actor']} (since {run['started_at']})" for run in runs[:_NAMED]
    )
    return named + (f" and {len(runs) - _NAMED} others" if len(runs) > _NAMED else "")


def refuse_at_work(requests: Sequence[Any]) -> None:
    """Refuse to take the rows of *requests*, as ``live_requests`` has them, where others are at work.

    Raises:
        Conflict: names the runs.
    """
    at_work = {one["run_id"]: one for one in requests if one["at_work"]}
    if at_work:
        raise Conflict(
            f"others are at work here, and their rows would be gone: {name_runs(list(at_work.values()))}",
            hint="wait until they have ended (the lease of a dead one lapses), end them (atdm reap ID), or force it",
        )


async def renew_lease(pool: Pool, run_id: str, epoch: int, seeder_id: str) -> Lease:
    """Let the run's lease begin anew; one that has lapsed, and that nobody has reaped yet, too.

    Raises:
        NotFound: no such run.
        LeaseLost: the run is over, or was started again since.
    """
    with translated(f"renewing the lease of run {run_id}"):
        row = await pool.fetchrow(QUERIES["renew_lease"], run_id, epoch, seeder_id)
    if row is None:
        run = await read_run(pool, run_id)
        raise LeaseLost(f"run {run_id} has lost its lease: it is {run.state}, in its epoch {run.epoch}", hint=MEND)
    return Lease(**row)


async def list_lapsed(pool: Pool, grace_s: float) -> tuple[float, tuple[str, ...]]:
    """Return the time that counts, in seconds since 1970, and the runs whose lease lapsed *grace_s* seconds ago.

    Raises:
        DatabaseUnavailable: Postgres does not answer, or takes no changes.
    """
    with translated("looking for lapsed leases"):
        row = await pool.fetchrow(QUERIES["lapsed_runs"], grace_s)
    return row["now"], tuple(row["run_ids"])


async def list_abandoned(pool: Pool, seeder_id: str, *, by_others: bool) -> tuple[str, ...]:
    """Return the ids of the runs that nobody asked to keep: of the seeder process *seeder_id*, or of all others."""
    with translated("looking for abandoned runs"):
        return tuple(row["run_id"] for row in await pool.fetch(QUERIES["abandoned_runs"], seeder_id, by_others))


async def lock_lapsed(connection: asyncpg.Connection, run_id: str, grace_s: float | None) -> bool:
    """Return whether the run's lease lapsed *grace_s* seconds ago, and nobody is at work on the run.

    None: whatever its lease. If so, nobody seeds into it until the connection's transaction ends.
    """
    return await connection.fetchrow(QUERIES["lock_lapsed"], run_id, grace_s) is not None


async def end_as_reaped(connection: asyncpg.Connection, run_id: str) -> str:
    """End the run for its owner, who is refused from then on, within the connection's transaction; see ``end_run``."""
    return await end_run(connection, run_id, state="reaped", kind=EventKind.RUN_REAPED)
