from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.explain import Branch, Cause, ExplainedRow, Need, Presence, Reference, explain, grow_tree
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, Exclusion, ForeignKey, Schema, Unique
from tests.core.schemas import catalog, situations, table
from tests.core.watching import watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.explain import ExplainedCell, Explanation
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.schema import Table

AS_OF = datetime.date(2026, 3, 1)
RULES = """\
title: Shop
rules:
  synthetic:
    - {id: name-is-fake, table: buyers, rule: "name LIKE 'FAKE%'", fix: begin it with FAKE}
"""
COUNTRIES = "table: countries\nkey: [code]\nrows:\n  - {code: AA, title: Aland}\n  - {code: BB, title: Bland}\n"


def key(name: str, *columns: str, to: str, at: tuple[str, ...] = ("id",)) -> ForeignKey:
    """Return a foreign key to a table of the schema public."""
    return ForeignKey(name=name, columns=columns, parent=f"public.{to}", parent_columns=at)


def column(name: str, type: str = "integer", *, nullable: bool = False, **more: object) -> Column:
    """Return a column that must have a value unless it is said otherwise."""
    return Column(name=name, type=type, nullable=nullable, **more)  # type: ignore[arg-type]


COUNTRY = table("countries", column("code", "text"), column("title", "text"))
BUYER = table(
    "buyers",
    column("id", "uuid"),
    column("email", "text"),
    column("name", "text"),
    column("age"),
    column("mood", "mood"),
    column("note", "text", nullable=True),
    column("tier", "text", default="'basic'::text"),
    column("shout", "text", nullable=True, generated=True, expression="upper(name)"),
    column("country", "text"),
    uniques=(Unique(name="buyers_email", columns=("email",)),),
    foreign_keys=(key("buyers_country", "country", to="countries", at=("code",)),),
    checks=(Check(name="adult", expression="(age >= 18)"), Check(name="known", expression="(tier <> 'none'::text)")),
)
ORDER = table(
    "orders",
    column("id", "bigint", identity="always", sequence="public.orders_id_seq"),
    column("buyer_id", "uuid"),
    column("placed_on", "date"),
    column("shipped_on", "date", nullable=True),
    column("status", "text", default="'new'::text"),
    column("voucher_id", "uuid", nullable=True),
    foreign_keys=(
        key("orders_buyer", "buyer_id", to="buyers"),
        key("orders_voucher", "voucher_id", to="vouchers"),
    ),
    checks=(
        Check(name="in_order", expression="(shipped_on >= placed_on)"),
        Check(name="paid_how", expression="((status <> 'free'::text) OR (voucher_id IS NOT NULL))"),
    ),
)
VOUCHER = table("vouchers", column("id", "uuid"))
LINE = table(
    "lines",
    column("id", "bigint", identity="always", sequence="public.lines_id_seq"),
    column("order_id", "bigint"),
    foreign_keys=(key("lines_order", "order_id", to="orders"),),
)
SHOP = (BUYER, COUNTRY, LINE, ORDER, VOUCHER)


def explain_text(
    text: str, *tables: Table, advice: Advice = NO_ADVICE, overrides: Mapping[str, object] | None = None
) -> Explanation:
    """Return the explanation of the plan of the scenario *text*, over SHOP unless there are *tables*."""
    files = {"shop/domain.yaml": RULES if not tables else "title: Shop\n", "shop/scenarios/one.yaml": text}
    if not tables:
        files["shop/reference/countries.yaml"] = COUNTRIES
    loaded = load_catalog(files)
    schema = Schema(tables={one.id: one for one in tables or SHOP}, enums={"mood": ("sad", "ok")})
    book, scenario = Rulebook(schema, loaded.domain("shop")), loaded.scenario("one")
    asked = overrides or {}
    made = plan(scenario, book, overrides=asked, run_id="R", request_key="k", seed=0, as_of=AS_OF, advice=advice)
    told = explain(made, scenario, book)
    if advice == NO_ADVICE:
        assert [] == watch(scenario, made, book, asked, AS_OF).find_faults(told)
    return told


