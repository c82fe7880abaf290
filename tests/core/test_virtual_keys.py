from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core import wire
from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import CatalogError, PlanRejected, SchemaMismatch
from pytest_atdm.core.explain import explain
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Unique
from pytest_atdm.core.virtual_keys import find_catalog_keys
from tests.core.schemas import table

if TYPE_CHECKING:
    from pytest_atdm.core.model import Plan, PlannedRow

AS_OF = datetime.date(2026, 3, 1)


def serial(name: str) -> Column:
    """Return the column id of the table *name*, fed by a sequence."""
    return Column(name="id", type="bigint", nullable=False, identity="always", sequence=f"public.{name}_id_seq")


CUSTOMERS = table(
    "customers",
    serial("customers"),
    Column(name="code", type="character varying(20)", nullable=False),
    Column(name="joined_on", type="date", nullable=False),
    uniques=(Unique(name="customers_code_key", columns=("code",)),),
)
ORDERS = table(
    "orders",
    serial("orders"),
    Column(name="customer_code", type="text", nullable=False),
    Column(name="adviser_code", type="text"),
    Column(name="placed_on", type="date", nullable=False),
    checks=(Check(name="code_is_long", expression="(length(customer_code) > 8)"),),
)
PRODUCTS = table("products", serial("products"))
COMMENTS = table(
    "comments",
    serial("comments"),
    Column(name="subject_type", type="text", nullable=False),
    Column(name="subject_id", type="bigint", nullable=False),
    Column(name="about_type", type="text"),
    Column(name="about_id", type="integer"),
)
SCHEMA = Schema(tables={one.id: one for one in (CUSTOMERS, ORDERS, PRODUCTS, COMMENTS)})
DOMAIN = """title: Shop
rules:
  temporal:
    - {id: joined-first, table: orders, rule: placed_on >= customer.joined_on, fix: join first}
references:
  - {table: orders, columns: [customer_code], to: customers, to_columns: [code]}
  - {table: orders, columns: [adviser_code], to: customers, to_columns: [code]}
  - {table: comments, columns: [subject_id], by: subject_type, to: {order: orders.id, product: products.id}}
  - {table: comments, columns: [about_id], by: about_type, to: {product: products.id}}
"""


def rulebook(domain: str = DOMAIN, schema: Schema = SCHEMA) -> Rulebook:
    """Return the rulebook of the shop."""
    return Rulebook(schema, load_catalog({"shop/domain.yaml": domain}).domain("shop"))


BOOK = rulebook()


def make(*entities: str, book: Rulebook = BOOK, key: str = "k", **overrides: object) -> Plan:
    """Return the plan of a scenario with these entities, which the gate has let pass."""
    text = "entities:\n" + "".join(f"  {entity}\n" for entity in entities)
    scenario = load_catalog({"shop/domain.yaml": "title: S\n", "shop/scenarios/one.yaml": text}).scenario("one")
    made = plan(scenario, book, overrides=overrides, run_id="R", request_key=key, seed=0, as_of=AS_OF)
    Gate(rulebook()).approve(made)
    told = explain(made, scenario, book)
    assert [row.name for row in made.rows] == [name for name, row in told.rows.items() if not row.is_existing]
    return made


def row(made: Plan, name: str) -> PlannedRow:
    """Return the planned row *name*."""
    return next(one for one in made.rows if one.name == name)


def test_a_column_that_must_refer_gets_a_row() -> None:
    """A mandatory column with a virtual reference gets a parent row, drawn under the conditions of both columns."""
    made = make("order: {table: orders}")

    assert ["order.customer_code", "order"] == [one.name for one in made.rows]
    code = row(made, "order").values["customer_code"]
    assert code == row(made, "order.customer_code").values["code"]
    assert len(str(code)) > 8
    assert "adviser_code" not in row(made, "order").values


@pytest.mark.parametrize("name", ["customer_code", "customer"])
def test_a_scenario_names_the_relation(name: str) -> None:
    """The relation goes by the column, with and without that of the parent, as a foreign key's does."""
    made = make(
        "buyer: {table: customers}",
        "other: {table: customers}",
        f"order: {{table: orders, {name}: $buyer, adviser: $other}}",
    )

    assert row(made, "order").values["customer_code"] == row(made, "buyer").values["code"]
    assert row(made, "order").values["adviser_code"] == row(made, "other").values["code"]


