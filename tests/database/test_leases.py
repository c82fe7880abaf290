"""Leases: granted with the run, renewed by its owner, and lost with everything that the run had."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict, LeaseLost, NotFound, RowRefused
from seeder.db.database import Database
from seeder.records import RunStart, SeedOutcome
from tests.database.world import RUN, World, command, planned, settings

MakeWorld = Callable[..., World]

SHOP = """
CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL UNIQUE);
CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf);
"""
START = RunStart(run_id=RUN, session_id="another", actor="tests", seed=1, as_of="2026-01-15")


def seed_shelf(world: World, label: str = "a") -> SeedOutcome:
    """Seed one shelf, below which the application puts a box."""
    outcome = world.seed(planned("s", "shelf", {"label": label}, id="s.id"))
    world.execute("INSERT INTO box (shelf_id) SELECT max(id) FROM shelf")
    return outcome


def let_lapse(world: World, run_id: str = RUN) -> None:
    """Make the lease of the run one that lapsed a minute ago."""
    world.execute(
        "UPDATE atdm.lease SET expires_at = clock_timestamp() - interval '1 minute' WHERE run_id = $1", run_id
    )


def test_a_run_is_granted_a_lease(make_world: MakeWorld) -> None:
    """It lasts as long as the seeder's leases do, or as long as the run is to be kept."""
    world = make_world(SHOP)
    kept = dataclasses.replace(START, run_id="01KEPT", keep_s=7200)

    runs = [world.wait(world.database.read_run(RUN)), world.wait(world.database.start_run(kept))]

    assert [(30, False), (7200, True)] == [(run.lease_s, run.kept) for run in runs]
    left = "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM atdm.lease WHERE run_id = $1"
    assert 0 < world.fetch(left, RUN) <= 30
    assert 7100 < world.fetch(left, "01KEPT") <= 7200


def test_renewing_lets_a_lease_begin_anew(make_world: MakeWorld) -> None:
    """One that has lapsed, and that nobody has reaped yet, is as good as any."""
    world = make_world(SHOP)
    let_lapse(world)

    lease = world.wait(world.database.renew_lease(RUN, 1))

    assert 30 == lease.lease_s
    assert lease.expires_at == world.wait(world.database.read_run(RUN)).expires_at
    assert world.wait(world.database.reap_run(RUN, grace_s=0)) is None


def test_a_lease_that_is_lost_is_not_renewed(make_world: MakeWorld) -> None:
    """A run that has ended, was started again, or was never there has no lease for who asks in its old epoch."""
    world = make_world(SHOP)
    with pytest.raises(NotFound):
        world.wait(world.database.renew_lease("01NONE", 1))
    world.wait(world.database.reset_run(RUN))
    with pytest.raises(LeaseLost, match="it is ended, in its epoch 1") as caught:
        world.wait(world.database.renew_lease(RUN, 1))
    world.start_run()

    with pytest.raises(LeaseLost, match="it is active, in its epoch 2"):
        world.wait(world.database.renew_lease(RUN, 1))

    assert "renew the lease in time" in caught.value.hint
    assert 30 == world.wait(world.database.renew_lease(RUN, 2)).lease_s


def test_a_lapsed_run_is_reset_and_over(make_world: MakeWorld) -> None:
    """Its rows and the application's below them are gone, its lease too, and the log says who did it."""
    world = make_world(SHOP)
    seed_shelf(world)
    let_lapse(world)

    report = world.wait(world.database.reap_run(RUN, grace_s=30))

    assert report is not None
    assert ({"public.shelf": 1}, {"public.box": 1}, "reaper") == (report.seeded, report.made_by_sut, report.by)
    assert {"public.shelf": [], "public.box": []} == world.rows()
    assert "reaped" == world.wait(world.database.read_run(RUN)).state
    assert 0 == world.fetch("SELECT count(*) FROM atdm.lease")
    trail = world.wait(world.database.read_events(RUN))
    assert [EventKind.RESET_EXECUTED, EventKind.RUN_REAPED] == [event.kind for event in trail.events[-2:]]
    assert trail.intact


def test_who_lost_the_lease_is_told_whatever_it_does(make_world: MakeWorld) -> None:
    """Seeding, seeding again what was seeded, and renewing are refused; a reset finds that the reaper did it."""
    world = make_world(SHOP)
    outcome = seed_shelf(world)
    let_lapse(world)
    world.wait(world.database.reap_run(RUN, grace_s=0))

    for request_id in (outcome.request_id, "q2"):
        with pytest.raises(LeaseLost, match="the lease of run 01RUN lapsed"):
            world.wait(world.database.seed(command(planned("s", "shelf", {"label": "b"}), request_id=request_id)))
    with pytest.raises(LeaseLost, match="it is reaped"):
        world.wait(world.database.renew_lease(RUN, 1))
    report = world.reset(outcome)

    assert (True, "reaper", {"public.shelf": 1}) == (report.already, report.by, report.seeded)
    assert {"public.shelf": [], "public.box": []} == world.rows()