def cell(told: Explanation, place: str) -> ExplainedCell:
    """Return the cell that *place*, ``row.column``, names."""
    row, _, name = place.rpartition(".")
    (found,) = (one for one in told.rows[row].cells if one.column == name)
    return found


# -- cells

BUYER_TEXT = "parameters:\n  years: {type: integer, default: 30}\nentities:\n  who: {table: buyers, age: = years + 1}\n"


def test_an_override_is_told() -> None:
    """What the caller gave is the caller's, although the scenario gives the column too."""
    told = cell(explain_text(BUYER_TEXT, overrides={"who__age": 40}), "who.age")

    assert (40, "override", "", "") == (told.value, told.origin, told.source, told.text)


def test_a_line_of_the_scenario_is_told() -> None:
    """What the catalog gives has its file and line; a formula is shown, with the parameters it is computed from."""
    told = explain_text(BUYER_TEXT, overrides={"years": 50})
    age = cell(told, "who.age")

    assert (51, "scenario", "shop/scenarios/one.yaml:4", "= years + 1") == (age.value, age.origin, age.source, age.text)
    assert {"years": 50} == told.parameters


def test_an_allotted_key_is_told() -> None:
    """A key that a sequence allots has no value yet, and names the sequence; so does whoever refers to it."""
    told = explain_text("entities:\n  line: {table: lines}\n")
    own, taken = cell(told, "line.order.id"), cell(told, "line.order_id")

    assert (None, "key", "line.order.id") == (own.value, own.origin, own.pointer)
    assert (Cause(kind="sequence", name="public.orders_id_seq", text="", source="public.orders"),) == own.causes
    assert (None, "key", "line.order.id", "line.order.id") == (taken.value, taken.origin, taken.pointer, taken.text)
    assert (Cause(kind="foreign key", name="lines_order", text="line.order.id", source="public.lines"),) == taken.causes


def test_a_reference_that_the_scenario_names_is_told() -> None:
    """A relation to an entity is a key with the scenario's file and line."""
    told = explain_text("entities:\n  who: {table: buyers}\n  order:\n    table: orders\n    buyer: $who\n")
    buyer = cell(told, "order.buyer_id")

    assert ("key", "shop/scenarios/one.yaml:5", "who.id") == (buyer.origin, buyer.source, buyer.text)
    assert cell(told, "who.id").value == buyer.value
    assert (
        Reference(constraint="orders_buyer", columns=("buyer_id",), parent="who", source="shop/scenarios/one.yaml:5"),
    ) == told.rows["order"].references


def test_a_given_key_is_no_taken_one() -> None:
    """A foreign key's value that the scenario gives comes from there, although the row that it leads to is known."""
    told = explain_text(
        "entities:\n  land: {table: countries, existing: {code: BB}}\n  who: {table: buyers, country: BB}\n"
    )

    assert "scenario" == cell(told, "who.country").origin
    assert ["land"] == [one.parent for one in told.rows["who"].references]


@pytest.mark.parametrize(("name", "constraint"), [("id", "primary key"), ("email", "buyers_email")])
def test_a_unique_value_is_told(name: str, constraint: str) -> None:
    """What must differ between requests names the constraint because of which."""
    told = cell(explain_text(BUYER_TEXT), f"who.{name}")

    assert "unique" == told.origin
    assert (Cause(kind="unique", name=constraint, text=f"({name})", source="public.buyers"),) == told.causes


def test_a_value_under_a_partial_unique_index_is_told() -> None:
    """An index that holds of some rows only counts as a unique constraint; its definition is shown."""
    index = Exclusion(name="once", columns=("code",), definition="UNIQUE (code) WHERE code > 3", predicate="(code > 3)")
    told = explain_text("entities:\n  a: {table: t}\n", table("t", column("code"), primary_key=(), exclusions=(index,)))

    assert "unique" == cell(told, "a.code").origin
    assert Cause(kind="unique", name="once", text=index.definition, source="public.t") in cell(told, "a.code").causes