def test_a_rule_follows_the_reference() -> None:
    """Rules say ``customer.joined_on`` of a virtual reference; planner and gate both heed it."""
    made = make("buyer: {table: customers, joined_on: 2026-02-27}", "order: {table: orders, customer: $buyer}")

    assert str(row(made, "order").values["placed_on"]) >= "2026-02-27"
    with pytest.raises(PlanRejected, match="placed_on >= "):
        make(
            "buyer: {table: customers, joined_on: 2026-02-27}",
            "order: {table: orders, customer: $buyer}",
            order__placed_on="2026-02-01",
        )


def test_the_plan_is_made_for_the_schema_of_the_database() -> None:
    """A plan's fingerprint is that of the schema without the references, which the database does not know."""
    assert SCHEMA.fingerprint == make("order: {table: orders}").schema
    assert SCHEMA.tables["public.orders"] is ORDERS


@pytest.mark.parametrize(
    ("given", "kind", "parent"),
    [
        ("", "order", "comment.subject"),
        (", subject_type: product", "product", "comment.subject"),
        (", subject: $thing", "product", "thing"),
        (", subject_id: $thing", "product", "thing"),
        (", subject: $thing, subject_type: product", "product", "thing"),
    ],
)
def test_a_discriminator_and_its_key_agree(given: str, kind: str, parent: str) -> None:
    """The given discriminator decides, else the linked row, else the first target; both columns are set to it."""
    entities = ["thing: {table: products}"] if "thing" in given else []

    made = make(*entities, f"comment: {{table: comments{given}}}")

    comment = row(made, "comment")
    assert (kind, f"{parent}.id") == (comment.values["subject_type"], comment.keys["subject_id"])
    assert f"public.{kind}s" == row(made, parent).table
    assert not {"about_type", "about_id"} & (comment.values.keys() | comment.keys.keys())


def test_an_optional_pair_is_set_where_it_is_named() -> None:
    """A pair that may stay NULL is set by a link, key and discriminator alike."""
    made = make("thing: {table: products}", "comment: {table: comments, about: $thing, subject: $thing}")

    comment = row(made, "comment")
    assert ("product", "thing.id", "thing.id") == (
        comment.values["about_type"], comment.keys["about_id"], comment.keys["subject_id"],
    )  # fmt: skip


def test_rows_of_one_table_refer_to_several() -> None:
    """Each entity has a target of its own; the same request again is planned alike, another one is too."""
    entities = ("a: {table: comments, subject_type: order, count: 2}", "b: {table: comments, subject_type: product}")

    first, again, other = make(*entities), make(*entities), make(*entities, key="other")

    assert wire.dump_plan(first) == wire.dump_plan(again)
    assert [one.table for one in first.rows] == [one.table for one in other.rows]
    assert {"public.orders", "public.products"} <= {one.table for one in first.rows}


def test_a_value_beyond_the_targets_refers_to_nothing() -> None:
    """A discriminator that the domain does not list leaves the key to be any value."""
    made = make("comment: {table: comments, subject_type: weather}")

    assert ["comment"] == [one.name for one in made.rows]


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        (
            ["buyer: {table: customers}", "c: {table: comments, subject: $buyer}"],
            '"subject" of public.comments does not refer',
        ),
        (
            ["thing: {table: products}", "c: {table: comments, subject: $thing, subject_type: order}"],
            "\"subject_type\" is 'order', and the row refers to one of public.products",
        ),
    ],
)
def test_a_link_that_does_not_fit_is_told(entities: list[str], message: str) -> None:
    """A row of another table, or of another one than the discriminator says, is an error with file and line."""
    with pytest.raises(CatalogError) as caught:
        make(*entities)

    assert caught.value.message.startswith("shop/scenarios/one.yaml:3: ")
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("entity", "column", "rule"),
    [
        ("order: {table: orders}", "customer_code", "foreign-key:orders_customer_code_reference"),
        ("comment: {table: comments}", "subject_id", "foreign-key:comments_subject_id_order_reference"),
    ],
)
def test_the_gate_judges_virtual_references(entity: str, column: str, rule: str) -> None:
    """A reference that goes nowhere is refused as a foreign key's is."""
    made = make(entity)
    name = entity.partition(":")[0]
    value: Any = 4711 if column == "subject_id" else "nobody-knows-it"
    broken = tuple(
        dataclasses.replace(
            one,
            values={**one.values, column: value},
            keys={key: pointer for key, pointer in one.keys.items() if key != column},
        )
        if one.name == name
        else one
        for one in made.rows
    )

    found = Gate(BOOK).check(dataclasses.replace(made, rows=broken))

    assert [(rule, f"$.entities.{name}.{column}")] == [(one.rule, one.path) for one in found]


