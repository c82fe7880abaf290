"""Which scenarios a change of the schema breaks."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, Final

from hypothesis import given

from pytest_atdm.core.schema import Check, Column, Schema
from pytest_atdm.core.schema_effect import Effect, Failure, find_effect, find_failures
from tests.core.schemas import catalog, schemas, situations, table

AS_OF: Final = datetime.date(2026, 1, 31)
NUMBER: Final = Column(name="number", type="integer", nullable=False)
ORDERS: Final = table("orders", Column(name="id", type="uuid", nullable=False), NUMBER)
SHOP: Final = Schema(tables={ORDERS.id: ORDERS})
CATALOG: Final = catalog(
    order="entities: {order: {table: orders}}",
    big_order="entities: {order: {table: orders, number: 9}}",
    lost="entities: {order: {table: lost}}",
    wrong="entitis: {}",
)


def change_orders(**changes: Any) -> Schema:
    """Return ``SHOP`` with another table of orders."""
    return dataclasses.replace(SHOP, tables={ORDERS.id: dataclasses.replace(ORDERS, **changes)})


def effect_of(before: Schema, after: Schema) -> Effect:
    """Return the effect on ``CATALOG``."""
    return find_effect(CATALOG, before, after, seed=0, as_of=AS_OF)


def test_a_check_that_a_scenario_breaks_breaks_the_scenario() -> None:
    """Broken is what could be planned before; the code, message and hint are those of the error."""
    small = change_orders(checks=(Check(name="small", expression="(number < 5)", columns=("number",)),))

    effect = effect_of(SHOP, small)

    assert [(one.scenario, one.code) for one in effect.broken] == [("big_order", "plan_rejected")]
    assert "small" in effect.broken[0].message + effect.broken[0].hint
    assert effect.sound == ("order",)
    assert [(one.scenario, one.code) for one in effect.failing] == [
        ("lost", "schema_mismatch"),
        ("wrong", "catalog_error"),
    ]


def test_a_column_that_is_gone_breaks_whoever_names_it() -> None:
    """The message leads to the line of the catalog."""
    effect = effect_of(SHOP, change_orders(columns=ORDERS.columns[:1]))

    assert effect.broken == (
        Failure(
            scenario="big_order",
            code="schema_mismatch",
            message='shop/scenarios/big_order.yaml:1: table "public.orders" has no column "number"',
            hint="known columns: id",
        ),
    )


def test_a_table_that_is_there_again_mends_the_scenario() -> None:
    """What could not be planned before, and can be now, is told too."""
    lost = table("lost", Column(name="id", type="uuid", nullable=False))
    both = dataclasses.replace(SHOP, tables={**SHOP.tables, lost.id: lost})

    assert effect_of(SHOP, both).mended == ("lost",)
    assert [one.scenario for one in effect_of(both, SHOP).broken] == ["lost"]


def test_a_rule_that_names_what_is_gone_breaks_every_scenario_of_its_domain() -> None:
    """Scenarios are judged with the rules of their domain."""
    domain = "title: Shop\nrules: {values: [{id: few, table: orders, rule: number < 100, fix: order less}]}\n"
    files = catalog(domain=domain, a="entities: {}", b="entities: {}")

    failures = find_failures(files, change_orders(columns=ORDERS.columns[:1]), seed=0, as_of=AS_OF)

    assert [(name, one.code) for name, one in failures.items()] == [("a", "schema_mismatch"), ("b", "schema_mismatch")]


@given(situations(), schemas())
def test_every_scenario_has_one_state(situation: tuple[Schema, str], after: Schema) -> None:
    """Broken, failing, mended and sound ones are all scenarios, each once; without a change nothing is broken."""
    before, text = situation
    files = catalog(first=text, second="entities: {e: {table: t0}}")

    effect = find_effect(files, before, after, seed=0, as_of=AS_OF)

    failed = [one.scenario for one in (*effect.broken, *effect.failing)]
    assert sorted([*failed, *effect.mended, *effect.sound]) == ["first", "second"]
    assert find_effect(files, after, after, seed=0, as_of=AS_OF).broken == ()
