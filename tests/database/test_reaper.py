"""The reaper of a seeder: whom it ends, whom it leaves alone, and when it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pytest_atdm.core.errors import DatabaseBusy
from seeder.metrics import Counters
from seeder.reaper import Reaper
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]
SHELF = "CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL)"
LEASE_S = 0.6
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
PATIENCE_S = 30.0  # only so that what never happens fails instead of hanging


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A run with one row."""
    made = make_world(SHELF)
    made.seed(planned("s", "shelf", {"label": "a"}, id="s.id"))
    return made


def shorten(world: World, lease: str, lasts_s: int = 1) -> None:
    """Have the run's lease last so long from now."""
    statement = "UPDATE atdm.lease SET expires_at = clock_timestamp() + $1::text::interval, lease_s = $2"
    world.execute(statement, lease, lasts_s)


def make_reaper(world: World, lease_s: float = LEASE_S) -> Reaper:
    """A reaper of the world's seeder."""
    return Reaper(world.database, Counters(), lease_s)


async def watch(world: World, reaper: Reaper, until: Callable[[], Coroutine[Any, Any, bool]]) -> str:
    """Let *reaper* run until that is true, and return the run's state."""
    async with reaper.running(), asyncio.timeout(PATIENCE_S):
        while not await until():
            pass
    return (await world.database.read_run(RUN)).state


def test_a_run_without_a_sign_of_life_is_reaped(world: World) -> None:
    """Its lease lapses, a grace passes, and its rows are gone."""
    shorten(world, "0.3 s")

    async def is_over() -> bool:
        await asyncio.sleep(0.02)
        return (await world.database.read_run(RUN)).state != "active"

    assert "reaped" == world.wait(watch(world, make_reaper(world), is_over))
    assert [] == world.rows()["public.shelf"]


def test_an_owner_that_renews_is_left_alone(world: World) -> None:
    """Three leases long, nothing of it goes."""
    shorten(world, "1 s")
    rounds = iter(range(15))

    async def has_renewed_for_long() -> bool:
        await world.database.renew_lease(RUN, 1)
        await asyncio.sleep(LEASE_S / 3)
        return next(rounds, None) is None

    assert "active" == world.wait(watch(world, make_reaper(world), has_renewed_for_long))
    assert 1 == len(world.rows()["public.shelf"])


def test_a_reaper_that_was_away_waits_for_the_owners_first(world: World) -> None:
    """Nobody could renew a lease while the seeder was not there: one that lapsed then is not held against its owner."""
    shorten(world, "-1 hour", lasts_s=60)

    async def has_renewed() -> bool:
        await asyncio.sleep(1.5)  # a round and a half, half the time that the reaper waits
        await world.database.renew_lease(RUN, 1)
        await asyncio.sleep(2)
        return True

    assert "active" == world.wait(watch(world, make_reaper(world, lease_s=6.0), has_renewed))


def test_a_database_that_takes_no_changes_is_a_reaper_that_was_away(world: World) -> None:
    """Nobody can renew a lease there, so that owners come first once it can be written to again."""
    shorten(world, "-1 hour", lasts_s=60)
    name = world.fetch("SELECT quote_ident(current_database())")
    world.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on; {END_OTHERS}")

    async def is_writable_again() -> bool:
        await asyncio.sleep(2)  # longer than the reaper waits
        await world.sut.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only; {END_OTHERS}")
        await asyncio.sleep(0.3)  # within the time that it waits
        await world.database.renew_lease(RUN, 1)
        await asyncio.sleep(1)
        return True

    assert "active" == world.wait(watch(world, make_reaper(world, lease_s=3.0), is_writable_again))


def test_a_cleanup_that_fails_does_not_keep_the_others(world: World) -> None:
    """A run whose rows cannot be removed is put off; the runs after it are reaped all the same."""
    shorten(world, "-2 hours")
    world.start_run("01OTHER")
    world.execute("UPDATE atdm.lease SET expires_at = clock_timestamp() - interval '1 hour' WHERE run_id = '01OTHER'")
    world.execute("CREATE TABLE holder (shelf_id integer NOT NULL REFERENCES shelf ON DELETE RESTRICT)")
    world.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;"
        "CREATE TRIGGER t BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    world.wait(world.database.read_schema())

    reaped = world.wait(make_reaper(world).reap_lapsed())

    assert ["01OTHER"] == [one.run_id for one in reaped]
    assert "active" == world.wait(world.database.read_run(RUN)).state


def test_an_operator_ends_a_run_whatever_its_lease(world: World) -> None:
    """Once, after that there is nothing to end; one that is being written says so instead of waiting."""
    reaper = make_reaper(world)

    async def reap_meanwhile() -> None:
        async with world.sut.transaction():
            await world.sut.execute("SELECT FROM atdm.run FOR NO KEY UPDATE")
            await reaper.reap_run(RUN)

    with pytest.raises(DatabaseBusy, match="is being worked on") as caught:
        world.wait(reap_meanwhile())

    assert "try again" in caught.value.hint
    assert [1, 0] == [len(world.wait(reaper.reap_run(RUN))) for _ in range(2)]
    assert [] == world.rows()["public.shelf"]


@pytest.mark.parametrize(("way", "expected"), [("sweep", {"01KEPT", RUN}), ("give_up", {"01KEPT", "01OTHER"})])
def test_runs_are_over_with_their_seeder(world: World, way: str, expected: set[str]) -> None:
    """One that ends gives up its own runs, one that starts alone sweeps up those of others; kept ones stay."""
    for run_id in ("01OTHER", "01KEPT"):
        world.start_run(run_id)
    world.execute("UPDATE atdm.lease SET seeder_id = 'another', kept = (run_id = '01KEPT') WHERE run_id <> $1", RUN)

    world.wait(getattr(make_reaper(world), way)())

    active = {run.run_id for run in world.wait(world.database.list_runs()) if run.state == "active"}
    assert expected == active
