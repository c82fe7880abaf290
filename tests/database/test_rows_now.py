"""What has become of a request's rows is told, and what a reset would remove beside them; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.errors import NotFound
from pytest_atdm.core.model import Cell, RowNow, RowsNow
from seeder.records import SeedOutcome
from tests.database.world import World, planned

MakeWorld = Callable[..., World]

DDL = """
CREATE TABLE reader (id serial PRIMARY KEY, name text, fee numeric(8, 2), joined date);
CREATE TABLE loan (id serial PRIMARY KEY, reader integer REFERENCES reader, state text);
CREATE TABLE note (loan integer NOT NULL REFERENCES loan, text text)
"""


@pytest.fixture
def library(make_world: MakeWorld) -> World:
    """Readers and their loans, one of which stood there before."""
    return make_world(DDL, before="INSERT INTO reader (name) VALUES ('old')")


def seed(library: World) -> SeedOutcome:
    """A reader with two loans."""
    return library.seed(
        planned("loan[0]", "loan", {"state": "open"}, id="loan[0].id", reader="reader.id"),
        planned("loan[1]", "loan", {"state": "open"}, id="loan[1].id", reader="reader.id"),
        planned("reader", "reader", {"name": "Ada", "fee": "1.50", "joined": "2026-01-31"}, id="reader.id"),
    )


def look(library: World, request_id: str) -> RowsNow:
    """What the seeder says of the request."""
    return library.wait(library.database.read_rows_now(request_id))


def test_rows_are_told_in_the_order_of_their_making(library: World) -> None:
    """As cells, exact ones as text: the same that the receipt has."""
    outcome = seed(library)

    found = look(library, outcome.request_id)

    assert 0 == found.more
    assert all(row.seeded for row in found.rows)
    assert sorted(map(str, outcome.rows.values())) == sorted(str(row.cells) for row in found.rows)
    assert {"id": 2, "name": "Ada", "fee": "1.50", "joined": "2026-01-31"} in [row.cells for row in found.rows]


def test_what_was_changed_removed_and_added_is_told(library: World) -> None:
    """A row that is gone has no cells; what came below a row of the request follows, without a key of its own too."""
    outcome = seed(library)
    library.execute("UPDATE loan SET state = 'lost' WHERE id = 1; DELETE FROM loan WHERE id = 2")
    library.execute("INSERT INTO loan (reader, state) VALUES (2, 'new'), (1, 'of another'), (NULL, 'of nobody')")
    library.execute("INSERT INTO note VALUES (1, 'below')")
    before = library.rows()

    found = look(library, outcome.request_id)

    told = {(row.table, str(row.key)): row for row in found.rows}
    loan = "public.loan"
    changed: dict[str, Cell] = {"id": 1, "reader": 2, "state": "lost"}
    assert RowNow(table=loan, key={"id": 1}, seeded=True, cells=changed) == told[loan, "{'id': 1}"]
    assert RowNow(table=loan, key={"id": 2}, seeded=True, cells=None) == told[loan, "{'id': 2}"]
    added = [row for row in found.rows if not row.seeded]
    new = library.fetch("SELECT id FROM loan WHERE state = 'new'")
    assert [{"id": new, "reader": 2, "state": "new"}, {"loan": 1, "text": "below"}] == [row.cells for row in added]
    assert found.rows[-2:] == tuple(added)
    assert before == library.rows()
    assert {"public.loan": 1, "public.note": 1} == library.reset(outcome).made_by_sut


def test_of_a_request_that_is_over_nothing_stands(library: World) -> None:
    """After the reset there is no row to tell; of a request that there never was, that is said."""
    outcome = seed(library)
    library.reset(outcome)

    assert RowsNow(rows=()) == look(library, outcome.request_id)
    with pytest.raises(NotFound):
        look(library, "01NEVER")
