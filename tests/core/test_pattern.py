"""A plan made from the pattern of an earlier one is the plan that would have been made without it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pytest_atdm.core import wire
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Unique
from tests.core.schemas import catalog, rulebook, situations, table
from tests.core.test_planner import AS_OF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog import Scenario

REQUESTS = (*((run_id, key) for run_id in ("R1", "R2") for key in "abcdefgh"), ("R1", "a"))
PARTS = table(
    "parts",
    Column(name="number", type="text", nullable=False),
    Column(name="label", type="text", nullable=False),
    Column(name="low", type="integer", nullable=False),
    Column(name="high", type="integer", nullable=False),
    Column(name="note", type="text"),
    Column(name="rank", type="integer"),
    uniques=(Unique(name="parts_high", columns=("high",)), Unique(name="parts_rank", columns=("rank",))),
    checks=(
        Check(name="marked", expression="(number ~ '^P-[0-9]{6}$')"),
        Check(name="ordered", expression="(low < high)"),
        Check(name="small_low", expression="(low BETWEEN 0 AND 900)"),
        Check(name="small_high", expression="(high BETWEEN 1 AND 1000)"),
        Check(name="told", expression="(high < 500 OR note IS NOT NULL)"),
    ),
)
USES = table(
    "uses",
    Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.uses_id_seq"),
    Column(name="part_number", type="text", nullable=False),
    Column(name="label", type="text", nullable=False),
    Column(name="amount", type="integer", nullable=False),
    Column(name="note", type="text"),
    foreign_keys=(
        ForeignKey(name="uses_part", columns=("part_number",), parent="public.parts", parent_columns=("number",)),
    ),
    checks=(Check(name="amounts", expression="(amount BETWEEN 1 AND 9)"),),
)
SEATS = table(
    "seats",
    Column(name="number", type="integer", nullable=False),
    checks=(Check(name="few", expression="(number BETWEEN 1 AND 3)"),),
)
SPANS = table(
    "spans",
    Column(name="first", type="integer", nullable=False),
    Column(name="last", type="integer", nullable=False),
    checks=(
        Check(name="from", expression="(first BETWEEN 0 AND 900)"),
        Check(name="to", expression="(last BETWEEN 0 AND 900)"),
        Check(name="late", expression="((last IS NOT NULL) OR (first < 3))"),
    ),
)
STEPS = table(
    "steps",
    Column(name="start", type="integer", nullable=False),
    Column(name="stop", type="integer", nullable=False),
    checks=(
        Check(name="from", expression="(start BETWEEN 0 AND 4)"),
        Check(name="to", expression="(stop BETWEEN 0 AND 4)"),
        Check(name="grows", expression="(start < stop)"),
    ),
)
TABLES = (PARTS, USES, SEATS, SPANS, STEPS)
DOMAIN = """\
title: Shop
rules:
  values:
    - {id: enough, table: uses, rule: amount * 200 > part.high, fix: use more}
    - {id: noted, table: uses, rule: note IS NOT NULL OR part.high < 500, fix: say why}
