from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from pytest_atdm.core import wire
from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import AtdmError, CatalogError, OverrideError, PlanImpossible, SchemaMismatch
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Unique
from tests.core.schemas import catalog, rulebook, situations, table

if TYPE_CHECKING:
    from pytest_atdm.core.model import Plan

AS_OF = datetime.date(2026, 3, 1)
BUYERS = table(
    "buyers",
    Column(name="id", type="uuid", nullable=False),
    Column(name="email", type="text", nullable=False),
    Column(name="state", type="character(2)", nullable=False),
    Column(name="note", type="text"),
    uniques=(Unique(name="buyers_email_key", columns=("email",)),),
    checks=(Check(name="synthetic", expression="(email ~~ 'FAKE\\_%'::text)"),),
)
ORDERS = table(
    "orders",
    Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.orders_id_seq"),
    Column(name="buyer_id", type="uuid", nullable=False),
    Column(name="placed_on", type="date", nullable=False),
    Column(name="shipped_on", type="date"),
    Column(name="status", type="text", nullable=False, default="'new'::text"),
    Column(name="reason", type="text"),
    foreign_keys=(
        ForeignKey(name="orders_buyer", columns=("buyer_id",), parent="public.buyers", parent_columns=("id",)),
    ),
    checks=(
        Check(name="in_order", expression="(shipped_on >= placed_on)"),
        Check(name="known", expression="(status = ANY (ARRAY['new'::text, 'lost'::text]))"),
        Check(name="lost_has_reason", expression="((status <> 'lost'::text) OR (reason IS NOT NULL))"),
    ),
)
ITEMS = table(
    "items",
    Column(name="id", type="text", nullable=False),
    Column(name="order_id", type="bigint", nullable=False),
    Column(name="quantity", type="integer", nullable=False),
    foreign_keys=(
        ForeignKey(name="items_order", columns=("order_id",), parent="public.orders", parent_columns=("id",)),
    ),
    checks=(Check(name="few", expression="((quantity > 0) AND (quantity < 10))"),),
)
SHOP = rulebook(BUYERS, ORDERS, ITEMS)


def plan_text(text: str, book: Rulebook = SHOP, **more: object) -> Plan:
    """Return the plan of the scenario *text* with default run, key, seed and date."""
    asked: dict[str, object] = {
        "overrides": {}, "run_id": "R1", "request_key": "k", "seed": 0, "as_of": AS_OF, **more
    }  # fmt: skip
    return plan(catalog(one=text).scenario("one"), book, **asked)  # type: ignore[arg-type]


def test_parents_that_nobody_named_are_made_before_their_children() -> None:
    """A required reference without an entity gets a row of its own, up to the root, in insert order."""
    made = plan_text("entities:\n  item: {table: items}\n")

    assert ["item.order.buyer", "item.order", "item"] == [row.name for row in made.rows]
    assert {"order_id": "item.order.id"} == made.rows[2].keys
    assert made.rows[0].values["id"] == made.rows[1].values["buyer_id"]


def test_the_one_entity_of_a_table_is_the_parent() -> None:
    """A required reference goes to the scenario's only entity of that table."""
    made = plan_text("entities:\n  order: {table: orders}\n  who: {table: buyers}\n")

    assert ["who", "order"] == [row.name for row in made.rows]
    assert made.rows[0].values["id"] == made.rows[1].values["buyer_id"]


def test_an_ambiguous_parent_is_an_error_that_says_what_to_write() -> None:
    """Two entities of the parent's table: the scenario has to say which."""
    with pytest.raises(CatalogError) as caught:
        plan_text("entities:\n  a: {table: buyers}\n  b: {table: buyers}\n  order: {table: orders}\n")

    assert 'say which: "buyer_id: $a"' == caught.value.hint


@pytest.mark.parametrize("relation", ["buyer", "buyer_id", "buyers", "orders_buyer"])
def test_a_relation_goes_by_column_short_name_table_or_constraint(relation: str) -> None:
    """``$entity`` may stand under the column, the column without _id, the parent's table or the constraint's name."""
    made = plan_text(
        f"entities:\n  a: {{table: buyers}}\n  b: {{table: buyers}}\n  order: {{table: orders, {relation}: $b}}\n"
    )

    by_name = {row.name: row for row in made.rows}
    assert by_name["b"].values["id"] == by_name["order"].values["buyer_id"]


def test_rows_of_a_count_are_numbered_and_differ() -> None:
    """``count`` gives name[0], name[1] ...; ``index`` in a formula is the row's number."""
    made = plan_text("entities:\n  order: {table: orders, count: 3, placed_on: = as_of - index}\n")

    orders = [row for row in made.rows if row.entity == "order"]
    assert ["order[0]", "order[1]", "order[2]"] == [row.name for row in orders]
    assert ["2026-03-01", "2026-02-28", "2026-02-27"] == [row.values["placed_on"] for row in orders]


