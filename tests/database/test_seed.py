"""Seeding writes rows, ledger, request and events, or nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest

from pytest_atdm.core.errors import Conflict, LeaseLost, NotFound, RowConflict, RowRefused, SchemaMismatch
from pytest_atdm.core.model import Cell
from pytest_atdm.core.types import to_python
from tests.database.world import RUN, TOKEN_HASH, World, command, planned

MakeWorld = Callable[..., World]

SHOP = """
CREATE TABLE shelf (
    id serial PRIMARY KEY,
    label text NOT NULL UNIQUE,
    width numeric(6,2),
    built date DEFAULT '2020-01-01'
);
CREATE TABLE box (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shelf_id integer NOT NULL REFERENCES shelf,
    inside_id bigint REFERENCES box,
    size text CONSTRAINT known_size CHECK (size IN ('small', 'large')),
    notes jsonb,
    double_size text GENERATED ALWAYS AS (size || size) STORED
);
"""


def test_rows_come_back_as_the_database_holds_them(make_world: MakeWorld) -> None:
    """The outcome has every column in table order: defaults, generated values, allotted keys, every digit."""
    world = make_world(SHOP)

    outcome = world.seed(
        planned("shelf", "shelf", {"label": "a", "width": "12.50"}, id="shelf.id"),
        planned("outer", "box", {"size": "large", "notes": {"at": [1.5, None]}}, id="outer.id", shelf_id="shelf.id"),
        planned("inner", "box", {"size": "small"}, id="inner.id", shelf_id="shelf.id", inside_id="outer.id"),
    )

    assert {"id": 1, "label": "a", "width": "12.50", "built": "2020-01-01"} == outcome.rows["shelf"]
    assert ["id", "label", "width", "built"] == list(outcome.rows["shelf"])
    assert {"at": [1.5, None]} == outcome.rows["outer"]["notes"]
    assert outcome.rows["outer"]["id"] == outcome.rows["inner"]["inside_id"]
    assert "smallsmall" == outcome.rows["inner"]["double_size"]


# By column: its type, and what the plan says.
CELLS: dict[str, tuple[str, Cell]] = {
    "amount": ("amount_usd", "500.00"),
    "large": ("numeric", "12345678901234567890.123456789"),
    "whole": ("numeric", "7"),
    "amounts": ("amount_usd[]", ["0.10", None, "500.00"]),
    "grid": ("numeric[]", [["0.1", "1"], ["2", "3.00"]]),
    "exact_grid": ("amounts", ["0.10", "3.00"]),
    "price": ("price", {"amount": "1.10", "currency": "xts"}),
    "ratio": ("double precision", 0.1),
    "half": ("half", 0.5),
    "ratios": ("real[]", [0.5, 1.0]),
    "big": ("bigint", 2**63 - 1),
    "truth": ("boolean", True),
    "day": ("date", "2026-01-31"),
    "moment": ("timestamptz", "2026-01-31T10:00:00+02:00"),
    "mood": ("mood", "calm"),
    "moods": ("mood[]", ["calm", "keen"]),
    "bytes": ("bytea", "\\xdead"),
    "id_of": ("uuid", "00000000-0000-0000-0000-00000000000a"),
    "facts": ("jsonb", {"a": [1.5, "1.50", None], "b": 2}),
    "span": ("interval", "1 day 02:03:04"),
    "room": ("int4range", "[1,5)"),
    "short": ("character(5)", "ab"),
}


def test_every_cell_reads_equal_to_what_the_plan_said(make_world: MakeWorld) -> None:
    """Of any type, through domains, arrays and composites: the receipt's cell and the plan's are one Python value."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in CELLS.items())
    world = make_world(
        "CREATE DOMAIN money_like AS numeric(10,2); CREATE DOMAIN amount_usd AS money_like CHECK (VALUE >= 0)",
        "CREATE DOMAIN amounts AS numeric(6,2)[]; CREATE DOMAIN half AS double precision",
        "CREATE TYPE mood AS ENUM ('calm', 'keen'); CREATE TYPE price AS (amount numeric, currency text)",
        f"CREATE TABLE thing (id serial PRIMARY KEY, {columns})",
    )
    said = {name: cell for name, (_, cell) in CELLS.items()}
    schema = world.wait(world.database.schema())

    got = world.seed(planned("thing", "thing", said, id="thing.id")).rows["thing"]

    types = {name: schema.tables["public.thing"].column(name).type for name in CELLS}
    read = {name: to_python(types[name], got[name], schema) for name in CELLS}
    expected = {name: to_python(types[name], said[name], schema) for name in CELLS}
    assert expected == read
    assert ("500.00", ["0.10", None, "500.00"]) == (got["amount"], got["amounts"])


