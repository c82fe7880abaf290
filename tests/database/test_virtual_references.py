"""A reset follows references that only the catalog tells of as it follows foreign keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_atdm.core.model import LeftRow
from tests.database.world import World, planned

MakeWorld = Callable[..., World]

DDL = """
CREATE TABLE client (id serial PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE bill (id serial PRIMARY KEY, client_code varchar(40) NOT NULL, adviser_code text);
CREATE TABLE thing (id serial PRIMARY KEY);
CREATE TYPE kind AS ENUM ('bill', 'thing');
CREATE TABLE remark (id serial PRIMARY KEY, about_kind kind, about_id bigint);
CREATE TABLE stamp (code uuid PRIMARY KEY DEFAULT gen_random_uuid(), remark_id integer NOT NULL REFERENCES remark);
"""
DOMAIN = """title: Made
references:
  - {table: bill, columns: [client_code], to: client, to_columns: [code]}
  - {table: bill, columns: [adviser_code], to: client, to_columns: [code]}
  - {table: remark, columns: [about_id], by: about_kind, to: {bill: bill.id, thing: thing.id}}
  - {table: missing, columns: [id], to: client}
"""
OLD = """
INSERT INTO client (code) VALUES ('old');
INSERT INTO bill (client_code) VALUES ('old'), ('old');
INSERT INTO thing DEFAULT VALUES;
INSERT INTO remark (about_kind, about_id) VALUES ('bill', 1), ('thing', 1);
"""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Tables without most of their foreign keys, with old rows in each."""
    return make_world(DDL, before=OLD, domain=DOMAIN)


def test_rows_of_the_application_go_by_virtual_references(world: World) -> None:
    """Rows below a seeded row go at any depth: by a code, by a polymorphic pair, and by a foreign key below these."""
    before = world.rows()
    outcome = world.seed(planned("client", "client", {"code": "new"}, id="client.id"))
    world.execute("INSERT INTO bill (client_code) VALUES ('new')")
    world.execute("INSERT INTO remark (about_kind, about_id) SELECT 'bill', id FROM bill WHERE client_code = 'new'")
    world.execute("INSERT INTO stamp (remark_id) SELECT max(id) FROM remark")

    report = world.reset(outcome)

    assert {"public.client": 1} == report.seeded
    assert {"public.bill": 1, "public.remark": 1, "public.stamp": 1} == report.made_by_sut
    assert before == world.rows()


def test_the_discriminator_tells_whose_row_it_is(world: World) -> None:
    """A row that refers to another table's row with the same number stays."""
    outcome = world.seed(
        planned("bill", "bill", {"client_code": "old"}, id="bill.id"),
        planned("thing", "thing", {}, id="thing.id"),
    )
    bill, thing = outcome.rows["bill"]["id"], outcome.rows["thing"]["id"]
    assert bill != thing
    world.execute("INSERT INTO remark (about_kind, about_id) VALUES ('thing', $1), ('bill', $2)", bill, thing)
    world.execute("INSERT INTO remark (about_kind, about_id) VALUES ('thing', $1), ('bill', $2)", thing, bill)

    report = world.reset(outcome)

    assert {"public.remark": 2} == report.made_by_sut
    assert 4 == world.fetch("SELECT count(*) FROM remark")


def test_an_old_row_is_loosened_or_keeps_what_it_needs(world: World) -> None:
    """A row from before is never deleted: its optional reference becomes NULL, a mandatory one keeps the seeded row."""
    loosened = world.seed(planned("client", "client", {"code": "one"}, id="client.id"))
    kept = world.seed(planned("client", "client", {"code": "two"}, id="client.id"))
    world.execute("UPDATE bill SET adviser_code = 'one' WHERE id = 1")
    world.execute("UPDATE bill SET client_code = 'two' WHERE id = 2")

    first, second = world.reset(loosened), world.reset(kept)

    assert (LeftRow(table="public.bill", key={"id": 1}, why="reference set to null: adviser_code"),) == first.detached
    assert [("public.client", 'old row refers: public.bill {"id": 2}')] == [(row.table, row.why) for row in second.left]
    assert 2 == world.fetch("SELECT count(*) FROM bill")


def test_without_the_catalogs_word_they_stay(make_world: MakeWorld) -> None:
    """What nobody told of is no reference."""
    world = make_world(DDL, before=OLD)
    outcome = world.seed(planned("client", "client", {"code": "new"}, id="client.id"))
    world.execute("INSERT INTO bill (client_code) VALUES ('new')")

    report = world.reset(outcome)

    assert ({"public.client": 1}, {}) == (report.seeded, report.made_by_sut)
    assert 3 == world.fetch("SELECT count(*) FROM bill")
