"""A hundred thousand rows of one entity: how they come and go, beside binary COPY and DELETE of the same rows."""

from __future__ import annotations

import asyncio
import datetime
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.planner import plan
from pytest_atdm.core.volume import grow
from tests.bench.figures import Figure, compare
from tests.bench.situation import KEEP_S, new_ulid

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from pytest_atdm.core.model import Plan, Receipt
    from pytest_atdm.core.volume import Batch
    from tests.bench.situation import Bench

ROWS: Final = 100_000
AS_OF: Final = datetime.date(2026, 3, 1)
_ROUNDS: Final = 3
_SCENARIO: Final = f"""\
title: A year of claims
entities:
  plan: {{table: plans}}
  member: {{table: members, count: 50}}
  provider: {{table: providers, count: 20}}
  eligibility:
    {{table: eligibility, count: 50, member: $member, plan: $plan, status: active, effective_from: = as_of - 400}}
  procedure: {{table: procedure_codes, count: 2}}
  diagnosis: {{table: diagnosis_codes, count: 2}}
  claim:
    table: claims
    count: {ROWS}
    member: $member
    provider: $provider
    eligibility: $eligibility
    procedure_code: $procedure
    diagnosis_code: $diagnosis
    service_date: = as_of - 5 - index % 300
    received_on: = as_of - 4
    decided_on: = as_of - 3
    status: denied
    denial_reason: no_coverage
"""
_COPIED: Final = "SELECT {columns} FROM claims WHERE id BETWEEN $1 AND $2 ORDER BY id"
_DELETE: Final = "DELETE FROM claims WHERE id BETWEEN $1 AND $2"


def measure_volume(bench: Bench, url: str) -> list[Figure]:
    """Return rows per second of writing and of removing, both beside what Postgres does with the same rows at once."""
    times = [_Round(bench, url).run() for _ in range(_ROUNDS)]
    copy, load, whole, delete, reset = (statistics.median(one) for one in zip(*times, strict=True))
    copied = Figure(name=f"binary COPY of {ROWS:,} rows into a table with five foreign keys", figure=copy, unit="s")
    deleted = Figure(name="DELETE of these rows by a range of keys", figure=delete, unit="s")
    return [
        copied,
        compare("volume: sent, judged, written, ledger and audit", load, "s", against=copied, at_most=1 / 0.6),
        compare("volume: made and judged too, while it is written", whole, "s", against=copied),
        deleted,
        compare("volume: reset", reset, "s", against=deleted),
    ]


class _Round:
    """One measurement of each."""

    def __init__(self, bench: Bench, url: str) -> None:
        self._bench = bench
        self._url = url
        self._run_id = new_ulid()
        bench.client.start_run(
            run_id=self._run_id, session_id=self._run_id, actor="bench", seed=1, as_of=AS_OF.isoformat(), keep_s=KEEP_S
        )

    def run(self) -> tuple[float, float, float, float, float]:
        """Return the seconds of COPY, of loading rows that are ready, of the whole way, of DELETE and of the reset."""
        made = self._plan("ready")
        batches = list(grow(made, self._bench.rulebook))
        load, receipt = _time(lambda: self._seed(made, batches))
        copy, delete = _wait(self._copy_and_delete(made))
        reset, _ = _time(lambda: self._bench.client.reset(receipt.request_id, receipt.cleanup_token))
        whole, _ = _time(self._seed_anew)
        self._bench.client.reset_run(self._run_id)
        return copy, load, whole, delete, reset

    def _plan(self, key: str) -> Plan:
        catalog = load_catalog({"healthcare/domain.yaml": "title: T\n", "healthcare/scenarios/year.yaml": _SCENARIO})
        made = plan(
            catalog.scenario("year"),
            self._bench.rulebook,
            overrides={},
            run_id=self._run_id,
            request_key=key,
            seed=1,
            as_of=AS_OF,
        )
        self._bench.gate.approve(made)
        return made

    def _seed(self, made: Plan, batches: Sequence[Batch]) -> Receipt:
        return self._bench.client.seed_volumes(made, batches, idempotency_key=made.request_key)

    def _seed_anew(self) -> Receipt:
        from pytest_atdm._volumes import iter_batches

        made = self._plan("whole")
        batches = iter_batches(made, self._bench.gate)
        return self._bench.client.seed_volumes(made, batches, idempotency_key=made.request_key)

    async def _copy_and_delete(self, made: Plan) -> tuple[float, float]:
        """Take the rows that stand there out, write them again by COPY, and take both times."""
        table = self._bench.schema.table("claims")
        columns = [column.name for column in table.columns if not column.generated]
        connection = await asyncpg.connect(self._url)
        try:
            last = await connection.fetchval("SELECT max(id) FROM claims")
            span = (last - made.volumes[0].rows + 1, last)
            found = await connection.fetch(_COPIED.format(columns=", ".join(columns)), *span)
            rows = [tuple(row) for row in found]
            await connection.execute(_DELETE, *span)
            started = time.perf_counter()
            await connection.copy_records_to_table("claims", records=rows, columns=columns)
            copied = time.perf_counter()
            await connection.execute(_DELETE, *span)
            deleted = time.perf_counter()
            await connection.copy_records_to_table("claims", records=rows, columns=columns)
            return copied - started, deleted - copied
        finally:
            await connection.close()


def _time(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def _wait(work: Coroutine[Any, Any, tuple[float, float]]) -> tuple[float, float]:
    return asyncio.run(work)