def test_the_gate_follows_the_discriminator() -> None:
    """A key that belongs to a row of another table than its discriminator says goes nowhere."""
    made = make("thing: {table: products}", "comment: {table: comments, subject: $thing}")
    lying = tuple(
        dataclasses.replace(one, values={**one.values, "subject_type": "order"}) if one.name == "comment" else one
        for one in made.rows
    )

    found = Gate(BOOK).check(dataclasses.replace(made, rows=lying))

    assert ["foreign-key:comments_subject_id_order_reference"] == [one.rule for one in found]


def test_what_is_given_refers_to_what_stands_there() -> None:
    """A value that the scenario gives may be the key of a row that only the database knows."""
    made = make("order: {table: orders, customer_code: known-for-long}", "c: {table: comments, subject_id: 7}")

    assert ["order", "c"] == [one.name for one in made.rows]
    assert ("order", 7) == (row(made, "c").values["subject_type"], row(made, "c").values["subject_id"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{table: orders, columns: [customer_code], to: customers}", "text cannot refer to bigint of public.customers"),
        ("{table: orders, columns: [placed_on], to: customers, to_columns: [joined_on]}", "(joined_on) is not unique"),
        ("{table: orders, columns: [], to: customers}", "at least 1 item"),
        ("{table: orders, columns: [customer_code], by: placed_on, to: customers}", '"by" goes with several targets'),
        ("{table: comments, columns: [subject_id], to: {order: orders.id}}", '"by" goes with several targets'),
        ("{table: comments, columns: [subject_id], by: subject_type, to: {order: orders}}", '"orders" is no column'),
        ("{table: comments, columns: [subject_id, id], by: subject_type, to: {o: orders.id}}", "one column refers"),
        (
            "{table: comments, columns: [subject_id], by: about_id, to: {order: orders.id}}",
            "about_id cannot be 'order'",
        ),
    ],
)
def test_a_fault_is_told_with_file_and_line(line: str, message: str) -> None:
    """A reference that cannot be one is refused before anything is planned."""
    with pytest.raises(CatalogError) as caught:
        rulebook(f"title: S\nreferences:\n  - {line}\n")

    assert "shop/domain.yaml:3" in caught.value.message
    assert message in caught.value.message
    assert caught.value.hint


def test_columns_refer_once() -> None:
    """Columns that have a foreign key need no reference, and none refers twice."""
    line = "  - {table: orders, columns: [customer_code], to: customers, to_columns: [code]}\n"
    with pytest.raises(CatalogError, match=r"domain.yaml:4: the same columns refer in shop/domain.yaml:3 too"):
        rulebook(f"title: S\nreferences:\n{line}{line}")
    known = ForeignKey(name="k", columns=("customer_code",), parent=CUSTOMERS.id, parent_columns=("code",))
    schema = Schema(tables={**SCHEMA.tables, ORDERS.id: dataclasses.replace(ORDERS, foreign_keys=(known,))})
    with pytest.raises(CatalogError, match="has a foreign key over these columns"):
        rulebook(f"title: S\nreferences:\n{line}", schema)


@pytest.mark.parametrize(
    "line", ["{table: ordrs, columns: [id], to: orders}", "{table: orders, columns: [idd], to: orders}"]
)
def test_what_the_database_lacks_is_named(line: str) -> None:
    """A table or column that the database lacks is an error that names the nearest."""
    with pytest.raises(SchemaMismatch) as caught:
        rulebook(f"title: S\nreferences:\n  - {line}\n")

    assert "shop/domain.yaml:3" in caught.value.message
    assert "did you mean" in caught.value.hint


def test_a_catalog_gives_the_keys_that_fit() -> None:
    """Of all domains those references are taken whose tables are there; of the others nothing is said."""
    catalog = load_catalog(
        {
            "shop/domain.yaml": DOMAIN,
            "farm/domain.yaml": "title: F\nreferences:\n  - {table: cows, columns: [stall_id], to: stalls}\n",
            "torn/domain.yaml": "title: [",
        }
    )

    found = find_catalog_keys(catalog, SCHEMA)

    assert {"public.orders": 2, "public.comments": 3} == {id: len(keys) for id, keys in found.items()}