@pytest.mark.parametrize("grace_s", [0, 3600])
def test_a_run_with_a_lease_is_left_alone(make_world: MakeWorld, grace_s: float) -> None:
    """So is one whose lease has lapsed within the grace."""
    world = make_world(SHOP)
    seed_shelf(world)
    if grace_s:
        let_lapse(world)

    assert world.wait(world.database.reap_run(RUN, grace_s=grace_s)) is None
    assert () == world.wait(world.database.list_lapsed(grace_s))[1]

    assert 1 == len(world.rows()["public.shelf"])


def test_several_reapers_do_not_fight(make_world: MakeWorld) -> None:
    """Of two seeders that reap the same runs at once each run is reaped by one, and no call fails."""
    world = make_world(SHOP)
    runs = [f"01RUN{number}" for number in range(6)]
    for number, run_id in enumerate(runs):
        world.start_run(run_id)
        world.seed(planned("s", "shelf", {"label": f"l{number}"}, id="s.id"), run_id=run_id)
        let_lapse(world, run_id)

    async def reap_all() -> list[bool]:
        other = await Database.open(settings(world.url))
        reapers = [database.reap_run(run_id, grace_s=0) for run_id in runs for database in (world.database, other)]
        found = [report is not None for report in await asyncio.gather(*reapers)]
        await other.close()
        return found

    assert 6 == sum(world.wait(reap_all()))
    assert [] == world.rows()["public.shelf"]


def test_a_run_that_somebody_works_on_is_passed_over(make_world: MakeWorld) -> None:
    """A volume that is being written holds its run; the reaper does not wait for it."""
    world = make_world(SHOP)
    let_lapse(world)

    async def reap_meanwhile() -> object:
        async with world.sut.transaction():
            await world.sut.execute("SELECT FROM atdm.run FOR NO KEY UPDATE")
            return await world.database.reap_run(RUN, grace_s=0)

    assert world.wait(reap_meanwhile()) is None
    assert world.wait(world.database.reap_run(RUN, grace_s=0)) is not None


def test_a_reaped_run_is_started_again(make_world: MakeWorld) -> None:
    """The new start has an epoch of its own; who wrote before it stays refused."""
    world = make_world(SHOP)
    let_lapse(world)
    world.wait(world.database.reap_run(RUN, grace_s=0))

    again = world.wait(world.database.start_run(START))

    assert (2, "active", 30) == (again.epoch, again.state, again.lease_s)
    late = dataclasses.replace(command(planned("s", "shelf", {"label": "a"}), request_id="q1"), epoch=1)
    with pytest.raises(LeaseLost):
        world.wait(world.database.seed(late))


def test_whoever_starts_a_run_need_not_wait_for_the_reaper(make_world: MakeWorld) -> None:
    """A killed session's run is taken over once its lease has lapsed, and its rows are gone; not before."""
    world = make_world(SHOP)
    seed_shelf(world)
    with pytest.raises(Conflict, match="its lease lapses at 2"):
        world.wait(world.database.start_run(START))
    let_lapse(world)

    again = world.wait(world.database.start_run(START))

    assert (2, "another") == (again.epoch, again.session_id)
    assert {"public.shelf": [], "public.box": []} == world.rows()


def test_an_operator_who_resets_everything_is_named(make_world: MakeWorld) -> None:
    """Whose rows went away under its hands finds out by whom; who removes its own rows is nobody special."""
    world = make_world(SHOP)
    first, second = seed_shelf(world, "a"), seed_shelf(world, "b")
    world.reset(first)

    world.wait(world.database.reset_all(force=True))

    assert ["owner", "operator"] == [world.reset(outcome).by for outcome in (first, second)]


def test_everything_is_reset_only_where_nobody_is_at_work(make_world: MakeWorld) -> None:
    """A run whose lease is renewed, and that holds rows, is named and untouched; kept and lapsed ones are nobody's."""
    world = make_world(SHOP)
    world.start_run("01KEPT", keep_s=600)
    world.start_run("01IDLE")
    world.seed(planned("s", "shelf", {"label": "kept"}, id="s.id"), run_id="01KEPT")
    mine = seed_shelf(world, "mine")

    with pytest.raises(Conflict, match=f"others are at work here.*run {RUN} of tests") as refused:
        world.wait(world.database.reset_all(force=False))

    assert "atdm reap ID" in refused.value.hint
    assert "01KEPT" not in refused.value.message
    assert "01IDLE" not in refused.value.message
    assert 2 == world.fetch("SELECT count(*) FROM shelf")
    let_lapse(world)
    assert 2 == world.wait(world.database.reset_all(force=False)).requests
    assert "operator" == world.reset(mine).by


def test_a_run_whose_cleanup_is_refused_stays(make_world: MakeWorld) -> None:
    """Nothing of it has changed, so that the next round can try again."""
    world = make_world(SHOP)
    seed_shelf(world)
    let_lapse(world)
    world.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;"
        "CREATE TRIGGER t BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    world.wait(world.database.read_schema())

    with pytest.raises(RowRefused, match="reaping run 01RUN"):
        world.wait(world.database.reap_run(RUN, grace_s=0))

    assert "active" == world.wait(world.database.read_run(RUN)).state
    assert 1 == len(world.rows()["public.box"])
