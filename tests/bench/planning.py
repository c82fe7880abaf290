"""How long it takes to know a schema and to plan for it, by the size of either."""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import time
from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.catalog import Domain, Entity, Scenario
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Column, ForeignKey, Schema, Table
from seeder.db.database import Database
from seeder.settings import Settings
from tests.bench.figures import Figure, limit
from tests.bench.situation import AS_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.situation import Bench

ANCESTORS: Final = 22
TABLES: Final = 500
_WARM_UP: Final = 20
_MEASURED: Final = 300

#: Tables of the size and the variety that an application of 500 tables has.
_MANY_TABLES: Final = f"""
CREATE SCHEMA many;
CREATE TYPE many.state AS ENUM ('new', 'open', 'done');
DO $$ BEGIN FOR n IN 1..{TABLES} LOOP EXECUTE format(
    'CREATE TABLE many.t%s (id serial PRIMARY KEY, up integer REFERENCES many.t%s, name text CHECK (length(name) > 0),'
    'made_on date DEFAULT now(), amount numeric(9,2) CHECK (amount >= 0), code text UNIQUE, key uuid, state many.state,'
    'is_open boolean)', n, greatest(n - 1, 1));
END LOOP; END $$
"""


def measure_planning(bench: Bench) -> list[Figure]:
    """Return the time of a plan of 16 rows over seven tables, made again for other requests, and of a long chain."""
    numbers = iter(range(10**6))
    seven = _measure(lambda: bench.plan(next(numbers), run_id="01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    chain = chain_planner()
    return [
        limit("plan of 16 rows over seven tables, after warm-up", seven, "ms", at_most=1.0),
        Figure(name=f"plan of a row with {ANCESTORS} ancestors, after warm-up", figure=_measure(chain), unit="ms"),
    ]


def measure_introspection(url: str, catalog: Path) -> list[Figure]:
    """Return the time in which 500 tables are read, in a database that *url* leads to; they are removed again."""
    return [limit(f"introspection of {TABLES} tables", asyncio.run(_introspect(url, catalog)), "s", at_most=1.0)]


async def _introspect(url: str, catalog: Path) -> float:
    connection = await asyncpg.connect(url)
    settings = Settings(database_url=url, token="bench", catalog=catalog, base_url="http://bench", embedded=True)
    database = await Database.open(settings)
    try:
        await connection.execute(_MANY_TABLES)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            await database.read_schema()
            times.append(time.perf_counter() - started)
        return statistics.median(times)
    finally:
        await _drop(connection)
        await connection.close()
        await database.close()


async def _drop(connection: asyncpg.Connection) -> None:
    """Drop table by table: all at once would take more locks than Postgres has."""
    for number in range(TABLES, 0, -1):
        await connection.execute(f"DROP TABLE many.t{number} CASCADE")
    await connection.execute("DROP SCHEMA many CASCADE")


def chain_planner() -> Callable[[], object]:
    """Return what plans one row of the last of a chain of tables, each of which needs a row of the one before."""
    tables = {table.id: table for table in _chain()}
    schema = Schema(tables=tables)
    rulebook = Rulebook(schema, Domain(name="chain"))
    last = Entity(name="last", table=f"public.t{ANCESTORS}", source="bench")
    scenario = Scenario(id="chain", domain="chain", source="bench", title="", intent="", entities={"last": last})
    numbers = iter(range(10**6))

    def make() -> object:
        key = f"r{next(numbers)}"
        return plan(
            scenario,
            rulebook,
            overrides={},
            run_id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
            request_key=key,
            seed=0,
            as_of=AS_OF,
        )

    return make


def _chain() -> Iterator[Table]:
    for number in range(ANCESTORS + 1):
        sequence = f"public.t{number}_id_seq"
        columns = (
            Column(name="id", type="bigint", nullable=False, sequence=sequence),
            Column(name="up", type="bigint", nullable=number == 0),
            Column(name="name", type="text", nullable=False),
        )
        table = Table(id=f"public.t{number}", columns=columns, primary_key=("id",))
        parent = f"public.t{number - 1}"
        key = ForeignKey(name=f"t{number}_up", columns=("up",), parent=parent, parent_columns=("id",))
        yield dataclasses.replace(table, foreign_keys=(key,)) if number else table


def _measure(make: Callable[[], object]) -> float:
    """Return the median of calls, in ms, after some that warm up."""
    for _ in range(_WARM_UP):
        make()
    times = []
    for _ in range(_MEASURED):
        started = time.perf_counter()
        make()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000
