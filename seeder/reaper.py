"""The reaper: a task of each seeder that ends the runs whose owners have given no sign of life.

A run is reaped once its lease has lapsed and a grace has passed, on Postgres' clock alone. Owners could not renew their
leases while this process was stopped, or was not there: then it waits for them to do so first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import AtdmError, DatabaseBusy, DatabaseUnavailable
from pytest_atdm.core.model import ReapedRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from seeder.db.database import Database
    from seeder.metrics import Counters

#: Rounds in the time of a lease; the grace is as long as one of them.
ROUNDS_PER_LEASE: Final = 6
#: A run whose cleanup failed is tried again after twice as long each time, at most after so many rounds.
MOST_ROUNDS_PASSED_OVER: Final = 64
#: How long a seeder that ends may take to end the runs that it granted leases to.
LAST_WILL_S: Final = 10.0

log = logging.getLogger("atdm.seeder")


class Reaper:
    """Ends runs for their owners; several on one database pass over what another is at work on."""

    def __init__(self, database: Database, counters: Counters, lease_s: float) -> None:
        self._database = database
        self._counters = counters
        self._lease_s = lease_s
        self._round_s = lease_s / ROUNDS_PER_LEASE
        self._last_round: float | None = None
        self._back_since = 0.0
        self._failed: dict[str, tuple[int, int]] = {}  # by run: rounds to pass over now, and after the next failure

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch over the leases until the block ends."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def reap_lapsed(self) -> tuple[ReapedRun, ...]:
        """Reap now what has lapsed, without grace; what fails is logged, and the next round tries it again."""
        _, lapsed = await self._database.list_lapsed(0)
        return await self._reap_each(lapsed, grace_s=0)

    async def reap_run(self, run_id: str) -> tuple[ReapedRun, ...]:
        """Reap the run whatever its lease; nothing where it is over already.

        Raises:
            NotFound: no such run.
            DatabaseBusy: somebody is at work on it in this moment.
            RowRefused: the database refused the removal of a row.
        """
        run = await self._database.read_run(run_id)
        if run.state != "active":
            return ()
        report = await self._database.reap_run(run_id, grace_s=None)
        if report is None:
            raise DatabaseBusy(
                f"run {run_id} is being worked on: a request of it is written, or another reaper has it",
                hint="try again in a moment",
            )
        return (self._note(ReapedRun(run_id=run_id, report=report)),)

    async def sweep(self) -> None:
        """Reap what other seeder processes have granted, none of which is there any more, but not what is kept."""
        await self._reap_each(await self._database.list_abandoned(by_others=True), grace_s=None)

    async def give_up(self) -> None:
        """Reap what this process has granted, before it ends together with all who could renew it."""
        try:
            async with asyncio.timeout(LAST_WILL_S):
                await self._reap_each(await self._database.list_abandoned(by_others=False), grace_s=None)
        except (AtdmError, TimeoutError) as error:
            log.warning("runs of this seeder were left to the next reaper: %s", error)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._round_s)
            try:
                await self._go_round()
            except AtdmError as error:
                self._last_round = None  # owners come first once it is back
                log.warning("the reaper goes on, after: %s", error)
            except Exception:
                log.exception("the reaper goes on, after an error that nobody foresaw")

    async def _go_round(self) -> None:
        now, lapsed = await self._database.list_lapsed(self._round_s)
        if self._last_round is None or now - self._last_round > self._lease_s / 2:
            self._back_since = now
        self._last_round = now
        if now - self._back_since >= self._lease_s / 2:
            await self._reap_each(filter(self._is_due, lapsed), grace_s=self._round_s)

    def _is_due(self, run_id: str) -> bool:
        waiting, pause = self._failed.get(run_id, (0, 1))
        if waiting:
            self._failed[run_id] = waiting - 1, pause
        return not waiting

    async def _reap_each(self, run_ids: Iterable[str], *, grace_s: float | None) -> tuple[ReapedRun, ...]:
        reaped = []
        for run_id in run_ids:
            try:
                report = await self._database.reap_run(run_id, grace_s=grace_s)
            except DatabaseUnavailable:
                self._last_round = None  # nobody could renew a lease either
                break
            except AtdmError as error:
                self._put_off(run_id, error)
                continue
            self._failed.pop(run_id, None)
            if report is not None:
                reaped.append(self._note(ReapedRun(run_id=run_id, report=report)))
        return tuple(reaped)

    def _put_off(self, run_id: str, error: AtdmError) -> None:
        _, pause = self._failed.get(run_id, (0, 1))
        self._failed[run_id] = pause, min(pause * 2, MOST_ROUNDS_PASSED_OVER)
        log.warning("run %s could not be reaped, and will be tried again: %s", run_id, error)

    def _note(self, reaped: ReapedRun) -> ReapedRun:
        report = reaped.report
        rows = sum(report.seeded.values()) + sum(report.made_by_sut.values())
        self._counters.count_reaped()
        log.warning("reaped run %s: %s requests, %s rows removed", reaped.run_id, report.requests, rows)
        return reaped
