"""References below what a run seeded that no index serves are told at its end, each with the statement that helps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.model import MissingIndex
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]

MANY = 10_000
TOP = "CREATE TABLE top (id serial PRIMARY KEY, a integer, b integer, UNIQUE (a, b))"
BELOW = 'CREATE TABLE "Below" (id serial PRIMARY KEY, top_id integer REFERENCES top, other integer)'


def end_run(world: World, *more: str, rows: int = MANY) -> tuple[MissingIndex, ...]:
    """Fill the table below, do *more*, seed and reset a row of the table above, end the run; return what is told."""
    for statement in more:
        world.execute(statement)
    world.execute('INSERT INTO "Below" (other) SELECT n FROM generate_series(1, $1::integer) n', rows)
    world.execute("ANALYZE")
    world.wait(world.database.read_schema())
    world.reset(world.seed(planned("top", "top", {}, id="top.id")))
    return world.wait(world.database.reset_run(RUN)).missing_indexes


def test_a_reference_without_an_index_is_told_once(make_world: MakeWorld) -> None:
    """Table, columns, what it refers to, how many rows are read for it; and nothing when the run has ended already."""
    world = make_world(TOP, BELOW)
    statement = 'CREATE INDEX ON public."Below" (top_id)'

    (told,) = end_run(world)

    parts = {"table": "public.Below", "columns": ("top_id",), "parent": "public.top"}
    assert MissingIndex(**parts, rows=MANY, statement=statement) == told  # type: ignore[arg-type]
    assert () == world.wait(world.database.reset_run(RUN)).missing_indexes


def test_the_statement_helps(make_world: MakeWorld) -> None:
    """Once it has been executed, the next run has nothing to tell."""
    world = make_world(TOP, BELOW)
    (told,) = end_run(world)
    world.execute(told.statement)
    world.start_run()

    assert () == end_run(world)


def test_a_small_table_is_not_told(make_world: MakeWorld) -> None:
    """To read some thousand rows costs nothing."""
    assert () == end_run(make_world(TOP, BELOW), rows=MANY - 1)


def test_what_was_not_seeded_above_is_not_told(make_world: MakeWorld) -> None:
    """A run tells of its own tables only."""
    world = make_world(TOP, BELOW, "CREATE TABLE apart (id serial PRIMARY KEY)")
    world.execute('INSERT INTO "Below" (other) SELECT n FROM generate_series(1, $1::integer) n', MANY)
    world.execute("ANALYZE")
    world.seed(planned("apart", "apart", {}, id="apart.id"))

    assert () == world.wait(world.database.reset_run(RUN)).missing_indexes


@pytest.mark.parametrize(
    ("index", "serves"),
    [
        ("(top_id)", True),
        ("(top_id, other)", True),
        ("(top_id) WHERE top_id IS NOT NULL", True),
        ("USING hash (top_id)", True),
        ("(other, top_id)", False),
        ("(top_id) WHERE other > 5", False),
        ("((top_id + 1))", False),
        ("USING brin (top_id)", False),
    ],
)
def test_only_an_index_that_finds_the_row_serves(make_world: MakeWorld, index: str, *, serves: bool) -> None:
    """The columns stand first in it, in whatever order, and it holds every row that can refer."""
    assert serves == (() == end_run(make_world(TOP, BELOW), f'CREATE INDEX ON "Below" {index}'))


def test_an_index_that_never_came_to_its_end_does_not_serve(make_world: MakeWorld) -> None:
    """One that CREATE INDEX CONCURRENTLY left invalid is read by nobody."""
    broken = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half'::regclass"

    assert 1 == len(end_run(make_world(TOP, BELOW), 'CREATE INDEX half ON "Below" (top_id)', broken))


@pytest.mark.parametrize(("columns", "serves"), [("b, a", True), ("a, other, b", False), ("a", False)])
def test_a_reference_by_two_columns_needs_both(make_world: MakeWorld, columns: str, *, serves: bool) -> None:
    """In any order, and before others."""
    below = 'CREATE TABLE "Below" (a integer, b integer, other integer, FOREIGN KEY (a, b) REFERENCES top (a, b))'

    told = end_run(make_world(TOP, below), f'CREATE INDEX ON "Below" ({columns})')

    assert ([] if serves else ['CREATE INDEX ON public."Below" (a, b)']) == [one.statement for one in told]


def test_of_a_partitioned_table_the_partitions_without_one_count(make_world: MakeWorld) -> None:
    """Each has its own; the statement makes one for all."""
    below = 'CREATE TABLE "Below" (top_id integer REFERENCES top, other integer) PARTITION BY RANGE (other)'
    world = make_world(TOP, below)
    parts = [
        'CREATE TABLE low PARTITION OF "Below" FOR VALUES FROM (MINVALUE) TO (101)',
        'CREATE TABLE high PARTITION OF "Below" DEFAULT',
        "CREATE INDEX ON low (top_id)",
    ]

    (told,) = end_run(world, *parts, rows=MANY + 100)
    world.execute(told.statement)
    world.start_run()

    assert MANY == told.rows
    assert () == end_run(world)


def test_a_reference_of_the_catalog_is_told_likewise(make_world: MakeWorld) -> None:
    """A reset follows it as it does a foreign key, and is as slow."""
    domain = "title: Made\nreferences:\n  - {table: Below, columns: [other], to: top}\n"
    world = make_world(TOP, BELOW.replace("REFERENCES top", ""), domain=domain)

    assert [("other",)] == [one.columns for one in end_run(world)]
