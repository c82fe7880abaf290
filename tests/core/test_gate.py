from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.errors import CatalogError, PlanRejected, SchemaMismatch
from pytest_atdm.core.gate import Check, Gate, Validator
from pytest_atdm.core.gate.passed import PassedParts
from pytest_atdm.core.model import Finding
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check as SchemaCheck
from pytest_atdm.core.schema import Column, Domain, ForeignKey, Schema, Unique
from tests.core.schemas import catalog, rulebook, table
from tests.core.test_planner import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.model import Cell, Plan

NEVER = SchemaCheck(name="never", expression="false")
DOMAIN = """\
title: Shop
rules:
  temporal:
    - {id: shipped-after-placed, table: orders, rule: shipped_on IS NULL OR shipped_on >= placed_on, fix: ship later}
    - {id: not-before-birth, table: orders, rule: placed_on >= buyer.born_on, fix: order later}
  synthetic:
    - {id: fake-name, table: buyers, rule: "name LIKE 'FAKE\\\\_%'", fix: begin the name with FAKE_}
  values:
    - {id: no-huge-orders, table: orders, rule: quantity < 1000, fix: order less}
"""
BUYERS = table(
    "buyers",
    Column(name="id", type="uuid", nullable=False),
    Column(name="name", type="character varying(12)", nullable=False),
    Column(name="born_on", type="date", nullable=False),
    Column(name="zone", type="zone"),
    Column(name="upper_name", type="text", generated=True),
    uniques=(Unique(name="buyers_name_key", columns=("name",)),),
)
ORDERS = table(
    "orders",
    Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.orders_id_seq"),
    Column(name="buyer_id", type="uuid", nullable=False),
    Column(name="placed_on", type="date", nullable=False),
    Column(name="shipped_on", type="date"),
    Column(name="quantity", type="integer", nullable=False),
    Column(name="state", type="text", nullable=False, default="'open'::text"),
    foreign_keys=(
        ForeignKey(name="orders_buyer", columns=("buyer_id",), parent="public.buyers", parent_columns=("id",)),
    ),
    checks=(SchemaCheck(name="positive", expression="(quantity > 0)"),),
)
SCHEMA = Schema(
    tables={one.id: one for one in (BUYERS, ORDERS)},
    domains={"zone": Domain(name="zone", type="text", checks=(SchemaCheck(name="zz", expression="(VALUE ~ '^Z')"),))},
)
SCENARIO = (
    "entities:\n  buyer: {table: buyers, born_on: '2000-01-01'}\n  order: {table: orders, placed_on: = as_of}\n"
    "promises: [order.quantity > 1, order.placed_on <= as_of]\n"
)
CATALOG = catalog(domain=DOMAIN, one=SCENARIO)
BOOK = Rulebook(SCHEMA, CATALOG.domain("shop"))
GOOD: Mapping[str, object] = {"order__quantity": 5}


def make_plan(overrides: Mapping[str, object] = GOOD, *, run_id: str = "R1") -> Plan:
    """Return a plan of one buyer and one order, which the gate has not seen."""
    return plan(
        CATALOG.scenario("one"), BOOK, overrides=overrides, run_id=run_id, request_key="k", seed=0, as_of=AS_OF
    )  # fmt: skip


def with_cell(made: Plan, row: str, column: str, value: Cell) -> Plan:
    """Return *made* with one cell changed behind the planner's back, as if the caller had asked for it."""
    rows = tuple(
        dataclasses.replace(one, values={**one.values, column: value}) if one.name == row else one for one in made.rows
    )
    return dataclasses.replace(made, rows=rows, sources={**made.sources, f"{row}.{column}": "override"})


def test_a_good_plan_has_no_finding() -> None:
    """What the planner makes, the gate lets pass."""
    assert () == Gate(BOOK).check(make_plan())