def test_a_unique_column_beside_a_planned_key_is_none() -> None:
    """Where another column of the set differs between requests anyway, the value does not carry the request's part."""
    child = table(
        "lots",
        column("id", "bigint", identity="always", sequence="public.s"),
        column("order_id", "bigint"),
        column("number"),
        uniques=(Unique(name="lots_number", columns=("order_id", "number")),),
        foreign_keys=(key("lots_order", "order_id", to="heads"),),
    )
    head = table("heads", column("id", "bigint", identity="always", sequence="public.h"))

    assert "type" == cell(explain_text("entities:\n  lot: {table: lots}\n", head, child), "lot.number").origin


def test_a_value_that_keeps_rows_of_one_plan_apart_is_told() -> None:
    """Where rows of the plan are equal in the rest of a unique set, the value in which they differ names it."""
    head = table("heads", column("id", "bigint", identity="always", sequence="public.h"))
    lot = table(
        "lots",
        column("head_id", "bigint"),
        column("number"),
        primary_key=("head_id", "number"),
        foreign_keys=(key("lots_head", "head_id", to="heads"),),
    )
    told = explain_text("entities:\n  lots: {table: lots, count: 2}\n", head, lot)
    numbers = [cell(told, f"lots[{index}].number") for index in range(2)]

    assert numbers[0].value != numbers[1].value
    assert ["unique", "unique"] == [one.origin for one in numbers]
    assert ["primary key", "primary key"] == [one.causes[0].name for one in numbers]


def test_a_rule_is_told() -> None:
    """A value within the limits of a rule names it, with text, file and line."""
    told = cell(explain_text(BUYER_TEXT), "who.name")

    assert "rule" == told.origin
    assert (
        Cause(kind="rule", name="name-is-fake", text="name LIKE 'FAKE%'", source="shop/domain.yaml:4"),
    ) == told.causes


def test_a_check_is_told() -> None:
    """A value within the limits of a CHECK names it, with its text and table."""
    told = cell(explain_text("entities:\n  who: {table: buyers}\n"), "who.age")

    assert "check" == told.origin
    assert (Cause(kind="check", name="adult", text="(age >= 18)", source="public.buyers"),) == told.causes


def test_a_check_that_cannot_fail_is_not_named() -> None:
    """A condition that holds whatever the value is does not narrow it: here the other date is NULL."""
    alone = cell(explain_text("entities:\n  order: {table: orders}\n"), "order.placed_on")
    both = cell(explain_text("entities:\n  order: {table: orders, shipped_on: 2026-02-01}\n"), "order.placed_on")

    assert ("type", ()) == (alone.origin, alone.causes)
    assert ("check", ["in_order"]) == (both.origin, [one.name for one in both.causes])


@pytest.mark.parametrize(
    ("name", "text"),
    [("note", "NULL"), ("tier", "DEFAULT 'basic'::text"), ("shout", "GENERATED ALWAYS AS (upper(name))")],
)
def test_what_the_database_fills_is_told(name: str, text: str) -> None:
    """A column that the plan leaves out says what the database will do."""
    told = cell(explain_text(BUYER_TEXT), f"who.{name}")

    assert (None, "default", text) == (told.value, told.origin, told.text)


def test_a_value_of_its_type_alone_is_told() -> None:
    """Where nothing but the type has a say, the type is all that is told."""
    told = cell(explain_text(BUYER_TEXT), "who.mood")

    assert ("type", "mood", ()) == (told.origin, told.text, told.causes)


def test_a_cell_that_a_childs_other_parent_decides_is_told() -> None:
    """A child that refers by one column to two rows makes them equal: the row that stands there decides."""
    one = table("ones", column("code", "text"))
    child = table(
        "children",
        column("id", "uuid"),
        column("code", "text"),
        foreign_keys=(
            key("children_land", "code", to="countries", at=("code",)),
            key("children_one", "code", to="ones", at=("code",)),
        ),
    )
    text = (
        "entities:\n  land: {table: countries}\n  child: {table: children, children_land: $land, children_one: $one}\n"
    )
    text = text.replace("land: {table: countries}", "land: {table: countries, code: XX}") + "  one: {table: ones}\n"
    told = explain_text(text, one, child, COUNTRY)

    assert ("XX", "key", "land.code") == (cell(told, "one.code").value, *_origin(told, "one.code"))
    assert ["children_one"] == [cause.name for cause in cell(told, "one.code").causes]
    assert ("key", "land.code") == _origin(told, "child.code")
    assert ["children_land", "children_one"] == [cause.name for cause in cell(told, "child.code").causes]


