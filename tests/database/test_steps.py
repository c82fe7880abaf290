"""Rows whose tables have triggers: what the triggers do belongs to the request, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.errors import RowRefused
from tests.database.world import World, planned

MakeWorld = Callable[..., World]

SHELF = "CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL)"


def acting(body: str, *, when: str, table: str = "shelf", name: str = "act") -> str:
    """The DDL of a trigger for each row of *table* that does *body*."""
    return f"""
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN coalesce(NEW, OLD); END $$;
    CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"""


def test_the_receipt_shows_what_a_trigger_rewrote(make_world: MakeWorld) -> None:
    """Before the row is written, and after: the test reads the row as it stands there."""
    world = make_world(
        SHELF,
        "ALTER TABLE shelf ADD turn integer NOT NULL DEFAULT 0",
        acting("NEW.label := upper(NEW.label)", when="BEFORE INSERT"),
        acting("UPDATE shelf SET turn = 7 WHERE id = NEW.id", when="AFTER INSERT", name="later"),
    )

    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))

    assert {"id": 1, "label": "A", "turn": 7} == outcome.rows["shelf"]


def test_rows_that_a_trigger_makes_go_with_the_request(make_world: MakeWorld) -> None:
    """Those it makes when rows are written, and those it makes when they go."""
    world = make_world(
        SHELF,
        "CREATE TABLE note (id serial PRIMARY KEY, what text)",
        "INSERT INTO note (what) VALUES ('old')",
        acting("INSERT INTO note (what) VALUES (TG_OP)", when="AFTER INSERT OR DELETE"),
    )
    before = world.rows()

    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))
    between = world.rows()
    report = world.reset(outcome)

    assert {'{"id": 1, "what": "old"}', '{"id": 2, "what": "INSERT"}'} == set(between["public.note"])
    assert (before, ()) == (world.rows(), report.left)


def test_tombstones_go_with_the_row_that_they_are_about(make_world: MakeWorld) -> None:
    """What a deletion writes, ours included, is gone after the reset; others' tombstones stay."""
    world = make_world(
        SHELF,
        "CREATE TABLE tombstone (id integer PRIMARY KEY, label text)",
        "INSERT INTO tombstone VALUES (-1, 'old')",
        acting("INSERT INTO tombstone VALUES (OLD.id, OLD.label)", when="BEFORE DELETE"),
    )
    before = world.rows()

    world.reset(world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id")))

    assert before == world.rows()


def test_rows_without_a_key_go_and_their_equals_stay(make_world: MakeWorld) -> None:
    """Seeded ones and a trigger's: of equal rows as many are left as there were."""
    world = make_world(
        "CREATE TABLE mark (label text)",
        "CREATE TABLE echo (label text)",
        "INSERT INTO mark VALUES ('a'), ('a')",
        "INSERT INTO echo VALUES ('a')",
        acting("INSERT INTO echo VALUES (NEW.label)", when="AFTER INSERT", table="mark"),
    )
    before = world.rows()

    outcome = world.seed(planned("one", "mark", {"label": "a"}), planned("two", "mark", {"label": "b"}))
    between = world.rows()
    world.reset(outcome)

    assert (4, 3) == (len(between["public.mark"]), len(between["public.echo"]))
    assert before == world.rows()


def test_an_old_row_that_a_trigger_changes_is_no_row_of_ours(make_world: MakeWorld) -> None:
    """It is not in the ledger, and it stands after the reset; also where an upsert changed it."""
    world = make_world(
        SHELF,
        "CREATE TABLE tally (kind text PRIMARY KEY, n integer NOT NULL)",
        "INSERT INTO tally VALUES ('all', 7), ('upsert', 1)",
        acting(
            "UPDATE tally SET n = n + 1 WHERE kind = 'all';"
            "INSERT INTO tally VALUES ('upsert', 1) ON CONFLICT (kind) DO UPDATE SET n = tally.n + 1;"
            "INSERT INTO tally VALUES ('new', 1) ON CONFLICT (kind) DO NOTHING",
            when="AFTER INSERT",
        ),
    )

    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))
    owned = world.fetch("SELECT array_agg(relation || key ORDER BY relation) FROM atdm.ledger")
    world.reset(outcome)

    assert ['public.shelf{"id": 1}', 'public.tally{"kind": "new"}'] == owned
    assert ['{"n": 2, "kind": "upsert"}', '{"n": 8, "kind": "all"}'] == world.rows()["public.tally"]