FAULTS: Final[list[tuple[str, str, Cell, str]]] = [
    ("buyer", "name", "Ann", "fake-name"),
    ("buyer", "name", "FAKE_much_too_long_a_name", "type"),
    ("buyer", "name", None, "not-null"),
    ("buyer", "id", "no uuid", "type"),
    ("buyer", "zone", "A1", "check:zz"),
    ("buyer", "upper_name", "X", "generated-column"),
    ("order", "quantity", 0, "check:positive"),
    ("order", "state", None, "not-null"),
    ("order", "quantity", 1000, "no-huge-orders"),
    ("order", "quantity", "five", "type"),
    ("order", "quantity", 5_000_000_000, "type"),
    ("order", "shipped_on", "2026-02-28", "shipped-after-placed"),
    ("order", "placed_on", "1999-12-31", "not-before-birth"),
    ("order", "colour", "red", "unknown-column"),
    ("order", "quantity", 1, "promise"),
    ("order", "placed_on", "2026-03-02", "promise"),
]


@pytest.mark.parametrize(("row", "column", "value", "rule"), FAULTS)
def test_each_kind_of_fault_is_found_by_its_rule(row: str, column: str, value: Cell, rule: str) -> None:
    """A changed cell is objected to with rule id, path, value and a fix."""
    findings = Gate(BOOK).check(with_cell(make_plan(), row, column, value))

    found = {one.rule: one for one in findings}
    assert rule in found, found
    assert found[rule].fix
    if rule != "promise":
        assert f"$.entities.{row}.{column}" == found[rule].path
        assert value == found[rule].value


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        *((row, column, value) for row, column, value, _ in FAULTS),
        ("order", "quantity", True),
        ("order", "quantity", 5.0),
        ("order", "quantity", "5"),
        ("order", "quantity", [5]),
        ("order", "shipped_on", None),
        ("buyer", "born_on", "2027-01-01"),
    ],
)
def test_a_gate_that_let_a_like_plan_pass_judges_as_a_new_one(row: str, column: str, value: Cell) -> None:
    """What has passed is kept for equal cells only: 5, 5.0, True and an absent cell are four different things."""
    seasoned = Gate(BOOK)
    seasoned.approve(make_plan())
    changed = with_cell(make_plan(), row, column, value)

    assert Gate(BOOK).check(changed) == seasoned.check(changed)


def test_what_has_passed_is_judged_anew_on_another_day() -> None:
    """A rule over as_of is asked again when as_of is another."""
    dated = DOMAIN.replace(
        "values:\n", "values:\n    - {id: no-future, table: orders, rule: placed_on <= as_of, fix: wait}\n"
    )
    book = Rulebook(SCHEMA, catalog(domain=dated, one=SCENARIO).domain("shop"))
    seasoned = Gate(book)
    seasoned.approve(make_plan())
    yesterday = dataclasses.replace(make_plan(), as_of=(AS_OF - datetime.timedelta(days=1)).isoformat())

    assert "no-future" in {one.rule for one in seasoned.check(yesterday)}


def test_a_plan_with_a_finding_leaves_nothing_to_be_passed() -> None:
    """A row that was refused is refused again."""
    gate = Gate(BOOK)
    bad = with_cell(make_plan(), "order", "quantity", 1000)

    assert gate.check(bad) == gate.check(bad) != ()


def test_the_next_run_of_a_scenario_brings_the_same_parts() -> None:
    """Keys differ between runs and are no part of a part, so that nothing is kept per run."""
    passed = PassedParts(BOOK)
    one, other = ([passed.part(row, "2026-03-01") for row in make_plan(run_id=id).rows] for id in ("R1", "R2"))

    assert one == other
    assert make_plan(run_id="R1").rows != make_plan(run_id="R2").rows