def _origin(told: Explanation, place: str) -> tuple[str, str]:
    found = cell(told, place)
    return found.origin, found.text


def test_conditions_of_whoever_refers_narrow_too() -> None:
    """A drawn key keeps the conditions of the columns that refer to it."""
    parent = table("parents", column("code"))
    child = table(
        "children",
        column("id", "uuid"),
        column("code"),
        foreign_keys=(key("children_parent", "code", to="parents", at=("code",)),),
        checks=(Check(name="small", expression="(code < 10)"),),
    )
    told = cell(explain_text("entities:\n  child: {table: children}\n", child, parent), "child.code.code")

    assert "unique" == told.origin
    assert Cause(kind="check", name="small", text="(code < 10)", source="public.children") in told.causes


def test_cells_of_a_reference_row_are_told() -> None:
    """They come from the catalog's file of reference rows."""
    told = explain_text(BUYER_TEXT)
    title = cell(told, "who.country.title")

    assert ("existing", "shop/reference/countries.yaml:1") == (title.origin, title.source)


def test_a_row_that_a_search_added_is_told() -> None:
    """Its cells, and that it is there, follow from what the database had refused."""
    told = explain_text(BUYER_TEXT, advice=NO_ADVICE.adding("public.vouchers", {"id": "a" * 32}))

    assert Presence(kind="advice") == told.rows["also~1"].presence
    assert "advice" == cell(told, "also~1.id").origin


# -- rows


def test_an_entity_is_told() -> None:
    """A row of the scenario has its file and line; an existing one the file of reference rows as well."""
    told = explain_text("entities:\n  land: {table: countries, existing: {code: BB}}\n  who: {table: buyers}\n")

    assert Presence(kind="entity", source="shop/scenarios/one.yaml:3") == told.rows["who"].presence
    assert Presence(kind="entity", source="shop/scenarios/one.yaml:2", reference="shop/reference/countries.yaml:1") == (
        told.rows["land"].presence
    )


def test_a_created_parent_is_told() -> None:
    """A parent that nobody named is there for a NOT NULL reference; of several, the first that asked comes first."""
    told = explain_text("entities:\n  lines: {table: lines, count: 2}\n")

    assert Presence(
        kind="created",
        needs=tuple(
            Need(row=f"lines[{index}]", constraint="lines_order", columns=("order_id",), required=True)
            for index in range(2)
        ),
    ) == (told.rows["lines[0].order"].presence)


def test_a_parent_that_a_condition_asks_for_is_told() -> None:
    """An optional reference is there because of the condition that is false without it."""
    told = explain_text("entities:\n  order: {table: orders, status: free}\n")
    (need,) = told.rows["order.voucher"].presence.needs

    assert ("order", "orders_voucher", False) == (need.row, need.constraint, need.required)
    assert ["paid_how"] == [cause.name for cause in need.causes]


def test_a_reused_reference_row_is_told() -> None:
    """A parent of a table with reference rows is one of them, for the reference that needs it."""
    told = explain_text(BUYER_TEXT)

    assert Presence(
        kind="reused",
        reference="shop/reference/countries.yaml:1",
        needs=(Need(row="who", constraint="buyers_country", columns=("country",), required=True),),
    ) == (told.rows["who.country"].presence)


def test_a_reused_row_of_the_database_is_told() -> None:
    """A parent that a search found standing has no file: a new one had been refused."""
    told = explain_text(
        "entities:\n  line: {table: lines}\n", advice=NO_ADVICE.reusing("public.orders", [{"id": 7, "status": "new"}])
    )
    presence = told.rows["line.order"].presence

    assert ("reused", "", ["line"]) == (presence.kind, presence.reference, [need.row for need in presence.needs])
    assert (7, "key", "line.order.id") == (cell(told, "line.order_id").value, *_origin(told, "line.order_id"))


# -- the tree