def test_a_refused_row_leaves_nothing(make_world: MakeWorld) -> None:
    """A CHECK that fails on the last row takes the first row, the request and its events with it, and is named."""
    world = make_world(SHOP)
    before = world.rows()

    with pytest.raises(RowRefused, match="known_size") as caught:
        world.seed(
            planned("shelf", "shelf", {"label": "a"}, id="shelf.id"),
            planned("box", "box", {"size": "huge"}, id="box.id", shelf_id="shelf.id"),
        )

    assert 1 == caught.value.message.count("Failing row contains")
    assert before == world.rows()
    assert 0 == world.fetch("SELECT count(*) FROM atdm.request")
    assert 0 == world.fetch("SELECT count(*) FROM atdm.ledger")
    assert 1 == world.fetch("SELECT count(*) FROM atdm.audit_event")


def test_a_taken_key_is_a_conflict_that_names_it(make_world: MakeWorld) -> None:
    """A unique key that a row of the target holds is reported with table, constraint, column and value."""
    world = make_world(SHOP, before="INSERT INTO shelf (label) VALUES ('taken')")

    with pytest.raises(RowConflict) as caught:
        world.seed(planned("shelf", "shelf", {"label": "taken"}, id="shelf.id"))

    assert "public.shelf" in caught.value.message
    assert "shelf_label_key" in caught.value.message
    assert "(label)=(taken)" in caught.value.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label": None}, "label"),
        ({"label": "x", "width": "123456.7"}, "numeric field overflow"),
        ({"label": "x", "built": "soon"}, "soon"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(make_world: MakeWorld, values: dict[str, str], said: str) -> None:
    """NOT NULL, precision and syntax of a type are the caller's to mend, and named."""
    world = make_world(SHOP)

    with pytest.raises(RowRefused, match=said):
        world.seed(planned("shelf", "shelf", values, id="shelf.id"))


def test_a_missing_parent_is_refused_by_its_constraint(make_world: MakeWorld) -> None:
    """A foreign key to nothing is refused and named."""
    world = make_world(SHOP)

    with pytest.raises(RowRefused, match="box_shelf_id_fkey"):
        world.seed(planned("box", "box", {"shelf_id": 77, "size": "small"}, id="box.id"))


@pytest.mark.parametrize(("table", "column"), [("nowhere", "id"), ("shelf", "colour")])
def test_unknown_names_are_told_before_anything_is_written(make_world: MakeWorld, table: str, column: str) -> None:
    """A table or column that the database lacks is a mismatch of schemas."""
    world = make_world(SHOP)

    with pytest.raises(SchemaMismatch, match=f'"{column}"' if table == "shelf" else "nowhere"):
        world.seed(planned("row", table, {column: 1}))


def test_a_row_without_a_key_is_told_by_its_place_and_content(make_world: MakeWorld) -> None:
    """Rows of a table without a key are seeded and reset; equal ones that stood there stay."""
    world = make_world("CREATE TABLE heap (what text)", before="INSERT INTO heap VALUES ('x'), ('y')")
    before = world.rows()

    seeded = world.seed(planned("row", "heap", {"what": "x"}))
    during = world.rows()["public.heap"]
    world.reset(seeded)

    assert 3 == len(during)
    assert before == world.rows()


def test_a_unique_key_that_is_never_null_serves_as_key(make_world: MakeWorld) -> None:
    """A table without primary key is seeded and reset by a unique key of NOT NULL columns."""
    world = make_world(
        "CREATE TABLE tagged (code text NOT NULL UNIQUE, what text)", before="INSERT INTO tagged VALUES ('old', 'o')"
    )
    before = world.rows()

    report = world.reset(world.seed(planned("row", "tagged", {"code": "new", "what": "x"})))

    assert {"public.tagged": 1} == report.seeded
    assert before == world.rows()


def test_rows_with_different_columns_keep_their_defaults(make_world: MakeWorld) -> None:
    """A column that one row gives and its sister does not is left to its default in the sister."""
    world = make_world(SHOP)

    outcome = world.seed(
        planned("dated", "shelf", {"label": "a", "built": "2024-02-29"}, id="dated.id"),
        planned("plain", "shelf", {"label": "b"}, id="plain.id"),
        planned("empty", "shelf", {"label": "c", "built": None}, id="empty.id"),
    )

    assert ["2024-02-29", "2020-01-01", None] == [outcome.rows[name]["built"] for name in ("dated", "plain", "empty")]


def test_rows_of_nothing_but_defaults(make_world: MakeWorld) -> None:
    """A row without a single given column is written by its defaults."""
    world = make_world(
        "CREATE TABLE tick (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at date DEFAULT '2026-01-01')"
    )

    outcome = world.seed(planned("a", "tick", {}), planned("b", "tick", {}))

    assert "2026-01-01" == outcome.rows["a"]["at"] == outcome.rows["b"]["at"]
    assert outcome.rows["a"]["id"] != outcome.rows["b"]["id"]


def test_a_mandatory_cycle_is_planted_and_removed(make_world: MakeWorld) -> None:
    """Two rows that need each other, neither key deferrable, come and go in one statement."""
    world = make_world(
        """
        CREATE TABLE hen (id integer PRIMARY KEY, egg_id integer NOT NULL);
        CREATE TABLE egg (id integer PRIMARY KEY, hen_id integer NOT NULL REFERENCES hen);
        ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg;
        """
    )
    before = world.rows()

    outcome = world.seed(planned("hen", "hen", {"id": 1, "egg_id": 2}), planned("egg", "egg", {"id": 2, "hen_id": 1}))
    report = world.reset(outcome)

    assert {"public.hen": 1, "public.egg": 1} == report.seeded
    assert before == world.rows()


def test_a_trigger_that_looks_for_the_parent_finds_it(make_world: MakeWorld) -> None:
    """Tables with BEFORE INSERT row triggers are written in the plan's order, each row seeing those before it."""
    world = make_world(
        SHOP,
        """
        CREATE FUNCTION copy_label() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SELECT jsonb_build_object('label', label) INTO STRICT NEW.notes FROM shelf WHERE id = NEW.shelf_id;
            RETURN NEW;
        END $$;
        CREATE TRIGGER copy_label BEFORE INSERT ON box FOR EACH ROW EXECUTE FUNCTION copy_label();
        """,
    )

    outcome = world.seed(
        planned("shelf", "shelf", {"label": "a"}, id="shelf.id"),
        planned("box", "box", {"size": "small"}, id="box.id", shelf_id="shelf.id"),
    )

    assert {"label": "a"} == outcome.rows["box"]["notes"]
    assert {"public.shelf": 1, "public.box": 1} == world.reset(outcome).seeded


def test_a_trigger_that_drops_the_row_is_refused(make_world: MakeWorld) -> None:
    """A trigger that swallows a row silently makes the whole request fail, loudly."""
    world = make_world(
        SHOP,
        """
        CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER drop_row BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION drop_row();
        """,
    )

    with pytest.raises(RowRefused, match="dropped it"):
        world.seed(planned("shelf", "shelf", {"label": "a"}, id="shelf.id"))

    assert 0 == world.fetch("SELECT count(*) FROM atdm.request")


KEEP_ROW = """
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER keep_row BEFORE INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION keep_row();
"""


@pytest.mark.parametrize("trigger", ["", KEEP_ROW], ids=["at once", "in steps"])
def test_a_row_under_a_key_that_was_freed_is_the_later_requests(make_world: MakeWorld, trigger: str) -> None:
    """The application removed a seeded row, and another request seeds its key: only that one resets it."""
    world = make_world(SHOP, trigger)
    first = world.seed(planned("shelf", "shelf", {"id": 7, "label": "a"}))
    world.execute("DELETE FROM shelf")

    second = world.seed(planned("shelf", "shelf", {"id": 7, "label": "b"}))

    assert {} == world.reset(first).seeded
    assert 1 == world.fetch("SELECT count(*) FROM shelf")
    assert {"public.shelf": 1} == world.reset(second).seeded
    assert 0 == world.fetch("SELECT count(*) FROM atdm.ledger")


def test_the_same_key_and_plan_give_the_same_answer_and_a_new_token(make_world: MakeWorld) -> None:
    """A repeated request writes nothing, answers as before, and only its new token works from then on."""
    world = make_world(SHOP)
    row = planned("shelf", "shelf", {"label": "a"}, id="shelf.id")
    first = world.wait(world.database.seed(command(row, request_id="q1", key="k")))
    before = world.rows()

    second = world.wait(world.database.seed(command(row, request_id="q2", key="k")))

    assert ("q1", first.rows, True) == (second.request_id, second.rows, second.replayed)
    assert before == world.rows()


def test_the_same_key_with_another_plan_is_a_conflict(make_world: MakeWorld) -> None:
    """An idempotency key belongs to one plan."""
    world = make_world(SHOP)
    world.wait(world.database.seed(command(planned("s", "shelf", {"label": "a"}), request_id="q1", key="k")))

    with pytest.raises(Conflict, match="another plan"):
        world.wait(world.database.seed(command(planned("s", "shelf", {"label": "b"}), request_id="q2", key="k")))

    assert 1 == world.fetch("SELECT count(*) FROM shelf")


def test_a_key_whose_request_was_reset_is_a_conflict(make_world: MakeWorld) -> None:
    """A replay after the reset does not claim that rows stand which are gone."""
    world = make_world(SHOP)
    again = command(planned("s", "shelf", {"label": "a"}), request_id="q1", key="k")
    world.wait(world.database.seed(again))
    world.wait(world.database.reset_request("q1", TOKEN_HASH))

    with pytest.raises(Conflict, match="has been reset"):
        world.wait(world.database.seed(again))


def test_a_run_started_again_is_not_answered_from_its_past(make_world: MakeWorld) -> None:
    """Idempotency keys are unique within one start of a run: the same request is made anew after the next."""
    world = make_world(SHOP)
    row = planned("s", "shelf", {"label": "a"}, id="s.id")
    world.wait(world.database.seed(command(row, request_id="q1", key="k")))
    world.wait(world.database.reset_run(RUN))
    world.start_run()

    again = world.wait(world.database.seed(command(row, request_id="q2", key="k")))
    repeated = world.wait(world.database.seed(command(row, request_id="q3", key="k")))

    assert [("q2", False), ("q2", True)] == [(one.request_id, one.replayed) for one in (again, repeated)]
    assert 1 == world.fetch("SELECT count(*) FROM shelf")


def test_a_run_must_be_there_and_active(make_world: MakeWorld) -> None:
    """An unknown run is not found, an ended one is a conflict; neither leaves a row."""
    world = make_world(SHOP)
    with pytest.raises(NotFound):
        world.seed(planned("s", "shelf", {"label": "a"}), run_id="01NONE")
    world.wait(world.database.reset_run(RUN))

    with pytest.raises(Conflict, match="ended"):
        world.seed(planned("s", "shelf", {"label": "a"}))

    assert 0 == world.fetch("SELECT count(*) FROM shelf")


def test_a_writer_of_an_earlier_epoch_is_refused(make_world: MakeWorld) -> None:
    """A writer whose run was ended and started again meanwhile has lost its lease, and leaves no row."""
    world = make_world(SHOP)
    world.wait(world.database.reset_run(RUN))
    world.start_run()
    late = dataclasses.replace(command(planned("s", "shelf", {"label": "a"}), request_id="q1"), epoch=1)

    with pytest.raises(LeaseLost, match="its epoch is 2 now, and was 1") as caught:
        world.wait(world.database.seed(late))

    assert "run the tests again" in caught.value.hint
    assert 0 == world.fetch("SELECT count(*) FROM shelf")
    assert "q1" == world.wait(world.database.seed(dataclasses.replace(late, epoch=2))).request_id


def test_many_at_once_keep_rows_and_chain_whole(make_world: MakeWorld) -> None:
    """Forty concurrent requests of one run all succeed; the chain of the run has every event, unbroken."""
    world = make_world(SHOP)

    async def seed_all() -> None:
        commands = [
            command(planned("s", "shelf", {"label": f"l{number}"}, id="s.id"), request_id=f"q{number}")
            for number in range(40)
        ]
        await asyncio.gather(*(world.database.seed(each) for each in commands))

    world.wait(seed_all())

    trail = world.wait(world.database.read_events(RUN))
    assert 40 == world.fetch("SELECT count(*) FROM shelf")
    assert trail.intact
    assert 1 + 40 * 2 == len(trail.events)


def test_quoted_names_are_taken_as_they_are(make_world: MakeWorld) -> None:
    """Capitals, blanks, quotes, dots and backslashes in names do not disturb seeding or reset."""
    world = make_world(
        """
        CREATE TABLE "Odd ""T'\\" ("Key's \\ ""id" serial PRIMARY KEY, "select" text, "a.b" integer);
        CREATE TABLE below (id serial PRIMARY KEY, "Up" integer NOT NULL REFERENCES "Odd ""T'\\");
        """
    )
    before = world.rows()

    outcome = world.seed(
        planned("odd", "Odd \"T'\\", {"select": "x", "a.b": 3}, **{"Key's \\ \"id": "odd.Key's \\ \"id"})
    )
    world.execute('INSERT INTO below ("Up") VALUES ($1)', outcome.rows["odd"]["Key's \\ \"id"])
    report = world.reset(outcome)

    assert {"public.below": 1} == report.made_by_sut
    assert before == world.rows()


def test_keys_are_taken_ahead_and_never_twice(make_world: MakeWorld) -> None:
    """More rows than a block holds get keys of their own, and the application's own keys lie beyond them."""
    world = make_world(SHOP)

    outcome = world.seed(*(planned(f"s{n}", "shelf", {"label": f"l{n}"}, id=f"s{n}.id") for n in range(300)))

    assert 300 == len({row["id"] for row in outcome.rows.values()})
    assert 300 < world.fetch("INSERT INTO shelf (label) VALUES ('own') RETURNING id")
