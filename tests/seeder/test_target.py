"""What the seeder says of the target over HTTP: trials, rows that stand there, verdicts, and state."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pytest_atdm.core.model import Cell, Plan
from pytest_atdm.core.wire import dump_plan
from tests.database.world import planned
from tests.seeder.caller import SHOP_TABLES, Caller, new_ulid
from tests.seeder.expect import problem_of
from tests.seeder.test_seeding import change_cell

OWN_TABLES = ("run", "request", "ledger", "audit_event")

#: A table with what the gate cannot foresee: old rows, triggers that make rows, that refuse them, now or at the end.
SHELF = """
CREATE DOMAIN width AS integer CONSTRAINT wide CHECK (VALUE > 0);
CREATE TABLE shelf (
    id serial PRIMARY KEY,
    label text NOT NULL UNIQUE CONSTRAINT short CHECK (length(label) < 9),
    width width,
    share integer CONSTRAINT shared CHECK (12 / share > 3)
);
CREATE TABLE shelf_note (shelf_id integer NOT NULL REFERENCES shelf, n integer, PRIMARY KEY (shelf_id, n));
INSERT INTO shelf (label) VALUES ('c'), ('a'), ('b');
CREATE FUNCTION note_shelf() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO shelf_note VALUES (NEW.id, 1), (NEW.id, 2); RETURN NULL; END $$;
CREATE TRIGGER note_shelf AFTER INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION note_shelf();
CREATE FUNCTION refuse_shelf() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE unique_violation USING CONSTRAINT = TG_NAME; END $$;
CREATE CONSTRAINT TRIGGER no_late AFTER INSERT ON shelf DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.label = 'late') EXECUTE FUNCTION refuse_shelf();
CREATE TRIGGER keep BEFORE DELETE ON shelf FOR EACH ROW WHEN (OLD.label = 'kept') EXECUTE FUNCTION refuse_shelf()
"""
NO_SHELF = "DROP TABLE shelf_note, shelf; DROP FUNCTION note_shelf; DROP FUNCTION refuse_shelf; DROP DOMAIN width"


@pytest.fixture
def shelf(shop: Caller) -> Iterator[Caller]:
    """The shop with a shelf, which the seeder has seen."""
    shop.query(f"DO $do$ BEGIN {SHELF}; END $do$")
    try:
        shop.http.get("/target/schema").raise_for_status()
        yield shop
    finally:
        shop.query(f"DO $do$ BEGIN {NO_SHELF}; END $do$")
        shop.http.get("/target/schema").raise_for_status()


def try_out(shop: Caller, plan: Plan) -> httpx.Response:
    """Send *plan* as a trial and return whatever the answer is."""
    return shop.http.post("/target/trials", content=dump_plan(plan))


def shelf_plan(shop: Caller, label: str = "new") -> Plan:
    """Return a plan for one row of the shelf."""
    plan = shop.plan(new_ulid())
    row = planned("shelf", "shelf", {"label": label}, id="shelf.id")
    return dataclasses.replace(plan, rows=(row,), existing=(), promises=())


def refusal_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the database's refusal in the answer to a trial."""
    assert 200 == answer.status_code, answer.text
    refusal: dict[str, Any] = answer.json()["refusal"]
    return refusal


def ask(shop: Caller, path: str, **body: Any) -> httpx.Response:
    """Post *body* to a route of the target."""
    return shop.http.post(f"/target/{path}", json=body)


def stored(shop: Caller) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return every row of the shop and of ATDM's own tables."""
    own = {table: shop.query(f"SELECT t::text FROM atdm.{table} t ORDER BY 1") for table in OWN_TABLES}  # noqa: S608
    return shop.rows(), own


# -- trials


def test_a_trial_answers_the_rows_and_keeps_nothing(shop: Caller, run_id: str) -> None:
    """All entities as the database held them; no row, ledger entry, request or audit event is there afterwards."""
    plan = shop.plan(run_id)
    before = stored(shop)

    answer = try_out(shop, plan)

    trial = answer.json()
    assert 200 == answer.status_code
    assert {"country", "customer", "purchase", "line"} == trial["entities"].keys()
    entities = {name: entity["rows"] for name, entity in trial["entities"].items()}
    assert entities["purchase"][0]["customer_id"] == entities["customer"][0]["id"]
    assert [0, 1] == [row["line"] for row in entities["line"]]
    assert (None, {}, []) == (trial["refusal"], trial["made"], trial["residue"])
    assert before == stored(shop)


