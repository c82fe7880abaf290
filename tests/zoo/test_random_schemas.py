"""Random small schemas on a real Postgres: what is planned is taken, and what is called impossible is."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, note, settings

from pytest_atdm.core.catalog import Domain, Entity, Scenario
from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from tests.database.world import World
from tests.zoo.random_schemas import Made, candidates_sql, find_witness, insert_sql, random_tables, write_ddl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_atdm.core.model import Plan

AS_OF: Final = datetime.date(2026, 3, 1)
#: The same few schemas each time, so that every run says the same; many others with ``ATDM_ZOO_EXAMPLES=2000``.
ASKED: Final = os.environ.get("ATDM_ZOO_EXAMPLES")
EXAMPLES: Final = int(ASKED or 25)


@pytest.fixture(scope="module")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """A database whose schema public is made anew for every example."""
    made = World(make_database("random"), "SELECT 1")
    yield made
    made.close()


def plan_row(book: Rulebook, table: str) -> tuple[Plan | None, str]:
    """Return the plan for one row of *table*; None, and the reason, where planner or gate say that there is none."""
    scenario = Scenario(
        id=f"random/{table}", domain="", source="random", title="", intent="",
        entities={"row": Entity(name="row", table=table, source="random")},
    )  # fmt: skip
    try:
        made = plan(scenario, book, overrides={}, run_id="R", request_key=table, seed=0, as_of=AS_OF)
    except PlanImpossible as impossible:
        return None, impossible.message
    objections = Gate(book).check(made)
    return (None, objections[0].message) if objections else (made, "")


def find_rows(world: World, tables: Sequence[Made], wanted: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return rows with one of *wanted* that the database takes; empty where the search finds none."""
    candidates = {
        table.name: [dict(row) for row in world.wait(world.sut.fetch(candidates_sql(table)))] for table in tables
    }
    rows = find_witness(tables, candidates, wanted)
    transaction = world.sut.transaction()
    world.wait(transaction.start())
    try:
        if rows:
            world.execute(insert_sql(tables, rows))
        return rows
    except asyncpg.IntegrityConstraintViolationError:
        return []  # they clash with one another: that is no proof
    finally:
        world.wait(transaction.rollback())


@settings(max_examples=EXAMPLES, derandomize=ASKED is None, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=random_tables())
def test_planner_and_database_agree_on_what_can_be(world: World, tables: list[Made]) -> None:
    """A plan that passes the gate is taken; where there is none, no search over small values finds rows either."""
    ddl = write_ddl(tables)
    note(ddl)
    world.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {ddl}")
    book = Rulebook(world.wait(world.database.read_schema()), Domain(name=""))
    for table in tables:
        made, objection = plan_row(book, f"public.{table.name}")
        if made is None:
            assert [] == find_rows(world, tables, table.name), f"{table.name}: {objection}"
        else:
            refusal = world.wait(world.database.try_plan(made)).refusal
            assert refusal is None, f"{table.name}: {refusal}\n{made.rows}"
