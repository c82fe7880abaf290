"""A reset removes what was seeded and what the application hung below it, and nothing that stood there before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import pytest

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import NotFound, RowRefused, Unauthorized
from pytest_atdm.core.model import LeftRow
from seeder.db.database import Database
from seeder.records import NewEvent, SeedOutcome
from tests.database.world import RUN, TOKEN_HASH, World, planned, settings, wait_until_blocked

MakeWorld = Callable[..., World]

# Serial key, composite key, self reference, identity that is ALWAYS, key without sequence: one below the other.
FARM = """
CREATE TABLE farm (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE field (farm_id integer NOT NULL REFERENCES farm, number integer NOT NULL, PRIMARY KEY (farm_id, number));
CREATE TABLE tree (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    farm_id integer NOT NULL, number integer NOT NULL,
    grafted_on bigint REFERENCES tree,
    FOREIGN KEY (farm_id, number) REFERENCES field
);
CREATE TABLE apple (code uuid PRIMARY KEY DEFAULT gen_random_uuid(), tree_id bigint NOT NULL REFERENCES tree);
CREATE TABLE visit (id serial PRIMARY KEY, farm_id integer REFERENCES farm, remark text);
"""
OLD_FARM = """
INSERT INTO farm (name) VALUES ('old');
INSERT INTO field VALUES (1, 1);
INSERT INTO tree (farm_id, number) VALUES (1, 1);
INSERT INTO apple (tree_id) VALUES (1);
INSERT INTO visit (farm_id, remark) VALUES (1, 'old'), (NULL, 'nowhere');
"""


def seed_farm(world: World, name: str = "new") -> SeedOutcome:
    """Seed a farm with one field and one tree on it."""
    return world.seed(
        planned("farm", "farm", {"name": name}, id="farm.id"),
        planned("field", "field", {"number": 7}, farm_id="farm.id"),
        planned("tree", "tree", {"number": 7}, id="tree.id", farm_id="farm.id"),
    )


@pytest.fixture
def farm(make_world: MakeWorld) -> World:
    """The farm's tables with old rows in each."""
    return make_world(FARM, before=OLD_FARM)


def test_seeded_rows_go_and_others_stay(farm: World) -> None:
    """After the reset every table has exactly its rows from before."""
    before = farm.rows()

    report = farm.reset(seed_farm(farm))

    assert {"public.farm": 1, "public.field": 1, "public.tree": 1} == report.seeded
    assert ({}, (), (), False) == (report.made_by_sut, report.detached, report.left, report.already)
    assert before == farm.rows()
    assert 0 == farm.fetch("SELECT count(*) FROM atdm.ledger")


def test_rows_of_the_application_go_at_any_depth(farm: World) -> None:
    """Rows that hang below by composite, self and serial-less references, three levels down, are new and go."""
    before = farm.rows()
    outcome = seed_farm(farm)
    tree = outcome.rows["tree"]["id"]
    farm.execute(
        "INSERT INTO tree (farm_id, number, grafted_on) SELECT farm_id, number, id FROM tree WHERE id = $1", tree
    )
    farm.execute("INSERT INTO apple (tree_id) SELECT id FROM tree WHERE grafted_on = $1", tree)
    farm.execute("INSERT INTO visit (farm_id) VALUES ($1)", outcome.rows["farm"]["id"])

    report = farm.reset(outcome)

    assert {"public.tree": 1, "public.apple": 1, "public.visit": 1} == report.made_by_sut
    assert before == farm.rows()


def test_an_old_row_that_came_to_refer_is_loosened_and_reported(farm: World) -> None:
    """A nullable reference of a row from before is set to NULL; the row stands, and the report names it."""
    outcome = seed_farm(farm)
    farm.execute("UPDATE visit SET farm_id = $1 WHERE id = 2", outcome.rows["farm"]["id"])
    farm.execute("INSERT INTO visit (farm_id, remark) VALUES ($1, 'of the application')", outcome.rows["farm"]["id"])

    report = farm.reset(outcome)

    assert (LeftRow(table="public.visit", key={"id": 2}, why="reference set to null: farm_id"),) == report.detached
    assert {"public.visit": 1} == report.made_by_sut
    assert {"public.farm": 1, "public.field": 1, "public.tree": 1} == report.seeded
    assert farm.fetch("SELECT farm_id IS NULL FROM visit WHERE id = 2")
    assert 2 == farm.fetch("SELECT count(*) FROM visit")


def test_an_old_row_with_a_mandatory_reference_keeps_the_chain_up_to_it(farm: World) -> None:
    """What an old row needs stays, and what that needs in turn; the rest goes; the report says what and why."""
    outcome = seed_farm(farm)
    farm_id, tree = outcome.rows["farm"]["id"], outcome.rows["tree"]["id"]
    farm.execute("INSERT INTO apple (tree_id) VALUES ($1)", tree)
    farm.execute("UPDATE tree SET farm_id = $1, number = 7 WHERE id = 1", farm_id)

    report = farm.reset(outcome)

    why = 'old row refers: public.tree {"id": 1}'
    assert {
        ("public.farm", why),
        ("public.field", why),
    } == {(row.table, row.why) for row in report.left}
    assert {"farm_id": farm_id, "number": 7} in [row.key for row in report.left]
    assert ({"public.tree": 1}, {"public.apple": 1}) == (report.seeded, report.made_by_sut)
    assert 2 == farm.fetch("SELECT count(*) FROM farm")
    assert 1 == farm.fetch("SELECT count(*) FROM tree")


def test_a_cascade_of_the_target_takes_no_old_row(make_world: MakeWorld) -> None:
    """ON DELETE CASCADE below a seeded row does not carry off a row that stood there before."""
    world = make_world(
        """
        CREATE TABLE top (id serial PRIMARY KEY);
        CREATE TABLE must (id serial PRIMARY KEY, top_id integer NOT NULL REFERENCES top ON DELETE CASCADE);
        CREATE TABLE may (id serial PRIMARY KEY, top_id integer REFERENCES top ON DELETE CASCADE);
        """,
        before="INSERT INTO top DEFAULT VALUES; INSERT INTO must VALUES (1, 1); INSERT INTO may VALUES (1, 1)",
    )
    needed, optional = (world.seed(planned("top", "top", {}, id="top.id")) for _ in range(2))
    world.execute("UPDATE must SET top_id = $1", needed.rows["top"]["id"])
    world.execute("UPDATE may SET top_id = $1", optional.rows["top"]["id"])

    left, detached = world.reset(needed), world.reset(optional)

    assert ["public.top"] == [row.table for row in left.left]
    assert ["public.may"] == [row.table for row in detached.detached]
    assert (1, 1) == (world.fetch("SELECT count(*) FROM must"), world.fetch("SELECT count(*) FROM may"))


def test_a_row_made_after_the_run_began_but_before_the_request_is_old(farm: World) -> None:
    """Where a sequence hands out each number in turn, the request's own beginning decides."""
    farm.execute("INSERT INTO visit (remark) VALUES ('between')")
    outcome = seed_farm(farm)
    farm.execute("UPDATE visit SET farm_id = $1 WHERE remark = 'between'", outcome.rows["farm"]["id"])

    report = farm.reset(outcome)

    assert ["public.visit"] == [row.table for row in report.detached]
    assert 1 == farm.fetch("SELECT count(*) FROM visit WHERE remark = 'between'")


def test_a_row_whose_key_lies_ahead_of_its_sequence_is_old(make_world: MakeWorld) -> None:
    """Rows loaded with keys by hand stand above the sequence; they are old, while those below them are new."""
    world = make_world(FARM, OLD_FARM, before="INSERT INTO visit (id, remark) VALUES (900, 'by hand')")
    outcome = seed_farm(world)
    world.execute("UPDATE visit SET farm_id = $1 WHERE id = 900", outcome.rows["farm"]["id"])
    world.execute("INSERT INTO visit (farm_id, remark) VALUES ($1, 'new')", outcome.rows["farm"]["id"])

    report = world.reset(outcome)

    assert [{"id": 900}] == [row.key for row in report.detached]
    assert {"public.visit": 1} == report.made_by_sut


def test_a_sequence_that_hands_out_blocks_is_judged_by_the_run(make_world: MakeWorld) -> None:
    """Keys out of a block that the application took before the request are new, if the run had begun."""
    world = make_world(
        """
        CREATE TABLE top (id serial PRIMARY KEY);
        CREATE SEQUENCE block INCREMENT 50;
        CREATE TABLE below (id bigint PRIMARY KEY DEFAULT nextval('block'), top_id integer REFERENCES top);
        """
    )
    first_of_block = world.fetch("SELECT nextval('block')")
    outcome = world.seed(planned("top", "top", {}, id="top.id"))
    world.execute("INSERT INTO below VALUES ($1, $2)", first_of_block + 1, outcome.rows["top"]["id"])

    report = world.reset(outcome)

    assert {"public.below": 1} == report.made_by_sut


def test_without_a_serial_key_a_nullable_reference_is_suspected_old(make_world: MakeWorld) -> None:
    """No evidence either way: the row stands, loosened; under a mandatory reference it must be younger, and goes."""
    world = make_world(
        """
        CREATE TABLE top (id serial PRIMARY KEY);
        CREATE TABLE may (code text PRIMARY KEY, top_id integer REFERENCES top);
        CREATE TABLE must (code text PRIMARY KEY, top_id integer NOT NULL REFERENCES top);
        CREATE TABLE either (
            code text PRIMARY KEY, top_id integer REFERENCES top, must_code text NOT NULL REFERENCES must);
        """
    )
    outcome = world.seed(planned("top", "top", {}, id="top.id"))
    top = outcome.rows["top"]["id"]
    world.execute("INSERT INTO may VALUES ('m', $1)", top)
    world.execute("INSERT INTO must VALUES ('n', $1)", top)
    world.execute("INSERT INTO either VALUES ('e', $1, 'n')", top)

    report = world.reset(outcome)

    assert [("public.may", {"code": "m"})] == [(row.table, row.key) for row in report.detached]
    assert {"public.must": 1, "public.either": 1} == report.made_by_sut
    assert ['{"code": "m", "top_id": null}'] == world.rows()["public.may"]


def test_a_row_of_another_live_request_is_that_requests(farm: World) -> None:
    """One request's rows that refer to another's are not taken by its reset."""
    first = seed_farm(farm)
    second = farm.seed(planned("visit", "visit", {"farm_id": first.rows["farm"]["id"]}, id="visit.id"))

    report = farm.reset(first)

    assert [second.rows["visit"]["id"]] == [row.key["id"] for row in report.detached]
    assert {"public.visit": 1} == farm.reset(second).seeded


def test_a_row_of_the_application_across_two_requests(make_world: MakeWorld) -> None:
    """A row that hangs below two requests goes with the first that is reset; the second finds the rest."""
    world = make_world(
        """
        CREATE TABLE side (id serial PRIMARY KEY);
        CREATE TABLE bridge (
            one integer NOT NULL REFERENCES side, other integer NOT NULL REFERENCES side, PRIMARY KEY (one, other));
        """
    )
    before = world.rows()
    first, second = (world.seed(planned("side", "side", {}, id="side.id")) for _ in range(2))
    world.execute("INSERT INTO bridge VALUES ($1, $2)", first.rows["side"]["id"], second.rows["side"]["id"])

    reports = [world.reset(first), world.reset(second)]

    assert [{"public.bridge": 1}, {}] == [report.made_by_sut for report in reports]
    assert before == world.rows()


def test_rows_that_the_application_deleted_are_not_counted(farm: World) -> None:
    """A seeded row that is gone already is no error, and the report does not claim it."""
    outcome = seed_farm(farm)
    farm.execute("DELETE FROM tree WHERE id = $1", outcome.rows["tree"]["id"])

    assert {"public.farm": 1, "public.field": 1} == farm.reset(outcome).seeded


def test_a_child_without_any_key_goes_too(make_world: MakeWorld) -> None:
    """Rows of a table without a key are told by their place, equal rows each for itself."""
    world = make_world(
        "CREATE TABLE top (id serial PRIMARY KEY)",
        "CREATE TABLE log (top_id integer NOT NULL REFERENCES top, line text)",
        before="INSERT INTO top DEFAULT VALUES; INSERT INTO log VALUES (1, 'x')",
    )
    before = world.rows()
    outcome = world.seed(planned("top", "top", {}, id="top.id"))
    for _ in range(2):
        world.execute("INSERT INTO log VALUES ($1, 'x')", outcome.rows["top"]["id"])

    assert {"public.log": 2} == world.reset(outcome).made_by_sut
    assert before == world.rows()


def test_a_reference_to_another_key_than_the_primary_one_is_followed(make_world: MakeWorld) -> None:
    """A foreign key may point at a unique column; what it carries is found just as well."""
    world = make_world(
        """
        CREATE TABLE top (id serial PRIMARY KEY, code text UNIQUE);
        CREATE TABLE below (id serial PRIMARY KEY, top_code text REFERENCES top (code));
        """
    )
    before = world.rows()
    outcome = world.seed(planned("top", "top", {"code": "c"}, id="top.id"))
    world.execute("INSERT INTO below (top_code) VALUES ('c')")

    assert {"public.below": 1} == world.reset(outcome).made_by_sut
    assert before == world.rows()


def test_a_cycle_of_the_applications_rows_ends(make_world: MakeWorld) -> None:
    """Rows that refer to each other in a ring below the seeded one are walked once and removed."""
    world = make_world(
        """
        CREATE TABLE top (id serial PRIMARY KEY);
        CREATE TABLE ring (
            id serial PRIMARY KEY, top_id integer NOT NULL REFERENCES top, next_id integer REFERENCES ring);
        """
    )
    before = world.rows()
    outcome = world.seed(planned("top", "top", {}, id="top.id"))
    world.execute("INSERT INTO ring (top_id) SELECT $1 FROM generate_series(1, 3)", outcome.rows["top"]["id"])
    world.execute("UPDATE ring SET next_id = CASE id WHEN 3 THEN 1 ELSE id + 1 END")

    assert {"public.ring": 3} == world.reset(outcome).made_by_sut
    assert before == world.rows()


def test_a_table_that_came_after_the_schema_was_read_is_found(farm: World) -> None:
    """A new foreign key breaks the first attempt; the next one knows it."""
    outcome = seed_farm(farm)
    farm.execute("CREATE TABLE public.barn (id serial PRIMARY KEY, farm_id integer NOT NULL REFERENCES farm)")
    farm.execute("INSERT INTO barn (farm_id) VALUES ($1)", outcome.rows["farm"]["id"])

    assert {"public.barn": 1} == farm.reset(outcome).made_by_sut


def test_a_row_that_the_application_writes_meanwhile_is_found(farm: World) -> None:
    """A child that is not yet committed when the reset begins is waited for and removed."""
    before = farm.rows()
    outcome = seed_farm(farm)

    async def race() -> None:
        writing = farm.sut.transaction()
        await writing.start()
        await farm.sut.execute("INSERT INTO visit (farm_id) VALUES ($1)", outcome.rows["farm"]["id"])
        reset = asyncio.create_task(farm.database.reset_request(outcome.request_id, TOKEN_HASH))
        await wait_until_blocked(farm.url)
        await writing.commit()
        await reset

    farm.wait(race())

    assert before == farm.rows()


def test_a_repeated_reset_gives_the_same_report(farm: World) -> None:
    """The second call changes nothing and says so; of two at once one is the second."""
    outcome = seed_farm(farm)

    async def twice() -> list[bool]:
        calls = (farm.database.reset_request(outcome.request_id, TOKEN_HASH) for _ in range(2))
        return sorted(report.already for report in await asyncio.gather(*calls))

    assert [False, True] == farm.wait(twice())
    again = farm.reset(outcome)

    assert ({"public.farm": 1, "public.field": 1, "public.tree": 1}, True) == (again.seeded, again.already)


def test_only_the_requests_own_token_opens_it(farm: World) -> None:
    """Another token is refused and nothing changes; None is the operator's way."""
    outcome = seed_farm(farm)
    before = farm.rows()

    with pytest.raises(Unauthorized):
        farm.wait(farm.database.reset_request(outcome.request_id, hashlib.sha256(b"guess").digest()))

    assert before == farm.rows()
    assert {"public.farm", "public.field", "public.tree"} == set(
        farm.wait(farm.database.reset_request(outcome.request_id, None)).seeded
    )


def test_an_unknown_request_is_not_found(farm: World) -> None:
    """A request id that stands nowhere is an error, not an empty report."""
    with pytest.raises(NotFound, match="01NONE"):
        farm.wait(farm.database.reset_request("01NONE", TOKEN_HASH))


def test_a_refused_deletion_changes_nothing(make_world: MakeWorld) -> None:
    """A trigger that forbids the deletion fails the whole reset; request, ledger and chain stay as they were."""
    world = make_world(
        FARM,
        """
        CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'trees are protected'; END $$;
        CREATE TRIGGER forbid BEFORE DELETE ON tree FOR EACH ROW EXECUTE FUNCTION forbid();
        """,
    )
    outcome = seed_farm(world)
    before = world.rows()
    events = world.fetch("SELECT count(*) FROM atdm.audit_event")

    with pytest.raises(RowRefused, match="trees are protected"):
        world.reset(outcome)

    assert before == world.rows()
    assert "live" == world.wait(world.database.read_request(outcome.request_id)).state
    assert (3, events) == (
        world.fetch("SELECT count(*) FROM atdm.ledger"),
        world.fetch("SELECT count(*) FROM atdm.audit_event"),
    )


def test_the_clients_events_come_before_the_reset(farm: World) -> None:
    """Events that the client reports with its reset stand before ``reset_executed``, which holds the report."""
    outcome = seed_farm(farm)

    farm.reset(outcome, [NewEvent(kind=EventKind.CONSUMED_BY_TEST, detail={"outcome": "passed"})])

    trail = farm.wait(farm.database.read_events(RUN))
    assert ["seed_committed", "consumed_by_test", "reset_executed"] == [event.kind for event in trail.events[-3:]]
    assert {"public.farm": 1, "public.field": 1, "public.tree": 1} == trail.events[-1].detail["seeded"]
    assert trail.intact


def test_another_process_resets_what_this_one_seeded(farm: World) -> None:
    """Everything that a reset needs stands in the database."""
    before = farm.rows()
    outcome = seed_farm(farm)

    async def reset_elsewhere() -> None:
        other = await Database.open(settings(farm.url))
        await other.reset_request(outcome.request_id, TOKEN_HASH)
        await other.close()

    farm.wait(reset_elsewhere())

    assert before == farm.rows()


def test_a_run_is_reset_as_a_whole_and_ends(farm: World) -> None:
    """Every live request of the run goes, also one whose rows refer to another's; those of other runs stay."""
    farm.start_run("01OTHER")
    kept = farm.seed(planned("visit", "visit", {"remark": "kept"}, id="visit.id"), run_id="01OTHER")
    before = farm.rows()
    first = seed_farm(farm)
    farm.seed(planned("visit", "visit", {"farm_id": first.rows["farm"]["id"]}, id="visit.id"))
    farm.execute("INSERT INTO visit (farm_id) VALUES ($1)", first.rows["farm"]["id"])

    report = farm.wait(farm.database.reset_run(RUN))

    assert 2 == report.requests
    assert {"public.farm": 1, "public.field": 1, "public.tree": 1, "public.visit": 1} == report.seeded
    assert ({"public.visit": 1}, (), ()) == (report.made_by_sut, report.detached, report.left)
    assert before == farm.rows()
    assert "ended" == farm.wait(farm.database.read_run(RUN)).state
    assert "live" == farm.wait(farm.database.read_request(kept.request_id)).state
    assert 0 == farm.wait(farm.database.reset_run(RUN)).requests


def test_everything_is_reset_and_runs_go_on(farm: World) -> None:
    """reset_all takes the live requests of all runs; an active run seeds again afterwards."""
    before = farm.rows()
    farm.start_run("01OTHER")
    for number in range(3):
        seed_farm(farm, f"n{number}")
    farm.seed(planned("visit", "visit", {}, id="visit.id"), run_id="01OTHER")

    report = farm.wait(farm.database.reset_all(force=True))

    assert (4, 3, 1) == (report.requests, report.seeded["public.farm"], report.seeded["public.visit"])
    assert before == farm.rows()
    assert 1 == farm.reset(seed_farm(farm)).seeded["public.farm"]


def test_an_unknown_run_cannot_be_reset(farm: World) -> None:
    """A run id that stands nowhere is an error."""
    with pytest.raises(NotFound, match="01NONE"):
        farm.wait(farm.database.reset_run("01NONE"))