def test_a_formula_reads_parameters_and_other_entities() -> None:
    """Formulas may use parameters, as_of and the columns of other entities, in any order of the file."""
    text = (
        "parameters:\n  days: {type: integer, default: 3}\nentities:\n"
        "  order: {table: orders, shipped_on: = order.placed_on + days, placed_on: = as_of - days}\n"
    )

    made = plan_text(text, overrides={"days": 5})

    order = made.rows[-1]
    assert ("2026-02-24", "2026-03-01") == (order.values["placed_on"], order.values["shipped_on"])


def test_formulas_in_a_circle_are_an_error() -> None:
    """A circle of formulas names its members."""
    with pytest.raises(CatalogError, match=r"circle: order\.placed_on -> order\.shipped_on -> order\.placed_on"):
        plan_text("entities:\n  order: {table: orders, placed_on: = shipped_on, shipped_on: = placed_on}\n")


def test_an_optional_column_is_filled_where_a_constraint_asks_for_it() -> None:
    """An override that makes a CHECK demand a column gets a value for it, instead of a refusal."""
    made = plan_text("entities:\n  order: {table: orders}\n", overrides={"order__status": "lost"})

    assert made.rows[-1].values["reason"]
    assert () == Gate(SHOP).check(made)


def test_drawn_values_satisfy_what_is_given_beside_them() -> None:
    """A drawn date keeps its order with a given one."""
    made = plan_text("entities:\n  order: {table: orders, shipped_on: '2001-01-05'}\n")

    assert str(made.rows[-1].values["placed_on"]) <= "2001-01-05"


def test_what_cannot_be_is_said_with_the_constraint() -> None:
    """Where constraints leave no value the error names column, constraint and table."""
    impossible = table(
        "t",
        Column(name="id", type="uuid", nullable=False),
        Column(name="n", type="integer", nullable=False),
        checks=(Check(name="never", expression="((n > 5) AND (n < 5))"),),
    )

    with pytest.raises(PlanImpossible) as caught:
        plan_text("entities:\n  a: {table: t}\n", rulebook(impossible))

    assert '"a.n" (integer)' in caught.value.message
    assert "constraint never of public.t" in caught.value.message
    assert "plan_impossible" == caught.value.code


@pytest.mark.parametrize(
    ("text", "overrides", "error", "word"),
    [
        ("entities:\n  a: {table: nothing}\n", {}, SchemaMismatch, '"nothing"'),
        ("entities:\n  a: {table: buyers, emial: x}\n", {}, SchemaMismatch, '"emial"'),
        ("entities:\n  a: {table: buyers}\n  b: {table: buyers, note: $a}\n", {}, SchemaMismatch, '"note"'),
        ("entities:\n  a: {table: buyers}\n", {"a__emial": "x"}, OverrideError, '"a__emial"'),
        ("entities:\n  a: {table: orders}\n", {"a__placed_on": "soon"}, OverrideError, "'soon'"),
        ("entities:\n  a: {table: orders, placed_on: soon}\n", {}, CatalogError, "one.yaml:2"),
        ("entities:\n  a: {table: orders, placed_on: = as_of +}\n", {}, AtdmError, "one.yaml:2"),
        ("entities:\n  a: {table: orders, placed_on: = as_of - dys}\n", {}, SchemaMismatch, '"dys"'),
        ("entities:\n  a: {table: buyers, existing: {id: x}}\n", {}, CatalogError, "no reference row"),
    ],
)
def test_a_name_or_value_that_does_not_fit_is_refused(
    text: str, overrides: dict[str, object], error: type[AtdmError], word: str
) -> None:
    """Unknown tables, columns and relations, and values of the wrong type, are errors that name them."""
    with pytest.raises(error) as caught:
        plan_text(text, overrides=overrides)

    assert word in caught.value.message
    assert caught.value.hint


def test_only_unique_columns_depend_on_run_and_request() -> None:
    """Another run or request changes the columns under a unique constraint, and nothing else."""
    text = "entities:\n  buyer: {table: buyers}\n  order: {table: orders}\n"

    first, second = plan_text(text), plan_text(text, run_id="R2")

    changed = {
        f"{row.name}.{column}"
        for row, other in zip(first.rows, second.rows, strict=True)
        for column in row.values
        if row.values[column] != other.values[column]
    }
    assert {"buyer.id", "buyer.email", "order.buyer_id"} == changed
    assert changed == {
        f"{row.name}.{column}"
        for row, other in zip(first.rows, plan_text(text, request_key="other").rows, strict=True)
        for column in row.values
        if row.values[column] != other.values[column]
    }