def test_a_plan_that_was_tried_can_be_written(shop: Caller, run_id: str) -> None:
    """A trial takes nothing from the plan: its unique values and its keys are free again."""
    plan = shop.plan(run_id)
    try_out(shop, plan).raise_for_status()
    again = try_out(shop, plan)

    receipt = shop.seed(plan)

    assert (None, 201) == (again.json()["refusal"], receipt.status_code)
    shop.reset(receipt.json()).raise_for_status()


def test_a_trial_needs_no_run(shop: Caller) -> None:
    """Nothing is recorded, so there is nobody to record it for."""
    trial = try_out(shop, shop.plan(new_ulid())).json()

    assert trial["refusal"] is None


def test_the_database_is_not_asked_about_a_plan_that_the_gate_refuses(shop: Caller, run_id: str) -> None:
    """All findings are answered; no sequence moved, and nothing is logged."""
    plan = change_cell(shop.plan(run_id), "customer", "name", "Ada")
    plan = change_cell(plan, "customer", "email", "ada@real.example")
    before = stored(shop), ask(shop, "state", tables=[]).json()

    problem = problem_of(try_out(shop, plan), 422, "plan_rejected")

    assert {"names-are-fake", "mail-goes-nowhere"} == {finding["rule"] for finding in problem["findings"]}
    assert before == (stored(shop), ask(shop, "state", tables=[]).json())


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"schema": "sha256:" + "0" * 64}, "schema_mismatch", "sha256:000"),
        ({"domain": "elsewhere"}, "catalog_error", "elsewhere"),
        ({"format": 999}, "invalid_request", "format 999"),
    ],
)
def test_a_plan_that_is_not_for_this_target_is_not_tried(
    shop: Caller, run_id: str, changes: dict[str, Any], code: str, told: str
) -> None:
    """Another schema, an unknown domain, the format of another version: each has its code and says what it met."""
    plan = dataclasses.replace(shop.plan(run_id), **changes)

    problem = problem_of(try_out(shop, plan), 422, code)

    assert told in problem["detail"]