def test_a_number_that_has_passed_lets_no_boolean_pass() -> None:
    """Python takes 1 and True for equal; the gate does not."""
    gate = Gate(BOOK)
    one = dataclasses.replace(with_cell(make_plan(), "order", "quantity", 1), promises=())
    gate.approve(one)

    assert ["type"] == [finding.rule for finding in gate.check(with_cell(one, "order", "quantity", True))]


def test_what_has_passed_is_forgotten_before_it_fills_the_memory() -> None:
    """Beyond the limit a row is judged whole again, as one that never came before."""
    passed = PassedParts(BOOK, at_most=1)
    first, second = (passed.part(make_plan({"order__quantity": n}).rows[1], "2026-03-01") for n in (5, 6))
    whole = passed.judging("public.orders", first)

    passed.remember([first])
    assert len(passed.judging("public.orders", first).columns) < len(whole.columns)
    passed.remember([second])
    assert whole == passed.judging("public.orders", first)


def test_a_reference_to_nowhere_is_found_unless_the_caller_vouches_for_it() -> None:
    """A generated key must be a planned row's; one that the caller gave may stand in the database already."""
    elsewhere = "00000000-0000-4000-8000-000000000000"
    vouched = with_cell(make_plan(), "order", "buyer_id", elsewhere)

    findings = Gate(BOOK).check(dataclasses.replace(vouched, sources={}))

    assert ["foreign-key:orders_buyer"] == [one.rule for one in findings]
    assert () == Gate(BOOK).check(vouched)


def test_all_findings_are_collected() -> None:
    """One look tells everything that is wrong, not only the first fault."""
    made = with_cell(with_cell(make_plan(), "buyer", "name", "Ann"), "order", "quantity", 0)

    with pytest.raises(PlanRejected) as caught:
        Gate(BOOK).approve(made)

    rules = [one.rule for one in caught.value.findings if isinstance(one, Finding)]
    assert ["fake-name", "check:positive", "promise"] == rules
    assert "begin the name with FAKE_" in caught.value.hint
    assert "plan_rejected" == caught.value.code


def test_a_finding_names_the_source_of_the_value() -> None:
    """An override is blamed as override, a literal of the catalog with file and line."""
    findings = Gate(BOOK).check(make_plan({"order__quantity": 0, "buyer__born_on": "2026-03-02"}))

    by_rule = {one.rule: one.source for one in findings}
    assert "override" == by_rule["check:positive"]
    assert "shop/scenarios/one.yaml:3" == by_rule["not-before-birth"]


def test_an_override_that_breaks_a_promise_is_rejected() -> None:
    """Promises hold whatever is overridden; the finding shows the values that broke it."""
    (finding,) = Gate(BOOK).check(make_plan({"order__quantity": 1}))

    assert ("promise", "$.promises[0]", "shop/scenarios/one.yaml:4") == (finding.rule, finding.path, finding.source)
    assert "order.quantity = 1" in finding.message


def test_a_promise_about_nothing_is_a_finding() -> None:
    """A promise that names no entity, column or parameter cannot be kept."""
    loaded = catalog(domain=DOMAIN, one="entities:\n  buyer: {table: buyers}\npromises: [nobody.name = 'x']\n")
    made = plan(
        loaded.scenario("one"), BOOK, overrides={}, run_id="R1", request_key="k", seed=0, as_of=AS_OF
    )  # fmt: skip

    assert ["promise"] == [one.rule for one in Gate(BOOK).check(made)]


@pytest.mark.parametrize(("count", "rules"), [(0, []), (1, ["promise"])])
def test_a_promise_about_rows_that_are_not_there_holds(count: int, rules: list[str]) -> None:
    """What is said of every row of an entity is true of none, and false where a row breaks it."""
    text = (
        f"entities:\n  buyer: {{table: buyers}}\n  order: {{table: orders, count: {count}, quantity: 5}}\n"
        "promises: [order.quantity = 7]\n"
    )
    made = plan(
        catalog(domain=DOMAIN, one=text).scenario("one"),
        BOOK, overrides={}, run_id="R1", request_key="k", seed=0, as_of=AS_OF,
    )  # fmt: skip

    assert rules == [one.rule for one in Gate(BOOK).check(made)]