def test_an_old_row_is_never_deleted_for_a_triggers_sake(make_world: MakeWorld) -> None:
    """It took an old row into its service, which stands there when the seeded one has gone."""
    world = make_world(
        SHELF,
        "CREATE TABLE place (shelf_id integer, slot integer PRIMARY KEY)",
        "INSERT INTO place VALUES (NULL, 1), (NULL, 2)",
        acting("UPDATE place SET shelf_id = NEW.id WHERE slot = 1", when="AFTER INSERT"),
    )

    world.reset(world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id")))

    assert {"1", "2"} == {row[row.index('"slot": ') + 8] for row in world.rows()["public.place"]}


def test_a_trigger_finds_the_parent_that_was_planned_before(make_world: MakeWorld) -> None:
    """Rows come one statement after the other, so that it is there."""
    world = make_world(
        SHELF,
        "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf, shelf_label text)",
        acting(
            "SELECT label INTO STRICT NEW.shelf_label FROM shelf WHERE id = NEW.shelf_id",
            when="BEFORE INSERT",
            table="box",
        ),
    )

    outcome = world.seed(
        planned("shelf", "shelf", {"label": "a"}, id="shelf.id"),
        planned("box", "box", {}, id="box.id", shelf_id="shelf.id"),
    )

    assert "a" == outcome.rows["box"]["shelf_label"]


def test_a_triggers_rows_go_in_the_order_that_their_references_want(make_world: MakeWorld) -> None:
    """A child that the trigger made is removed before the row that it hangs below, whatever RESTRICT says."""
    world = make_world(
        SHELF,
        "CREATE TABLE sign (shelf_id integer PRIMARY KEY REFERENCES shelf ON DELETE RESTRICT)",
        "CREATE TABLE nail (id serial PRIMARY KEY, sign_id integer NOT NULL REFERENCES sign ON DELETE RESTRICT)",
        acting("INSERT INTO sign VALUES (NEW.id); INSERT INTO nail (sign_id) VALUES (NEW.id)", when="AFTER INSERT"),
    )
    before = world.rows()

    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))
    report = world.reset(outcome)

    assert (before, ()) == (world.rows(), report.left)


def test_a_row_that_a_trigger_sends_elsewhere_is_the_planned_row(make_world: MakeWorld) -> None:
    """Partitions of the old kind: the row stands in the child, and goes from there."""
    world = make_world(
        SHELF,
        "CREATE TABLE shelf_oak (PRIMARY KEY (id)) INHERITS (shelf)",
        """CREATE FUNCTION send() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO shelf_oak VALUES (NEW.*); RETURN NULL; END $$""",
        "CREATE TRIGGER send BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION send()",
    )

    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))
    stands = world.fetch("SELECT label FROM shelf_oak")
    world.reset(outcome)

    assert ("a", "a") == (outcome.rows["shelf"]["label"], stands)
    assert 0 == world.fetch("SELECT count(*) FROM shelf")


def test_a_row_that_a_trigger_drops_is_refused(make_world: MakeWorld) -> None:
    """The request comes to nothing, and says why."""
    world = make_world(
        SHELF,
        "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER drop_it BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION drop_it()",
    )

    with pytest.raises(RowRefused, match="dropped it without an error"):
        world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))

    assert {"public.shelf": []} == world.rows()
    assert 0 == world.fetch("SELECT count(*) FROM atdm.ledger")


def test_a_trigger_that_keeps_rows_makes_the_reset_fail_whole(make_world: MakeWorld) -> None:
    """Nothing changes, so that it can be tried again; the trigger's words are told."""
    world = make_world(
        SHELF,
        "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf)",
        acting("IF OLD.label = 'kept' THEN RAISE 'this one stays'; END IF", when="BEFORE DELETE"),
    )
    outcome = world.seed(
        planned("shelf", "shelf", {"label": "kept"}, id="shelf.id"),
        planned("box", "box", {}, id="box.id", shelf_id="shelf.id"),
    )
    before = world.rows()

    with pytest.raises(RowRefused, match="this one stays"):
        world.reset(outcome)
    unchanged = world.rows()
    world.execute("UPDATE shelf SET label = 'free'")
    world.reset(outcome)

    assert before == unchanged
    assert {"public.box": [], "public.shelf": []} == world.rows()


def test_what_the_application_hung_below_a_triggers_row_goes_too(make_world: MakeWorld) -> None:
    """It is new, as the row above it is."""
    world = make_world(
        SHELF,
        "CREATE TABLE sign (shelf_id integer PRIMARY KEY REFERENCES shelf)",
        "CREATE TABLE nail (id serial PRIMARY KEY, sign_id integer NOT NULL REFERENCES sign)",
        acting("INSERT INTO sign VALUES (NEW.id)", when="AFTER INSERT"),
    )
    outcome = world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))
    world.execute("INSERT INTO nail (sign_id) VALUES ($1)", outcome.rows["shelf"]["id"])

    report = world.reset(outcome)

    assert {"public.nail": 1} == report.made_by_sut
    assert {"public.shelf": [], "public.sign": [], "public.nail": []} == world.rows()


def test_a_reference_for_a_part_of_a_period_is_found(make_world: MakeWorld) -> None:
    """A row of the application's whose time lies within the seeded row's goes before it."""
    world = make_world(
        "CREATE EXTENSION btree_gist",
        "CREATE TABLE room (number integer, during daterange, PRIMARY KEY (number, during WITHOUT OVERLAPS))",
        """CREATE TABLE stay (id serial PRIMARY KEY, room integer NOT NULL, during daterange NOT NULL,
            FOREIGN KEY (room, PERIOD during) REFERENCES room (number, PERIOD during))""",
    )
    outcome = world.seed(planned("room", "room", {"number": 1, "during": "[2026-01-01,2027-01-01)"}))
    world.execute("INSERT INTO stay (room, during) VALUES (1, '[2026-03-01,2026-03-08)')")

    report = world.reset(outcome)

    assert ({"public.stay": 1}, ()) == (report.made_by_sut, report.left)
    assert {"public.room": [], "public.stay": []} == world.rows()
