"""Rows that need many others above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.zoo.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 22
CHAIN = ["CREATE TABLE t0 (id serial PRIMARY KEY, name text NOT NULL)"] + [
    f"CREATE TABLE t{n} (id serial PRIMARY KEY, above integer NOT NULL REFERENCES t{n - 1}, name text NOT NULL UNIQUE)"
    for n in range(1, DEPTH + 1)
]


def test_twenty_two_mandatory_ancestors_are_planned_tried_and_reset(
    open_visit: Callable[..., Visit], make_database: Callable[[str], str]
) -> None:
    """One row of each table, parents first, at the first trial; seeded and reset, nothing is left."""
    visit = open_visit(make_database("chain"), ";".join(CHAIN))
    plan = visit.verdicts[f"public.t{DEPTH}"].plan

    visit.plant(f"public.t{DEPTH}")

    assert plan is not None
    assert [f"public.t{n}" for n in range(DEPTH + 1)] == [row.table for row in plan.rows]
    assert {1} == {verdict.trials for verdict in visit.verdicts.values()}
    assert visit.before == visit.world.rows()