def test_a_unique_value_is_none_of_the_reference_rows() -> None:
    """Where the catalog says which rows stand in the table already, their keys are not drawn again."""
    codes = table(
        "codes",
        Column(name="code", type="text", nullable=False),
        checks=(Check(name="narrow", expression="(code ~ '^[0-9]$')"),),
    )
    rows = ", ".join(f"{{code: '{number}'}}" for number in range(9))
    files = {
        "shop/domain.yaml": "title: Shop\n",
        "shop/reference/codes.yaml": f"table: codes\nkey: [code]\nrows: [{rows}]\n",
        "shop/scenarios/one.yaml": "entities:\n  a: {table: codes}\n",
    }
    loaded = load_catalog(files)
    book = Rulebook(Schema(tables={codes.id: codes}), loaded.domain("shop"))

    made = plan(
        loaded.scenario("one"), book, overrides={}, run_id="R1", request_key="k", seed=0, as_of=AS_OF
    )  # fmt: skip

    assert "9" == made.rows[0].values["code"]


def test_unique_values_of_one_plan_differ_however_few_there_are() -> None:
    """Ten rows of a unique column with ten possible values get each of them once."""
    digits = table(
        "digits",
        Column(name="digit", type="text", nullable=False),
        checks=(Check(name="narrow", expression="(digit ~ '^[0-9]$')"),),
    )

    made = plan_text("entities:\n  a: {table: digits, count: 10}\n", rulebook(digits))

    assert sorted("0123456789") == sorted(str(row.values["digit"]) for row in made.rows)


def test_another_seed_changes_the_values() -> None:
    """The seed decides generated values."""
    text = "entities:\n  buyer: {table: buyers}\n"

    assert plan_text(text).rows[0].values["state"] != plan_text(text, seed=1).rows[0].values["state"]


def test_a_value_does_not_depend_on_what_stands_around_it() -> None:
    """Adding an entity to a scenario leaves the values of the others as they are."""
    alone = plan_text("entities:\n  buyer: {table: buyers}\n")
    beside = plan_text("entities:\n  buyer: {table: buyers}\n  order: {table: orders}\n")

    assert alone.rows[0].values == beside.rows[0].values


def test_the_plan_tells_where_each_given_value_came_from() -> None:
    """``sources`` names catalog file and line, or the override."""
    made = plan_text("entities:\n  buyer: {table: buyers, note: x}\n", overrides={"buyer__state": "NY"})

    assert {"buyer.note": "shop/scenarios/one.yaml:2", "buyer.state": "override"} == made.sources


@settings(max_examples=150, deadline=None)
@given(situations())
def test_every_plan_is_deterministic_ordered_and_gate_clean(situation: tuple[Schema, str]) -> None:
    """For random schemas and scenarios: equal bytes, parents before children, no finding, whole on the wire."""
    schema, text = situation
    loaded = catalog(one=text)
    book = Rulebook(schema, loaded.domain("shop"))
    again = Rulebook(schema, catalog(one=text).domain("shop"))

    made = plan_text(text, book)

    data = wire.dump_plan(made)
    assert data == wire.dump_plan(plan_text(text, again))
    assert made == wire.load_plan(data, wire.plan_hash(data))
    assert () == Gate(book).check(made)
    assert_parents_first(made, schema)


def assert_parents_first(made: Plan, schema: Schema) -> None:
    """Every reference of a row goes to a row before it, or to itself."""
    seen: dict[tuple[str, str], set[object]] = {}
    for row in made.rows:
        for column in schema.tables[row.table].columns:
            cell = row.keys.get(column.name, row.values.get(column.name))
            seen.setdefault((row.table, column.name), set()).add(repr(cell))
        for key in schema.tables[row.table].foreign_keys:
            cell = row.keys.get(key.columns[0], row.values.get(key.columns[0]))
            assert cell is None or repr(cell) in seen[key.parent, key.parent_columns[0]]


@pytest.mark.parametrize("seed", range(20))
def test_a_row_is_drawn_anew_where_a_condition_over_a_given_column_is_left_false(seed: int) -> None:
    """What a given state demands is planned whatever was drawn first: other draws, where the first leave no room."""
    jobs = table(
        "jobs",
        Column(name="id", type="bigint", nullable=False, sequence="public.jobs_id_seq"),
        Column(name="state", type="text", nullable=False),
        Column(name="opened", type="date", nullable=False),
        Column(name="begun", type="date"),
        Column(name="ended", type="date"),
        checks=(
            Check(name="ended_if_done", expression="((state = 'done') = (ended IS NOT NULL))"),
            Check(name="begun_unless_new", expression="((state = 'new') = (begun IS NULL))"),
            Check(name="begun_after_opened", expression="(begun >= opened)"),
            Check(name="ended_after_begun", expression="(ended >= begun)"),
        ),
    )
    book = rulebook(jobs)
    scenario = catalog(done="title: Done\nentities:\n  job: {table: jobs, state: done}\n").scenario("done")

    made = plan(scenario, book, overrides={}, run_id="R", request_key="a", seed=seed, as_of=AS_OF)

    assert () == Gate(book).check(made)
