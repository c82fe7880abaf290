"""Trying a plan says what the database says, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.errors import SchemaMismatch
from pytest_atdm.core.model import PlannedRow, Residue
from tests.database.world import World, planned

MakeWorld = Callable[..., World]

SHELF = (
    "CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL UNIQUE CONSTRAINT short CHECK (length(label) < 9))"
)


def shelf(label: str | None = "a") -> PlannedRow:
    """A row of shelf."""
    return planned("shelf", "shelf", {"label": label}, id="shelf.id")


def test_what_goes_well_is_told_and_not_kept(make_world: MakeWorld) -> None:
    """The rows as the database held them; afterwards no table differs."""
    world = make_world(SHELF, "INSERT INTO shelf (label) VALUES ('old')")
    before = world.rows()

    outcome = world.try_out(shelf())

    assert (None, {}, ()) == (outcome.refusal, outcome.made, outcome.residue)
    assert "a" == outcome.rows["shelf"]["label"]
    assert before == world.rows()


@pytest.mark.parametrize(
    ("label", "code", "constraint", "column"),
    [("old", "23505", "shelf_label_key", ""), ("a" * 9, "23514", "short", ""), (None, "23502", "", "label")],
)
def test_a_refusal_is_told_in_the_databases_words(
    make_world: MakeWorld, label: str | None, code: str, constraint: str, column: str
) -> None:
    """Its code, table, constraint and column; the target is as it was."""
    world = make_world(SHELF, "INSERT INTO shelf (label) VALUES ('old')")
    before = world.rows()

    refusal = world.try_out(shelf(label)).refusal

    assert refusal is not None
    assert ("insert", code, "public.shelf") == (refusal.stage, refusal.code, refusal.table)
    assert (constraint, column) == (refusal.constraint, refusal.column)
    assert before == world.rows()


def test_constraints_that_wait_for_the_end_are_judged_too(make_world: MakeWorld) -> None:
    """A deferred reference to nobody is refused."""
    world = make_world(
        SHELF,
        "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer REFERENCES shelf DEFERRABLE INITIALLY DEFERRED)",
    )

    refusal = world.try_out(planned("box", "box", {"shelf_id": 7}, id="box.id")).refusal

    assert refusal is not None
    assert ("23503", "box_shelf_id_fkey") == (refusal.code, refusal.constraint)


def test_a_rows_removal_is_tried_as_well(make_world: MakeWorld) -> None:
    """A trigger that keeps rows is told, at the stage of the deletion, beside the rows as they were."""
    world = make_world(
        SHELF,
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'shelves stay'; END $$",
        "CREATE TRIGGER keep BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION keep()",
    )

    outcome = world.try_out(shelf())

    assert outcome.refusal is not None
    assert ("delete", "shelves stay") == (outcome.refusal.stage, outcome.refusal.message)
    assert "keep()" in outcome.refusal.context
    assert "a" == outcome.rows["shelf"]["label"]
    assert 0 == world.fetch("SELECT count(*) FROM shelf")


def test_a_row_that_came_to_nothing_is_a_refusal(make_world: MakeWorld) -> None:
    """A trigger may drop a row without an error; the trial says so."""
    world = make_world(
        SHELF,
        "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER drop_it BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION drop_it()",
    )

    refusal = world.try_out(shelf()).refusal

    assert refusal is not None
    assert ("dropped", "public.shelf", ("shelf",)) == (refusal.code, refusal.table, refusal.rows)


def test_what_a_trigger_rewrites_and_makes_is_told(make_world: MakeWorld) -> None:
    """The row as it came out, and how many rows came beside it."""
    world = make_world(
        SHELF,
        "CREATE TABLE note (id serial PRIMARY KEY, text text)",
        """CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.label := upper(NEW.label); INSERT INTO note (text) VALUES ('one'), ('two'); RETURN NEW; END $$""",
        "CREATE TRIGGER act BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION act()",
    )

    outcome = world.try_out(shelf())

    assert ("A", {"public.note": 2}, ()) == (outcome.rows["shelf"]["label"], outcome.made, outcome.residue)


def test_what_would_be_left_is_told_by_table(make_world: MakeWorld) -> None:
    """Old rows that a trigger changed, and rows that a rule keeps."""
    world = make_world(
        SHELF,
        "CREATE TABLE tally (n integer)",
        "INSERT INTO tally VALUES (4)",
        "CREATE RULE stays AS ON DELETE TO shelf DO INSTEAD NOTHING",
        """CREATE FUNCTION count_in() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN UPDATE tally SET n = n + 1; RETURN NULL; END $$""",
        "CREATE TRIGGER count_in AFTER INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION count_in()",
    )

    residue = world.try_out(shelf()).residue

    expected = {
        Residue(table="public.shelf", rows=1),
        Residue(table="public.tally", rows=0),
    }
    assert expected == set(residue)
    assert {"public.shelf": [], "public.tally": ['{"n": 4}']} == world.rows()


def test_a_sequence_that_is_closed_to_the_role_is_a_refusal(make_world: MakeWorld) -> None:
    """Nothing can be planted without the right to its next number, and the trial says which."""
    world = make_world(SHELF, "GRANT ALL ON shelf TO trial_clerk", role="trial_clerk")

    refusal = world.try_out(shelf()).refusal

    assert refusal is not None
    assert ("42501", True) == (refusal.code, "permission denied for sequence shelf_id_seq" in refusal.message)


def test_a_plan_for_another_schema_is_not_tried(make_world: MakeWorld) -> None:
    """A table that is not there is the caller's mistake, not the database's word."""
    world = make_world(SHELF)

    with pytest.raises(SchemaMismatch, match="shelve"):
        world.try_out(planned("shelf", "shelve", {}))
