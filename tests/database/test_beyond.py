"""A reset says what the database did beyond the deletions that it was asked for, and what it did not do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.model import LeftRow, SideEffect
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]

SHELF = "CREATE TABLE shelf (id serial PRIMARY KEY, label text, boxes integer NOT NULL DEFAULT 0)"
BOX = "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf {action})"
SEEN = "GRANT SELECT, UPDATE, DELETE, INSERT ON shelf TO {role}; GRANT USAGE ON SEQUENCE shelf_id_seq TO {role}"


def acting(body: str, *, on: str, when: str = "AFTER DELETE", name: str = "act") -> str:
    """The DDL of a trigger for each row of the table *on* that does *body*, with its owner's rights."""
    return f"""
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN {body}; RETURN coalesce(NEW, OLD); END $$;
    CREATE TRIGGER {name} {when} ON {on} FOR EACH ROW EXECUTE FUNCTION {name}()"""


def test_a_row_from_before_that_a_trigger_changes_is_told(make_world: MakeWorld) -> None:
    """Its table and how often, in the report, in the stored one and in the audit log."""
    world = make_world(
        SHELF,
        "CREATE TABLE tally (n integer)",
        "INSERT INTO tally VALUES (7)",
        acting("UPDATE tally SET n = n + 1", on="shelf"),
    )
    outcome = world.seed(*(planned(name, "shelf", {}, id=f"{name}.id") for name in ("a", "b")))

    report = world.reset(outcome)

    assert {"public.tally": SideEffect(updated=2)} == report.beyond
    assert report == world.wait(world.database.read_request(outcome.request_id)).report
    event = world.wait(world.database.read_events(RUN)).events[-1]
    assert {"public.tally": {"updated": 2}} == event.detail["beyond"]


def test_what_triggers_do_with_rows_that_go_is_nothing_beyond(make_world: MakeWorld) -> None:
    """Tombstones that are removed again, and a counter in a row that goes itself, however often it was written."""
    world = make_world(
        SHELF,
        BOX.format(action=""),
        "CREATE TABLE tombstone (id integer PRIMARY KEY)",
        acting("INSERT INTO tombstone VALUES (OLD.id)", on="box"),
        acting("UPDATE shelf SET boxes = boxes - 1 WHERE id = OLD.shelf_id", on="box", name="discount"),
    )
    outcome = world.seed(
        planned("shelf", "shelf", {"boxes": 3}, id="shelf.id"),
        *(planned(name, "box", {}, id=f"{name}.id", shelf_id="shelf.id") for name in ("a", "b", "c")),
    )

    report = world.reset(outcome)

    assert ({}, {"public.shelf": 1, "public.box": 3}) == (report.beyond, report.seeded)
    assert {"public.shelf": [], "public.box": [], "public.tombstone": []} == world.rows()


def test_a_row_from_before_is_told_from_rows_of_the_same_table_that_go(make_world: MakeWorld) -> None:
    """Of three counters that a trigger wrote one stands after the reset: one is told."""
    world = make_world(
        "CREATE TABLE folder (id serial PRIMARY KEY, up integer REFERENCES folder, size integer NOT NULL DEFAULT 0)",
        "INSERT INTO folder (id) VALUES (-1)",
        acting("UPDATE folder SET size = size - 1 WHERE id = OLD.up", on="folder"),
    )
    world.seed(planned("top", "folder", {"up": -1}, id="top.id"))
    outcome = world.seed(
        planned("a", "folder", {"up": -1}, id="a.id"),
        planned("b", "folder", {}, id="b.id", up="a.id"),
        planned("c", "folder", {}, id="c.id", up="b.id"),
    )

    assert {"public.folder": SideEffect(updated=1)} == world.reset(outcome).beyond


def test_a_log_that_nobody_may_read_is_told(make_world: MakeWorld) -> None:
    """What a trigger writes where the seeder's role cannot look stays, and the report counts it."""
    role = "beyond_log"
    world = make_world(
        SHELF, "CREATE TABLE log (id integer)", acting("INSERT INTO log VALUES (OLD.id)", on="shelf"),
        SEEN.format(role=role), role=role,
    )  # fmt: skip

    report = world.reset(world.seed(planned("shelf", "shelf", {}, id="shelf.id")))

    assert {"public.log": SideEffect(inserted=1)} == report.beyond


