"""Rows from before that the application changed are told, where seeded rows refer to them; no reset undoes that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.model import LeftRow
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]

DDL = """
CREATE TABLE genre (code text PRIMARY KEY, label text, loans integer NOT NULL DEFAULT 0);
CREATE TABLE book (id serial PRIMARY KEY, genre text NOT NULL REFERENCES genre, other text REFERENCES genre, title text)
"""
OLD = "INSERT INTO genre VALUES ('crime', 'Crime'), ('poem', 'Poems')"
WHY = "written since the request was made, by the application or somebody beside it"


def tell(table: str, **key: object) -> LeftRow:
    """What a report has of one row."""
    return LeftRow(table=f"public.{table}", key=key, why=WHY)  # type: ignore[arg-type]


@pytest.fixture
def library(make_world: MakeWorld) -> World:
    """Books, and the genres that stood there before."""
    return make_world(DDL, before=OLD)


def test_a_row_from_before_that_was_written_is_told(library: World) -> None:
    """By its key; it stands as the application left it, and the stored report has it too."""
    outcome = library.seed(planned("book", "book", {"genre": "crime", "other": "poem"}, id="book.id"))
    library.execute("UPDATE genre SET label = 'Murder' WHERE code = 'crime'")

    report = library.reset(outcome)

    assert (tell("genre", code="crime"),) == report.changed
    assert "Murder" == library.fetch("SELECT label FROM genre WHERE code = 'crime'")
    assert report == library.wait(library.database.read_request(outcome.request_id)).report


def test_what_was_written_before_and_what_is_only_referred_to_is_not_told(library: World) -> None:
    """A foreign key locks the row that it refers to; that changes nothing in it, nor does a lock of the application."""
    library.execute("UPDATE genre SET label = 'Murder'")
    outcome = library.seed(planned("book", "book", {"genre": "crime"}, id="book.id"))
    library.execute("INSERT INTO book (genre) VALUES ('crime')")
    library.execute("SELECT FROM genre FOR UPDATE")
    library.execute("UPDATE genre SET label = 'Poetry' WHERE code = 'poem'")

    assert () == library.reset(outcome).changed


def test_a_row_that_came_later_did_not_stand_there_before(library: World) -> None:
    """The application made it and had the seeded row refer to it."""
    outcome = library.seed(planned("book", "book", {"genre": "crime"}, id="book.id"))
    library.execute("INSERT INTO genre VALUES ('new')")
    library.execute("UPDATE book SET genre = 'new'")

    assert () == library.reset(outcome).changed


def test_a_seeded_row_that_was_written_itself_still_tells(library: World) -> None:
    """What it referred to when it was seeded stands in the request's answer."""
    outcome = library.seed(
        planned("first", "book", {"genre": "poem"}, id="first.id"),
        planned("book", "book", {"genre": "crime"}, id="book.id"),
    )
    library.execute("UPDATE book SET title = 'Read'")
    library.execute("UPDATE genre SET loans = 1 WHERE code = 'crime'")

    assert (tell("genre", code="crime"),) == library.reset(outcome).changed


def test_a_row_of_another_live_request_is_no_row_from_before(library: World) -> None:
    """Whoever seeded it will remove it."""
    other = library.seed(planned("genre", "genre", {"code": "seeded"}))
    outcome = library.seed(planned("book", "book", {"genre": "seeded"}, id="book.id"))
    library.execute("UPDATE genre SET loans = 1 WHERE code = 'seeded'")

    assert () == library.reset(outcome).changed
    assert {"public.genre": 1} == library.reset(other).seeded


def test_a_row_of_another_requests_volume_is_none_either(make_world: MakeWorld) -> None:
    """The ledger holds a range of keys that it lies in."""
    world = make_world(
        "CREATE TABLE shelf (id serial PRIMARY KEY, label text)",
        "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf)",
        before="INSERT INTO shelf (id) VALUES (-1)",
    )
    other = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    world.execute("DELETE FROM atdm.ledger")
    world.execute("INSERT INTO atdm.ledger_range VALUES ('public.shelf', 1, 9, 'id', $1)", other.request_id)
    outcome = world.seed(
        planned("ours", "box", {"shelf_id": 1}, id="ours.id"), planned("old", "box", {"shelf_id": -1}, id="old.id")
    )
    world.execute("UPDATE shelf SET label = 'changed'")

    assert (tell("shelf", id=-1),) == world.reset(outcome).changed


def test_what_the_seeding_itself_made_a_trigger_write_is_not_told(library: World) -> None:
    """It has the age of the request; the application has not done it."""
    library.execute("""
        CREATE FUNCTION count_in() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN UPDATE genre SET loans = loans + 1 WHERE code = NEW.genre; RETURN NULL; END $$;
        CREATE TRIGGER count_in AFTER INSERT ON book FOR EACH ROW EXECUTE FUNCTION count_in()""")
    library.wait(library.database.read_schema())
    outcome = library.seed(planned("book", "book", {"genre": "crime"}, id="book.id"))

    assert (1, ()) == (library.fetch("SELECT loans FROM genre WHERE code = 'crime'"), library.reset(outcome).changed)