def test_two_rows_with_one_unique_value_are_found() -> None:
    """A unique column may not repeat within a plan."""
    two = "entities:\n  a: {table: buyers, name: FAKE_A}\n  b: {table: buyers, name: FAKE_A}\n"
    loaded = catalog(domain=DOMAIN, one=two)
    made = plan(
        loaded.scenario("one"), BOOK, overrides={}, run_id="R1", request_key="k", seed=0, as_of=AS_OF
    )  # fmt: skip

    (finding,) = Gate(BOOK).check(made)

    assert ("unique", "$.entities.b.name") == (finding.rule, finding.path)


def test_an_allotted_key_needs_its_owner() -> None:
    """A reference to a key that no row of the plan has allotted is a finding."""
    made = make_plan()
    rows = (made.rows[0], dataclasses.replace(made.rows[1], keys={"id": "other.id"}))

    assert "key-without-owner" in {one.rule for one in Gate(BOOK).check(dataclasses.replace(made, rows=rows))}


def test_a_row_of_an_unknown_table_is_judged_on_that_alone() -> None:
    """Names that the schema lacks are reported before anything is evaluated."""
    made = make_plan()
    rows = (dataclasses.replace(made.rows[0], table="public.byers"), made.rows[1])

    findings = Gate(BOOK).check(dataclasses.replace(made, rows=rows))

    assert [("unknown-table", 'did you mean "public.buyers"?')] == [(one.rule, one.fix) for one in findings]


def test_validators_of_ones_own_come_after_the_built_in() -> None:
    """An extra validator sees the whole plan and its findings join the others."""

    def find_everything(check: Check) -> Iterator[Finding]:
        yield check.finding("mine", "buyer", "name", message="I do not like it", fix="change it", value="x")

    gate = Gate(BOOK, extra=[Validator("mine", find_everything)])

    assert ("referential", "temporal", "synthetic", "value", "promise", "mine") == gate.validators
    assert ["mine"] == [one.rule for one in gate.check(make_plan())]


@pytest.mark.parametrize(
    ("rule", "error", "word"),
    [
        ("{id: a, table: byers, rule: 'true', fix: x}", SchemaMismatch, "byers"),
        ("{id: a, table: buyers, rule: nme = 'x', fix: x}", SchemaMismatch, "nme"),
        ("{id: a, table: orders, rule: buyer.nme = 'x', fix: x}", SchemaMismatch, "nme"),
        ("{id: a, table: orders, rule: nobody.name = 'x', fix: x}", CatalogError, "nobody.name"),
        ("{id: a, table: orders, rule: 'quantity >', fix: x}", CatalogError, "domain.yaml:4"),
    ],
)
def test_a_rule_that_does_not_fit_the_schema_is_refused(rule: str, error: type[Exception], word: str) -> None:
    """A rule over what the database lacks is an error of the catalog, not a rule that never fires."""
    with pytest.raises(error, match=word):
        rulebook(BUYERS, ORDERS, domain=f"title: Shop\nrules:\n  values:\n    - {rule}\n")


def test_a_constraint_that_no_row_satisfies_is_told_as_such() -> None:
    """A table that only others may inherit from, for instance: no column is to blame."""
    closed = table("closed", Column(name="id", type="integer", nullable=False), checks=(NEVER,))
    book = Rulebook(Schema(tables={closed.id: closed}), catalog().domain("shop"))
    scenario = catalog(one="entities: {row: {table: closed}}\n").scenario("one")
    made = plan(scenario, book, overrides={}, run_id="R", request_key="k", seed=0, as_of=AS_OF)

    (finding,) = Gate(book).check(made)

    assert "false does not hold for any row [constraint never of public.closed]" == finding.message