@pytest.mark.parametrize(
    ("action", "effect", "left"),
    [
        ("ON DELETE CASCADE", SideEffect(deleted=2), 0),
        ("ON DELETE SET NULL", SideEffect(updated=2), 2),
        ("ON DELETE SET DEFAULT", SideEffect(updated=2), 2),
    ],
)
def test_what_a_key_does_where_nobody_may_look_is_told(
    make_world: MakeWorld, action: str, effect: SideEffect, left: int
) -> None:
    """ON DELETE acts with the rights of the table's owner: it hits rows that the walk of the reset does not see."""
    role = "beyond_key"
    box = BOX.format(action=action).replace("NOT NULL", "DEFAULT NULL")
    world = make_world(SHELF, box, SEEN.format(role=role), role=role)
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    world.execute("INSERT INTO box (shelf_id) VALUES ($1), ($1), (NULL)", outcome.rows["shelf"]["id"])

    report = world.reset(outcome)

    assert ({"public.box": effect}, {"public.shelf": 1}) == (report.beyond, report.seeded)
    assert left + 1 == world.fetch("SELECT count(*) FROM box")


def test_what_a_key_does_behind_a_policy_is_told(make_world: MakeWorld) -> None:
    """Rows that row security hides from the seeder's role are hit like others."""
    role = "beyond_policy"
    world = make_world(
        SHELF,
        BOX.format(action="ON DELETE CASCADE"),
        f"{SEEN.format(role=role)}; GRANT SELECT, DELETE, UPDATE ON box TO {role}",
        "ALTER TABLE box ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON box USING (id > 100)",
        role=role,
    )
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    world.execute("INSERT INTO box VALUES (1, $1), (2, $1), (101, $1)", outcome.rows["shelf"]["id"])

    report = world.reset(outcome)

    assert ({"public.box": SideEffect(deleted=2)}, {"public.box": 1}) == (report.beyond, report.made_by_sut)


def test_a_trigger_of_one_partition_is_no_secret(make_world: MakeWorld) -> None:
    """What hangs on a partition only takes part in the deletion of rows of the table that it belongs to."""
    world = make_world(
        "CREATE TABLE part (id serial, year integer, PRIMARY KEY (id, year)) PARTITION BY RANGE (year)",
        "CREATE TABLE part_new PARTITION OF part FOR VALUES FROM (2000) TO (3000)",
        "CREATE TABLE part_old PARTITION OF part DEFAULT",
        "CREATE TABLE tally (n integer); INSERT INTO tally VALUES (0)",
        acting("UPDATE tally SET n = n + 1", on="part_new"),
    )
    new, old = (world.seed(planned("row", "part", {"year": year}, id="row.id")) for year in (2026, 1999))

    assert {"public.tally": SideEffect(updated=1)} == world.reset(new).beyond
    assert {} == world.reset(old).beyond


def test_a_row_that_a_trigger_keeps_is_left(make_world: MakeWorld) -> None:
    """A deletion that a trigger turns into a mark leaves the row, and the report says so."""
    world = make_world(
        SHELF,
        """CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN UPDATE shelf SET label = 'deleted' WHERE id = OLD.id; RETURN NULL; END $$""",
        "CREATE TRIGGER mark BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION mark()",
    )
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))

    report = world.reset(outcome)

    key = {"id": outcome.rows["shelf"]["id"]}
    why = "the database keeps it: a trigger, rule or policy"
    assert (LeftRow(table="public.shelf", key=key, why=why),) == report.left
    assert {} == report.seeded


@pytest.mark.parametrize(
    ("keeper", "stays"),
    [
        ("CREATE RULE keep AS ON DELETE TO shelf WHERE OLD.label = 'kept' DO INSTEAD NOTHING", True),
        ("CREATE POLICY go ON shelf FOR DELETE USING (label <> 'kept')", True),
        ("CREATE RULE note AS ON DELETE TO shelf DO ALSO INSERT INTO note VALUES (OLD.id)", False),
    ],
)
def test_only_what_has_gone_is_counted(make_world: MakeWorld, keeper: str, *, stays: bool) -> None:
    """Where a rule forbids to ask what was deleted, or a policy hides it from deletion, the reset looks afterwards."""
    role = "beyond_keeper"
    world = make_world(
        SHELF,
        "CREATE TABLE note (id integer)",
        f"{SEEN.format(role=role)}; GRANT ALL ON note TO {role}",
        "CREATE POLICY see ON shelf FOR SELECT USING (true); CREATE POLICY make ON shelf FOR INSERT WITH CHECK (true)",
        keeper,
        "ALTER TABLE shelf ENABLE ROW LEVEL SECURITY" if "POLICY" in keeper else "SELECT 1",
        role=role,
    )
    outcome = world.seed(*(planned(name, "shelf", {"label": name}, id=f"{name}.id") for name in ("kept", "gone")))

    report = world.reset(outcome)

    assert ({"public.shelf": 1 if stays else 2}, int(stays)) == (report.seeded, len(report.left))
    assert ({}, int(stays)) == (report.beyond, world.fetch("SELECT count(*) FROM shelf"))