def test_what_a_reset_made_a_trigger_write_is_not_told_by_the_next(
    library: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts of one transaction, which removes a run's rows, see what earlier parts of it have done."""
    monkeypatch.setattr("seeder.db.database.BATCH_REQUESTS", 1)
    library.execute("""
        CREATE FUNCTION count_out() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN UPDATE genre SET loans = loans - 1 WHERE code = OLD.genre; RETURN NULL; END $$;
        CREATE TRIGGER count_out AFTER DELETE ON book FOR EACH ROW EXECUTE FUNCTION count_out()""")
    library.wait(library.database.read_schema())
    for _ in range(2):
        library.seed(planned("book", "book", {"genre": "crime"}, id="book.id"))

    report = library.wait(library.database.reset_run(RUN))

    assert (2, 2, ()) == (report.requests, report.beyond["public.genre"].updated, report.changed)


def test_it_is_told_also_where_rows_stand_in_the_way(library: World) -> None:
    """A reset that goes step by step looks before anything goes."""
    library.execute("CREATE TABLE visit (id serial PRIMARY KEY, book_id integer REFERENCES book)")
    library.execute("INSERT INTO visit DEFAULT VALUES")
    library.wait(library.database.read_schema())
    outcome = library.seed(planned("book", "book", {"genre": "crime"}, id="book.id"))
    library.execute("UPDATE visit SET book_id = $1", outcome.rows["book"]["id"])
    library.execute("UPDATE genre SET loans = 1")

    report = library.reset(outcome)

    assert ((tell("genre", code="crime"),), 1) == (report.changed, len(report.detached))


def test_a_run_tells_each_row_once_and_twenty_at_most(make_world: MakeWorld) -> None:
    """The others are counted."""
    world = make_world(DDL, before="INSERT INTO genre SELECT 'g' || n FROM generate_series(101, 123) n")
    books = [planned(f"b{n}", "book", {"genre": f"g{n}"}, id=f"b{n}.id") for n in range(101, 124)]
    world.seed(*books)
    world.seed(books[0])
    world.execute("UPDATE genre SET loans = 1")

    report = world.wait(world.database.reset_run(RUN))

    assert ([f"g{n}" for n in range(101, 121)], 3) == (
        sorted(str(row.key["code"]) for row in report.changed),
        report.more_changed,
    )


def test_partitions_composite_keys_and_references_of_the_catalog_are_seen(make_world: MakeWorld) -> None:
    """Whatever leads from a seeded row to another table is followed, polymorphic pairs by their discriminator."""
    world = make_world(
        """
        CREATE TABLE place (country text, town text, size integer, PRIMARY KEY (country, town))
            PARTITION BY LIST (country);
        CREATE TABLE place_any PARTITION OF place DEFAULT;
        CREATE TABLE kind (code text PRIMARY KEY, n integer);
        CREATE TABLE sort (code text PRIMARY KEY, n integer);
        CREATE TABLE visit (
            id serial PRIMARY KEY, country text NOT NULL, town text NOT NULL, about text, about_code text,
            FOREIGN KEY (country, town) REFERENCES place);
        """,
        before="""
        INSERT INTO place VALUES ('x', 'y'), ('x', 'z');
        INSERT INTO kind VALUES ('a'), ('b');
        INSERT INTO sort VALUES ('a'), ('b')""",
        domain="title: Made\nreferences:\n"
        "  - {table: visit, columns: [about_code], by: about, to: {kind: kind.code, sort: sort.code}}\n",
    )
    values = {"country": "x", "town": "y", "about": "sort", "about_code": "b"}
    outcome = world.seed(planned("visit", "visit", values, id="visit.id"))
    for table in ("kind", "sort"):
        world.execute(f"UPDATE {table} SET n = 1")  # noqa: S608
    world.execute("UPDATE place SET size = 1")

    assert (tell("place", country="x", town="y"), tell("sort", code="b")) == world.reset(outcome).changed


def test_what_cannot_be_seen_is_not_told(make_world: MakeWorld) -> None:
    """A table that the role may not read, and rows without a key of their own, are passed over."""
    role = "changed_clerk"
    world = make_world(
        "CREATE TABLE secret (code text PRIMARY KEY, n integer)",
        "CREATE TABLE loose (code text UNIQUE, n integer)",
        "CREATE TABLE note (id serial PRIMARY KEY, secret text REFERENCES secret, loose text REFERENCES loose (code))",
        f"GRANT ALL ON note, note_id_seq, loose TO {role}",
        before="INSERT INTO secret VALUES ('s'); INSERT INTO loose VALUES ('l')",
        role=role,
    )
    outcome = world.seed(planned("note", "note", {"secret": "s", "loose": "l"}, id="note.id"))
    world.execute("UPDATE secret SET n = 1; UPDATE loose SET n = 1")

    report = world.reset(outcome)

    assert ({"public.note": 1}, ()) == (report.seeded, report.changed)
