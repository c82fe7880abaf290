"""A reset while the application writes: it waits, looks again, and takes no row that stood there before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pytest_atdm.core.model import ResetReport
from seeder.records import SeedOutcome
from tests.database.world import TOKEN_HASH, World, planned, wait_until_blocked

MakeWorld = Callable[..., World]

TOP = "CREATE TABLE top (id serial PRIMARY KEY)"
BELOW = "CREATE TABLE below (id serial PRIMARY KEY, top_id integer {rest})"
ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT")


def reset_while(world: World, outcome: SeedOutcome, *statements: str, name: str = "top") -> ResetReport:
    """Reset the request while the application has executed *statements* and not committed; it does when we wait.

    Where they say $1 they mean the id of the seeded row *name*.
    """

    async def race() -> ResetReport:
        async with world.sut.transaction():
            for statement in statements:
                await world.sut.execute(statement, *[outcome.rows[name]["id"]] * statement.count("$1"))
            reset = asyncio.create_task(world.database.reset_request(outcome.request_id, TOKEN_HASH))
            await wait_until_blocked(world.url)
        return await reset

    return world.wait(race())


def seed_top(world: World) -> SeedOutcome:
    """Seed one row that others may refer to."""
    return world.seed(planned("top", "top", {}, id="top.id"))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_old_row_that_comes_to_refer_meanwhile_stands(make_world: MakeWorld, action: str) -> None:
    """A key that acts on deletion would take or change it: it is loosened and reported, as if it had come earlier."""
    world = make_world(
        TOP, BELOW.format(rest=f"REFERENCES top ON DELETE {action}"), before="INSERT INTO below DEFAULT VALUES"
    )
    outcome = seed_top(world)

    report = reset_while(world, outcome, "UPDATE below SET top_id = $1")

    assert [("public.below", {"id": 1})] == [(row.table, row.key) for row in report.detached]
    assert ({}, {"public.top": 1}) == (report.beyond, report.seeded)
    assert {"public.top": [], "public.below": ['{"id": 1, "top_id": null}']} == world.rows()


def test_an_old_row_that_must_refer_keeps_what_it_came_to_refer_to(make_world: MakeWorld) -> None:
    """Under a mandatory key with CASCADE the seeded row is left, and the report says for whom."""
    world = make_world(
        TOP,
        BELOW.format(rest="NOT NULL REFERENCES top ON DELETE CASCADE"),
        before="INSERT INTO top VALUES (-1); INSERT INTO below (top_id) VALUES (-1)",
    )
    outcome = seed_top(world)

    report = reset_while(world, outcome, "UPDATE below SET top_id = $1")

    assert ['old row refers: public.below {"id": 1}'] == [row.why for row in report.left]
    assert (2, 1) == (world.fetch("SELECT count(*) FROM top"), world.fetch("SELECT count(*) FROM below"))


def test_new_rows_that_come_meanwhile_go_and_are_counted(make_world: MakeWorld) -> None:
    """Also those that hang below rows which nobody had seen when the reset began, two levels down."""
    world = make_world(
        TOP,
        BELOW.format(rest="REFERENCES top ON DELETE CASCADE"),
        "CREATE TABLE last (id serial PRIMARY KEY, below_id integer REFERENCES below ON DELETE SET NULL)",
        before="INSERT INTO last VALUES (-1)",
    )
    before = world.rows()
    outcome = seed_top(world)

    report = reset_while(
        world,
        outcome,
        "INSERT INTO below (top_id) VALUES ($1)",
        "INSERT INTO last (below_id) SELECT id FROM below",
        "UPDATE last SET below_id = (SELECT id FROM below) WHERE id = -1",
    )

    assert {"public.below": 1, "public.last": 1} == report.made_by_sut
    assert ([{"id": -1}], before) == ([row.key for row in report.detached], world.rows())


@pytest.mark.parametrize("wide", [False, True])
def test_triggers_in_the_way_change_nothing_of_that(make_world: MakeWorld, *, wide: bool) -> None:
    """Where the reset goes step by step, it locks and looks again likewise; with volumes too."""
    world = make_world(
        TOP,
        BELOW.format(rest="REFERENCES top ON DELETE CASCADE"),
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
        "CREATE TRIGGER look BEFORE DELETE ON below FOR EACH ROW EXECUTE FUNCTION look()",
        before="INSERT INTO below DEFAULT VALUES",
    )
    outcome = world.seed(*(planned(f"top{n}", "top", {}, id=f"top{n}.id") for n in range(1_100 if wide else 2)))

    report = reset_while(
        world,
        outcome,
        "INSERT INTO below (top_id) VALUES ($1)",
        "UPDATE below SET top_id = $1 WHERE id = 1",
        name="top1",
    )

    assert ([{"id": 1}], {"public.below": 1}) == ([row.key for row in report.detached], report.made_by_sut)
    assert {"public.top": [], "public.below": ['{"id": 1, "top_id": null}']} == world.rows()


def test_a_volume_is_locked_before_it_goes(make_world: MakeWorld) -> None:
    """An old row that comes to refer to one of thousands meanwhile stands, too."""
    world = make_world(
        TOP, BELOW.format(rest="REFERENCES top ON DELETE CASCADE"), before="INSERT INTO below DEFAULT VALUES"
    )
    outcome = world.seed(*(planned(f"top{n}", "top", {}, id=f"top{n}.id") for n in range(1_100)))

    report = reset_while(world, outcome, "UPDATE below SET top_id = $1", name="top7")

    assert ([{"id": 1}], {"public.top": 1_100}) == ([row.key for row in report.detached], report.seeded)
    assert {"public.top": [], "public.below": ['{"id": 1, "top_id": null}']} == world.rows()


def test_an_old_row_that_is_moved_away_meanwhile_keeps_its_new_reference(make_world: MakeWorld) -> None:
    """To loosen what refers elsewhere by now would change the application's data for nothing."""
    world = make_world(
        TOP,
        BELOW.format(rest="REFERENCES top"),
        before="INSERT INTO top VALUES (-1); INSERT INTO below VALUES (1), (2)",
    )
    outcome = seed_top(world)
    world.execute("UPDATE below SET top_id = $1", outcome.rows["top"]["id"])

    reset_while(world, outcome, "UPDATE below SET top_id = -1 WHERE id = 1")

    assert ['{"id": 1, "top_id": -1}', '{"id": 2, "top_id": null}'] == world.rows()["public.below"]