def test_a_row_that_a_trigger_takes_along_is_counted_as_removed(make_world: MakeWorld) -> None:
    """It was to go anyway: it is nothing beyond, and the report counts it."""
    world = make_world(
        SHELF,
        "CREATE TABLE label (shelf_id integer PRIMARY KEY)",
        acting("DELETE FROM label WHERE shelf_id = OLD.id", on="shelf"),
    )
    outcome = world.seed(planned("label", "label", {"shelf_id": 1}), planned("shelf", "shelf", {}, id="shelf.id"))
    assert 1 == outcome.rows["shelf"]["id"]

    report = world.reset(outcome)

    assert ({"public.label": 1, "public.shelf": 1}, {}) == (report.seeded, report.beyond)


def test_a_trigger_on_the_update_that_loosens_is_told(make_world: MakeWorld) -> None:
    """To loosen an old row's reference is an update, and what that makes triggers write stays."""
    world = make_world(
        SHELF,
        "CREATE TABLE visit (id serial PRIMARY KEY, shelf_id integer REFERENCES shelf)",
        "CREATE TABLE history (visit_id integer)",
        acting("INSERT INTO history VALUES (OLD.id)", on="visit", when="AFTER UPDATE"),
        before="INSERT INTO visit DEFAULT VALUES",
    )
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    world.execute("UPDATE visit SET shelf_id = $1", outcome.rows["shelf"]["id"])

    report = world.reset(outcome)

    assert ({"public.history": SideEffect(inserted=1)}, 1) == (report.beyond, len(report.detached))


def test_of_several_requests_the_newest_tells(make_world: MakeWorld) -> None:
    """A run is reset together, and Postgres counts by transaction: the sum is told once."""
    world = make_world(
        SHELF,
        "CREATE TABLE tally (n integer); INSERT INTO tally VALUES (0)",
        acting("UPDATE tally SET n = n + 1", on="shelf"),
    )
    first, second = (world.seed(planned("shelf", "shelf", {}, id="shelf.id")) for _ in range(2))

    total = world.wait(world.database.reset_run(RUN))

    reports = [world.wait(world.database.read_request(one.request_id)).report for one in (first, second)]
    assert {"public.tally": SideEffect(updated=2)} == total.beyond
    assert [{}, total.beyond] == [report.beyond if report else None for report in reports]


def test_a_report_of_an_earlier_version_is_read(make_world: MakeWorld) -> None:
    """One that knows nothing of what was done beyond is read as if nothing was."""
    world = make_world(SHELF)
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    report = world.reset(outcome)
    world.execute("UPDATE atdm.request SET report = report - 'beyond' - 'changed' - 'more_changed'")

    assert report == world.wait(world.database.read_request(outcome.request_id)).report


def test_rows_of_an_inheriting_table_stay(make_world: MakeWorld) -> None:
    """They have keys of their own, which may be equal to a seeded row's; a parent's deletion must not reach them."""
    world = make_world(
        SHELF,
        "CREATE TABLE shelf_oak (PRIMARY KEY (id)) INHERITS (shelf)",
        "CREATE TABLE visit (id serial PRIMARY KEY, shelf_id integer REFERENCES shelf)",
        before="INSERT INTO shelf_oak (id, label) VALUES (1, 'old')",
    )
    before = world.rows()
    outcome = world.seed(
        planned("shelf", "shelf", {"id": 1}), planned("visit", "visit", {"shelf_id": 1}, id="visit.id")
    )

    assert {"public.shelf": 1, "public.visit": 1} == world.reset(outcome).seeded
    assert before == world.rows()
