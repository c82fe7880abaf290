"""What stands in the target, and what its CHECKs say of rows that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from pytest_atdm.core.errors import NotFound
from pytest_atdm.core.model import Cell
from tests.database.world import World

MakeWorld = Callable[..., World]

# A table whose columns are called like what a statement might call its own parts.
JUDGED = """
CREATE DOMAIN positive AS integer CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CONSTRAINT below_ten CHECK (VALUE < 10);
CREATE FUNCTION is_even(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
CREATE TABLE judged (
    n integer CONSTRAINT even CHECK (is_even(n)), v integer, t integer, key text, body text, ordinality integer,
    place integer CONSTRAINT in_place CHECK (place > n), value small, passes boolean,
    double integer GENERATED ALWAYS AS (v * 2) STORED CONSTRAINT double_is_large CHECK (double > 100),
    share integer CONSTRAINT shared CHECK (12 / share > 3)
);
"""


def judge(world: World, constraint: str, *rows: Mapping[str, Cell], table: str = "public.judged") -> Sequence[bool]:
    """Return what the CHECK says of each row."""
    return world.wait(world.database.judge_rows(table, constraint, rows))


def test_the_first_rows_come_in_the_order_of_their_keys(make_world: MakeWorld) -> None:
    """As cells, at most so many of each table; a table without rows has none."""
    world = make_world(
        "CREATE TABLE shelf (code text PRIMARY KEY, width numeric(4,1), made date)",
        "CREATE TABLE bare (n integer)",
        "INSERT INTO shelf VALUES ('c', 1, NULL), ('a', 2.5, '2026-01-02'), ('b', 3, NULL)",
    )

    found = world.wait(world.database.list_rows(["public.shelf", "public.bare"], 2))

    shelves = (
        {"code": "a", "width": "2.5", "made": "2026-01-02"},
        {"code": "b", "width": "3.0", "made": None},
    )
    assert {"public.shelf": shelves, "public.bare": ()} == found


def test_what_the_role_may_not_read_is_not_listed(make_world: MakeWorld) -> None:
    """A table of a schema that is closed to it counts as empty, and hinders nobody."""
    world = make_world(
        "CREATE TABLE iron (n integer)",
        "INSERT INTO iron VALUES (1)",
        "CREATE SCHEMA vault",
        "CREATE TABLE vault.gold (n integer)",
        "GRANT SELECT ON vault.gold TO standing_clerk",
        role="standing_clerk",
    )

    assert {"public.iron": (), "vault.gold": ()} == world.wait(
        world.database.list_rows(["public.iron", "vault.gold"], 5)
    )


def test_an_unknown_table_is_named(make_world: MakeWorld) -> None:
    """With where the tables are told."""
    world = make_world("CREATE TABLE shelf (id integer)")

    with pytest.raises(NotFound, match=r"no table \"public\.shelve\"") as caught:
        world.wait(world.database.list_rows(["public.shelve"], 5))

    assert ("not_found", True) == (caught.value.code, "/target/schema" in caught.value.hint)


def test_rows_are_judged_in_their_order(make_world: MakeWorld) -> None:
    """Functions of the database included; NULL is not false, so it passes."""
    world = make_world(JUDGED)

    assert (True, False, True, False) == judge(world, "even", {"n": 2}, {"n": 3}, {"n": None}, {"n": 5})
    assert () == judge(world, "even")


def test_columns_may_be_called_like_parts_of_a_statement(make_world: MakeWorld) -> None:
    """Whatever the columns are called, the CHECK sees them."""
    world = make_world(JUDGED)

    assert (True, False) == judge(world, "in_place", {"n": 1, "place": 2}, {"n": 2, "place": 1})


def test_a_domains_check_is_said_of_the_column(make_world: MakeWorld) -> None:
    """Also that of a domain below the domain."""
    world = make_world(JUDGED)

    assert (False, True) == judge(world, "below_ten", {"value": 11}, {"value": 3})
    assert (False, True) == judge(world, "above_zero", {"value": 0}, {"value": 3})


def test_generated_columns_are_computed_first(make_world: MakeWorld) -> None:
    """A CHECK over one judges what it would be."""
    world = make_world(JUDGED)

    assert (False, True) == judge(world, "double_is_large", {"v": 50}, {"v": 51})


def test_a_row_that_makes_the_check_raise_fails_alone(make_world: MakeWorld) -> None:
    """Division by zero, or a cell that its type does not take: false, and the others are judged all the same."""
    world = make_world(JUDGED)

    assert (False, True, False) == judge(world, "shared", {"share": 0}, {"share": 3}, {"share": "x"})


def test_a_check_cannot_write(make_world: MakeWorld) -> None:
    """Judging is read-only: a CHECK whose function writes raises, and nothing was written."""
    world = make_world(
        "CREATE TABLE trail (n integer)",
        """CREATE FUNCTION note(n integer) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO trail VALUES (n); RETURN true; END $$""",
        "CREATE TABLE noted (n integer CONSTRAINT note CHECK (note(n)))",
    )

    assert (False,) == judge(world, "note", {"n": 1}, table="public.noted")
    assert 0 == world.fetch("SELECT count(*) FROM trail")


@pytest.mark.parametrize(("table", "constraint"), [("public.judged", "odd"), ("public.gone", "even")])
def test_an_unknown_check_is_named(make_world: MakeWorld, table: str, constraint: str) -> None:
    """Table or constraint, with where they are told."""
    world = make_world(JUDGED)

    with pytest.raises(NotFound, match=r"odd|gone") as caught:
        judge(world, constraint, {"n": 1}, table=table)

    assert ("not_found", True) == (caught.value.code, "/target/schema" in caught.value.hint)