"""


def make(scenario: Scenario, book: Rulebook, request: tuple[str, str], overrides: Mapping[str, object]) -> bytes:
    """Return the bytes of the plan for *request*."""
    run_id, key = request
    made = plan(scenario, book, overrides=overrides, run_id=run_id, request_key=key, seed=3, as_of=AS_OF)
    return wire.dump_plan(made)


def find_plans(scenario: Scenario, book: Rulebook, overrides: Mapping[str, object]) -> list[bytes]:
    """Return the plans for all requests, one after the other from one rulebook."""
    return [make(scenario, book, request, overrides) for request in REQUESTS]


@settings(max_examples=150, deadline=None)
@given(situations())
def test_a_plan_does_not_depend_on_the_plans_before_it(situation: tuple[Schema, str]) -> None:
    """For random schemas and scenarios: the same bytes from a rulebook that has planned, and from a new one."""
    schema, text = situation
    loaded = catalog(one=text)
    book = Rulebook(schema, loaded.domain("shop"))
    scenario = loaded.scenario("one")

    fresh = [make(scenario, Rulebook(schema, loaded.domain("shop")), request, {}) for request in REQUESTS]

    assert fresh == find_plans(scenario, book, {})
    event(f"has a pattern: {bool(book.patterns)}")


# No pattern: a formula over a unique value, a reference by value, and rows that every request had to fill twice.
@pytest.mark.parametrize(
    ("entities", "has_pattern"),
    [
        ("part: {table: parts}", True),
        ("part: {table: parts, count: 4}\n  use: {table: uses, count: 3, part: $part}", False),
        ("use: {table: uses}", True),
        ("part: {table: parts, low: 100}", True),
        ("part: {table: parts, low: = 3 * 7, label: = 'L' || low}", True),
        ("part: {table: parts, label: = 'L' || number}", False),
        ("part: {table: parts, low: = high - 1}", False),
        ("a: {table: parts, high: 600, note: x}\n  b: {table: parts, count: 2}", False),
        ("part: {table: parts}\n  use: {table: uses, part: $part, label: = part.label, amount: 5}", True),
        ("part: {table: parts, number: P-000001}\n  use: {table: uses, part_number: P-000001}", False),
        ("part: {table: parts, rank: 1}\n  other: {table: parts}", True),
        ("a: {table: seats}\n  b: {table: seats, number: 2}", True),
        ("span: {table: spans}", True),
        ("step: {table: steps}", True),
        ("part: {table: parts, note: x, low: 0}\n  use: {table: uses, part: $part}", True),
        ("a: {table: spans, last: 5}\n  b: {table: spans, count: 2}", True),
    ],
)
def test_what_follows_from_a_unique_value_follows_again(entities: str, *, has_pattern: bool) -> None:
    """Conditions, copies and rules that look at a value of the request are asked anew; where steps differ, all are."""
    text = f"entities:\n  {entities}\n"
    loaded = catalog(domain=DOMAIN, one=text)
    scenario = loaded.scenario("one")
    book = rulebook(*TABLES, domain=DOMAIN, one=text)

    fresh = [make(scenario, rulebook(*TABLES, domain=DOMAIN, one=text), request, {}) for request in REQUESTS]

    assert fresh == find_plans(scenario, book, {})
    assert fresh[0] == fresh[-1]
    assert len(set(fresh)) == len(fresh) - 1
    assert has_pattern is bool(book.patterns)


@given(first=st.integers(0, 400), second=st.integers(0, 400), kind=st.sampled_from([int, str, float]))
def test_each_override_has_a_pattern_of_its_own(first: int, second: int, kind: type) -> None:
    """Values that look alike are told apart by their type; the same again is the same plan."""
    loaded = catalog(one="entities:\n  part: {table: parts}\n")
    scenario = loaded.scenario("one")
    book = rulebook(PARTS, USES)
    asked = [{"part__low": kind(first)}, {"part__low": second}, {"part__low": kind(first)}]

    warm = [find_plans(scenario, book, overrides) for overrides in asked]

    cold = [find_plans(scenario, rulebook(PARTS, USES), overrides) for overrides in asked]
    assert cold == warm


def test_a_pattern_is_enough_for_the_next_request() -> None:
    """What is made from a pattern alone is the whole plan; the cells that no request changes are not drawn again."""
    loaded = catalog(one="entities:\n  part: {table: parts, count: 2, low: 0}\n")
    book = rulebook(PARTS, USES)
    make(loaded.scenario("one"), book, ("R1", "a"), {})
    (pattern,) = book.patterns.values()

    again = pattern.repeat(book, AS_OF, "R2", "b")

    assert again is not None
    assert make(loaded.scenario("one"), rulebook(PARTS, USES), ("R2", "b"), {}) == wire.dump_plan(again)


def test_patterns_are_bounded() -> None:
    """A rulebook keeps no more of them than it says, however many scenarios and overrides there are."""
    loaded = catalog(one="parameters:\n  n: {type: integer, default: 0}\nentities:\n  part: {table: parts, low: = n}\n")
    scenario = loaded.scenario("one")
    book = rulebook(PARTS, USES)

    for number in range(300):
        make(scenario, book, ("R", "k"), {"n": number})

    assert 0 < len(book.patterns) <= 256


def test_a_scenario_that_was_read_again_is_planned_anew() -> None:
    """A pattern is of the very scenario that it was made of, not of one that stands where that one stood in memory."""
    book = rulebook(PARTS, USES)
    texts = itertools.cycle(["low: 5", "low: 6"])

    for _ in range(20):
        text = next(texts)
        loaded = catalog(one=f"entities:\n  part: {{table: parts, {text}}}\n")
        body = make(loaded.scenario("one"), book, ("R", "k"), {})
        assert f'"{text.replace(": ", chr(34) + ":")}'.encode() in body