def test_parents_stand_below_whoever_needs_them() -> None:
    """Roots are the rows that none refers to; a row that two refer to is shown once in full."""
    told = explain_text("entities:\n  line: {table: lines}\n  more: {table: lines}\n")

    assert (
        Branch(depth=0, row="line"),
        Branch(depth=1, row="line.order", by="lines_order"),
        Branch(depth=2, row="line.order.buyer", by="orders_buyer"),
        Branch(depth=3, row="line.order.buyer.country", by="buyers_country"),
        Branch(depth=0, row="more"),
        Branch(depth=1, row="line.order", by="lines_order", repeated=True),
    ) == told.tree


def test_a_circle_is_shown_once() -> None:
    """Rows that refer to one another begin at the entity, and end where it comes again."""
    ring = [
        table(name, column("id", "uuid"), column("next", "uuid"), foreign_keys=(key(f"{name}_next", "next", to=other),))
        for name, other in (("a", "b"), ("b", "a"))
    ]
    told = explain_text("entities:\n  first: {table: a}\n", *ring)

    assert [(0, "first", False), (1, "first.next", False), (2, "first", True)] == [
        (branch.depth, branch.row, branch.repeated) for branch in told.tree
    ]


def test_a_row_that_refers_to_itself_is_a_root() -> None:
    """Its own reference does not hide it, and its key is its own."""
    node = table("n", column("id", "uuid"), column("up", "uuid"), foreign_keys=(key("n_up", "up", to="n"),))
    told = explain_text("entities:\n  a: {table: n}\n", node)

    assert (Branch(depth=0, row="a"), Branch(depth=1, row="a", by="n_up", repeated=True)) == told.tree
    assert ("unique", "key") == (cell(told, "a.id").origin, cell(told, "a.up").origin)


def test_a_long_chain_of_parents_is_shown() -> None:
    """The depth of a tree is not bounded by that of Python's recursion."""
    count = 5000
    rows = {
        f"r{n}": ExplainedRow(
            name=f"r{n}",
            entity=f"r{n}",
            table="public.t",
            presence=Presence(kind="created"),
            references=(Reference(constraint="up", columns=("up",), parent=f"r{n + 1}"),) if n < count else (),
            cells=(),
        )
        for n in range(count + 1)
    }

    *_, last = grow_tree(rows, ["r0"])

    assert Branch(depth=count, row=f"r{count}", by="up") == last


# -- any schema


@given(situations())
def test_what_is_told_is_what_the_planner_did(situation: tuple[Schema, str]) -> None:
    """For random schemas and scenarios every column of every row has one origin, the one that the planner noted."""
    schema, text = situation
    loaded = catalog(one=text)
    book, scenario = Rulebook(schema, loaded.domain("shop")), loaded.scenario("one")
    made = plan(scenario, book, overrides={}, run_id="R", request_key="k", seed=0, as_of=AS_OF)

    told = explain(made, scenario, book)

    assert [] == watch(scenario, made, book, {}, AS_OF).find_faults(told)
    for row in made.rows:
        columns = [column.name for column in schema.tables[row.table].columns]
        assert columns == [one.column for one in told.rows[row.name].cells]
    assert {branch.row for branch in told.tree} == set(told.rows)


@given(situations())
def test_what_only_its_type_decides_is_the_same_for_every_request(situation: tuple[Schema, str]) -> None:
    """Between two runs nothing differs that is not told to be unique, or equal to what is."""
    schema, text = situation
    loaded = catalog(one=text)
    book, scenario = Rulebook(schema, loaded.domain("shop")), loaded.scenario("one")

    first, second = (
        plan(scenario, book, overrides={}, run_id=run_id, request_key="k", seed=0, as_of=AS_OF) for run_id in "RS"
    )

    told = explain(first, scenario, book)
    for one, other in zip(first.rows, second.rows, strict=True):
        moved = {name for name in one.values if one.values[name] != other.values.get(name)}
        assert moved <= {c.column for c in told.rows[one.name].cells if c.origin in ("unique", "key")}


def test_rows_that_follow_the_plan_are_told() -> None:
    """Of a volume the rows of the plan are explained, and how many follow that are like them."""
    told = explain_text("title: T\nentities:\n  line: {table: lines, count: 1500}\n")

    assert {"line": 1_400} == told.more
    assert 100 == sum(row.entity == "line" for row in told.rows.values())