def test_a_trial_has_the_row_budget_of_a_request(shop: Caller, run_id: str) -> None:
    """What could not be written is not tried either."""
    plan = shop.plan(run_id)
    many = tuple(dataclasses.replace(plan.rows[0], name=f"c{n}", entity=f"c{n}", keys={}) for n in range(21))

    problem = problem_of(try_out(shop, dataclasses.replace(plan, rows=many)), 422, "invalid_request")

    assert "21 rows" in problem["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"scenario": "x"}'])
def test_a_body_that_is_no_plan_is_refused(shop: Caller, body: bytes) -> None:
    """Whatever lacks in it is told with its place."""
    problem = problem_of(shop.http.post("/target/trials", content=body), 422, "invalid_request")

    assert "the plan cannot be read: $" in problem["detail"]


def test_a_plan_with_an_unknown_field_is_refused(shop: Caller, run_id: str) -> None:
    """A client that knows more than the seeder is told so, not half understood."""
    body = dump_plan(shop.plan(run_id)).replace(b'{"as_of"', b'{"added": 1, "as_of"')

    problem = problem_of(shop.http.post("/target/trials", content=body), 422, "invalid_request")

    assert "added" in problem["detail"]


@pytest.mark.parametrize(
    ("label", "stage", "constraint"),
    [("a", "insert", "shelf_label_key"), ("late", "insert", "no_late"), ("kept", "delete", "keep")],
)
def test_what_the_database_refuses_is_an_answer(shelf: Caller, label: str, stage: str, constraint: str) -> None:
    """At which stage, under which code, by which constraint, in Postgres' words; the target is as it was."""
    tables = ["public.shelf", "public.shelf_note"]
    before = ask(shelf, "state", tables=tables).json()["tables"]

    refusal = refusal_of(try_out(shelf, shelf_plan(shelf, label)))

    assert (stage, "23505", constraint) == (refusal["stage"], refusal["code"], refusal["constraint"])
    assert refusal["message"]
    assert before == ask(shelf, "state", tables=tables).json()["tables"]


def test_rows_that_triggers_made_are_counted_and_gone(shelf: Caller) -> None:
    """By table; they are removed with the row that they hang below."""
    trial = try_out(shelf, shelf_plan(shelf)).json()

    assert ({"public.shelf_note": 2}, [], None) == (trial["made"], trial["residue"], trial["refusal"])
    assert [0] == shelf.query("SELECT count(*) FROM shelf_note")


def test_what_would_be_left_is_told(shelf: Caller) -> None:
    """A table whose rows a rule keeps is named with how many."""
    shelf.query("CREATE RULE stays AS ON DELETE TO shelf_note DO INSTEAD NOTHING")
    shelf.query("ALTER TABLE shelf_note DROP CONSTRAINT shelf_note_shelf_id_fkey")

    trial = try_out(shelf, shelf_plan(shelf)).json()

    assert [{"table": "public.shelf_note", "rows": 2}] == trial["residue"]


# -- rows


def test_the_first_rows_of_each_table_come_by_key(shelf: Caller) -> None:
    """As many as asked for, five where nothing is said; an empty table has none."""
    shelf.query("INSERT INTO shelf (label) SELECT 'more' || n FROM generate_series(1, 4) n")
    tables = ["public.shelf", "public.order_notes"]

    two = ask(shelf, "rows", tables=tables, limit=2).json()["rows"]
    some = ask(shelf, "rows", tables=tables).json()["rows"]

    assert ["c", "a"] == [row["label"] for row in two["public.shelf"]]
    assert {"id", "label", "width", "share"} == two["public.shelf"][0].keys()
    assert [] == two["public.order_notes"]
    assert 5 == len(some["public.shelf"])


def test_a_table_that_is_named_twice_is_listed_once(shop: Caller) -> None:
    """The answer goes by table."""
    found = ask(shop, "rows", tables=["public.countries"] * 2).json()["rows"]

    assert ["XA", "ZZ"] == [row["code"] for row in found["public.countries"]]


@pytest.mark.parametrize("limit", [1, 100])
def test_the_limits_of_rows_are_taken(shop: Caller, limit: int) -> None:
    """From one row of each table to a hundred."""
    found = ask(shop, "rows", tables=["public.countries"], limit=limit).raise_for_status().json()["rows"]

    assert min(limit, 2) == len(found["public.countries"])


# -- verdicts


@pytest.mark.parametrize(
    ("constraint", "column", "cells", "verdicts"),
    [
        ("short", "label", ["abc", "a" * 9, None], [True, False, True]),
        ("wide", "width", [0, 1, None], [False, True, True]),
        ("shared", "share", [3, 0, 6, "x"], [True, False, False, False]),
    ],
    ids=["check", "domain", "raises"],
)
def test_verdicts_come_in_the_order_of_the_rows(
    shelf: Caller, constraint: str, column: str, cells: list[Cell], verdicts: list[bool]
) -> None:
    """A CHECK of the table, or of a column's domain: NULL passes, and what makes it raise fails alone."""
    rows = [{column: cell} for cell in cells]

    answer = ask(shelf, "verdicts", table="public.shelf", constraint=constraint, rows=rows)

    assert {"verdicts": verdicts} == answer.json()


def test_no_rows_have_no_verdicts(shelf: Caller) -> None:
    """The empty question has the empty answer."""
    answer = ask(shelf, "verdicts", table="public.shelf", constraint="short", rows=[])

    assert (200, {"verdicts": []}) == (answer.status_code, answer.json())


def test_an_unknown_check_is_not_found(shelf: Caller) -> None:
    """A constraint of another kind is none either; the hint says where they stand."""
    for constraint in ("shelf_label_key", "tall"):
        problem = problem_of(
            ask(shelf, "verdicts", table="public.shelf", constraint=constraint, rows=[]), 404, "not_found"
        )

        assert constraint in problem["detail"]
        assert "/target/schema" in problem["hint"]


# -- state


def test_the_state_differs_when_a_row_changes(shelf: Caller) -> None:
    """A changed cell changes the sum, a new row the number, a used sequence its place; the same state is equal."""
    tables = ["public.shelf"]
    first = ask(shelf, "state", tables=tables).json()
    same = ask(shelf, "state", tables=tables).json()
    shelf.query("UPDATE shelf SET width = 7 WHERE label = 'a'")
    changed = ask(shelf, "state", tables=tables).json()
    shelf.query("INSERT INTO shelf (label) VALUES ('d')")
    more = ask(shelf, "state", tables=tables).json()

    (rows, total), (rows_changed, total_changed) = first["tables"]["public.shelf"], changed["tables"]["public.shelf"]
    assert first == same
    assert (3, 3, 4) == (rows, rows_changed, more["tables"]["public.shelf"][0])
    assert total != total_changed
    assert (3, 3, 4) == tuple(state["sequences"]["public.shelf_id_seq"] for state in (first, changed, more))
    assert first["relations"] == more["relations"]


def test_the_state_is_that_of_the_tables_asked_for(shop: Caller) -> None:
    """Those and no others; relations are counted and sequences listed all the same."""
    state = ask(shop, "state", tables=["public.countries"]).json()
    shop.query("CREATE VIEW lookout AS SELECT 1 AS n")
    try:
        seen = ask(shop, "state", tables=["public.countries"]).json()
    finally:
        shop.query("DROP VIEW lookout")

    assert {"public.countries"} == state["tables"].keys()
    assert state["relations"] + 1 == seen["relations"]


def test_a_large_table_is_left_out_of_the_state(shelf: Caller) -> None:
    """Summing more than 200,000 rows would take seconds."""
    shelf.query("UPDATE pg_class SET reltuples = 200001 WHERE oid = 'shelf'::regclass")

    state = ask(shelf, "state", tables=["public.shelf", "public.shelf_note"]).json()

    assert {"public.shelf_note"} == state["tables"].keys()


# -- all of them


ROUTES: dict[str, dict[str, Any]] = {
    "rows": {"tables": ["public.countries"], "limit": 5},
    "state": {"tables": ["public.countries"]},
    "verdicts": {"table": "public.orders", "constraint": "orders_status_check", "rows": [{"status": "open"}]},
}


@pytest.mark.parametrize("path", ROUTES)
def test_an_unknown_table_is_not_found(shop: Caller, path: str) -> None:
    """It is named, with where the tables are told; one without its schema, or of ATDM itself, is unknown too."""
    for unknown in ("public.countrys", "countries", "atdm.ledger", "pg_catalog.pg_class", 'public.x"; --'):
        changes = {"table": unknown} if path == "verdicts" else {"tables": ["public.countries", unknown]}

        problem = problem_of(ask(shop, path, **{**ROUTES[path], **changes}), 404, "not_found")

        assert unknown in problem["detail"]
        assert "/target/schema" in problem["hint"]


def test_a_table_that_has_gone_since_says_to_look_again(shelf: Caller) -> None:
    """The seeder's picture of the target is older than the target: that is told, not a bug."""
    shelf.query("ALTER TABLE shelf RENAME TO board")
    try:
        problem = problem_of(ask(shelf, "rows", tables=["public.shelf"]), 422, "schema_mismatch")
    finally:
        shelf.query("ALTER TABLE board RENAME TO shelf")

    assert "/target/schema" in problem["hint"]


@pytest.mark.parametrize(
    ("path", "changes", "place"),
    [
        ("rows", {"limit": 0}, "$.limit"),
        ("rows", {"limit": 101}, "$.limit"),
        ("rows", {"limit": "5"}, "$.limit"),
        ("rows", {"tables": ["public.countries"] * 1001}, "$.tables"),
        ("rows", {"tables": "public.countries"}, "$.tables"),
        ("rows", {"tables": ["a\0b"]}, "$.tables.0"),
        ("rows", {"more": 1}, "$.more"),
        ("state", {"tables": ["public.countries"] * 1001}, "$.tables"),
        ("state", {"tables": [""]}, "$.tables.0"),
        ("state", {"more": 1}, "$.more"),
        ("verdicts", {"rows": [{}] * 1001}, "$.rows"),
        ("verdicts", {"rows": [1]}, "$.rows.0"),
        ("verdicts", {"constraint": None}, "$.constraint"),
        ("verdicts", {"more": 1}, "$.more"),
    ],
)
def test_bodies_are_read_strictly(shop: Caller, path: str, changes: dict[str, Any], place: str) -> None:
    """A limit passed, a wrong type, an unknown field: refused with its place."""
    problem = problem_of(ask(shop, path, **{**ROUTES[path], **changes}), 422, "invalid_request")

    assert f"{place}: " in problem["detail"]


@pytest.mark.parametrize("path", ROUTES)
def test_bodies_that_lack_something_are_refused(shop: Caller, path: str) -> None:
    """Every field without a default has to be there."""
    required = ROUTES[path].keys() - {"limit"}

    problem = problem_of(ask(shop, path), 422, "invalid_request")

    assert all(f"$.{name}: " in problem["detail"] for name in required)


@pytest.mark.parametrize("path", [*ROUTES, "trials"])
def test_the_target_is_told_to_nobody_without_the_token(shop: Caller, path: str) -> None:
    """Not even whether a table is there."""
    answer = httpx.post(f"{shop.base_url}/target/{path}", json=ROUTES.get(path, {}))

    problem_of(answer, 401, "unauthorized")
    assert not any(table in answer.text for table in SHOP_TABLES)
