from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.catalog import Catalog, Formula, Link, Literal, load_catalog
from pytest_atdm.core.errors import AtdmError, CatalogError, OverrideError, UnknownScenario
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog.scenario import Given

DOMAIN = "title: Shop\n"
BASE = """\
title: An order
intent: Somebody ordered something.
requirements: [R-1]
parameters:
  days: {type: integer, default: 3, minimum: 1, maximum: 10}
  since: {type: date, default: 2026-01-01, minimum: 2025-01-01}
  kind: {type: text, default: a, choices: [a, b]}
entities:
  buyer: {table: buyers, state: new}
  order: {table: orders, buyer: $buyer, placed_on: = as_of - days}
promises: [order.placed_on < as_of]
expects: It ships.
"""


def catalog(**scenarios: str) -> Catalog:
    """Return a catalog of one domain with these scenarios by id."""
    files = {f"shop/scenarios/{name}.yaml": text for name, text in scenarios.items()}
    return load_catalog({"shop/domain.yaml": DOMAIN, "shop/requirements.yaml": "- {id: R-1, title: Ships}\n", **files})


def literals(given: Mapping[str, Given]) -> dict[str, object]:
    """Return the values of what is given; everything must be a literal."""
    return {name: value.value for name, value in given.items() if isinstance(value, Literal)}


def test_values_links_and_formulas_are_told_apart() -> None:
    """A string that begins with = is a formula, with $ a relation, everything else a literal with its line."""
    given = catalog(base=BASE).scenario("base").entities["order"].given

    assert {
        "buyer": Link("buyer", "shop/scenarios/base.yaml:10"),
        "placed_on": Formula("as_of - days", "shop/scenarios/base.yaml:10"),
    } == given


def test_a_scenario_lays_its_own_columns_over_those_it_extends() -> None:
    """Entities merge column by column; promises add up; title and expectation do not descend."""
    child = "title: Paid\nextends: base\nentities:\n  order: {paid: true}\npromises: [order.paid]\n"

    scenario = catalog(base=BASE, child=child).scenario("child")

    assert Literal(True, "shop/scenarios/child.yaml:4") == scenario.entities["order"].given["paid"]
    assert "buyer" in scenario.entities
    assert ["order.placed_on < as_of", "order.paid"] == [promise.expression for promise in scenario.promises]
    assert ("Paid", "", ("R-1",)) == (scenario.title, scenario.expects, scenario.requirements)


def test_mixins_lie_between_the_base_and_the_scenario() -> None:
    """A mixin overrides what is extended and is overridden by the file itself; it cannot be requested."""
    files = {
        "shop/domain.yaml": DOMAIN,
        "shop/requirements.yaml": "- {id: R-1, title: Ships}\n",
        "shop/scenarios/base.yaml": BASE,
        "shop/mixins/rich.yaml": "entities:\n  buyer: {state: rich, credit: 5}\n",
        "shop/scenarios/child.yaml": "extends: base\nmixins: [rich]\nentities:\n  buyer: {credit: 7}\n",
    }

    loaded = load_catalog(files)

    given = loaded.scenario("child").entities["buyer"].given
    assert {"state": "rich", "credit": 7} == literals(given)
    assert ("base", "child") == loaded.scenario_ids


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("title: a\ntitle: b\n", 2, "twice"),
        ("title: &x a\n", 1, "anchor"),
        ("title: a\nintent: *x\n", 2, "alias"),
        ("title: !!str a\n", 1, "tag"),
        ("title: a\n---\ntitle: b\n", 2, "second document"),
        ("entities:\n  a:\n    <<: {table: t}\n", 3, "merge key"),
        ("title: a\nsurprise: b\n", 2, "surprise"),
        ("title: 5\n", 1, "title"),
        ("title: [a\n", 2, "not YAML"),
        ("entities:\n  a: {state: new}\n", 2, "no table"),
        ("entities:\n  a: {table: t, b: $c}\n", 2, '"$c"'),
        ("entities:\n  a__b: {table: t}\n", 2, "a__b"),
        ("requirements: [R-2]\n", 1, "R-2"),
        ("parameters:\n  a: {type: integer, default: x}\n", 2, "default"),
        ("parameters:\n  index: {type: integer, default: 1}\n", 2, "built-in"),
        ("extends: nothing\n", 1, "nothing"),
        ("extends: broken\n", 1, "extends itself"),
        ("entities:\n  a: {table: t, count: -1}\n", 2, "count"),
    ],
)
def test_a_fault_is_named_with_file_and_line(text: str, line: int, word: str) -> None:
    """Every fault of a catalog file is a CatalogError that names file, line and the thing, with a hint."""
    with pytest.raises(CatalogError) as caught:
        catalog(broken=text).scenario("broken")

    assert f"shop/scenarios/broken.yaml:{line}: " in caught.value.message
    assert word in caught.value.message
    assert "catalog_error" == caught.value.code
    assert caught.value.hint


def test_scalars_are_typed_as_json_does() -> None:
    """Words such as no, dates and numbers with leading zeros stay text."""
    text = "entities:\n  a: {table: t, b: no, c: 2026-01-01, d: 00123, e: 1.5, f: null, g: '5', h: true}\n"

    given = catalog(base=text).scenario("base").entities["a"].given

    expected = {"b": "no", "c": "2026-01-01", "d": "00123", "e": 1.5, "f": None, "g": "5", "h": True}
    assert expected == literals(given)


def test_columns_named_like_a_word_of_the_format_stand_below_columns() -> None:
    """``columns`` gives access to columns called table, count or existing."""
    entity = catalog(base="entities:\n  a: {table: t, columns: {count: 3, table: x}}\n").scenario("base").entities["a"]

    assert {"count": 3, "table": "x"} == literals(entity.given)


def test_an_unknown_scenario_suggests_the_nearest() -> None:
    """The hint of UnknownScenario names the most similar id."""
    with pytest.raises(UnknownScenario) as caught:
        catalog(base=BASE).scenario("bse")

    assert ("unknown_scenario", 'did you mean "base"?') == (caught.value.code, caught.value.hint)


@pytest.mark.parametrize(
    ("word", "known", "kind", "advice"),
    [
        ("kee", ["key", "row"], "entity", 'did you mean "key"?'),
        ("x", ["row", "key"], "entity", "known entities: key, row"),
        ("x", ["row"], "column", "known columns: row"),
        ("x", [], "entity", "there is no entity at all"),
        (
            "x",
            [f"a{n}" for n in range(10, 32)],
            "key",
            f"known keys: {', '.join(f'a{n}' for n in range(10, 30))}, and 2 more",
        ),
    ],
)
def test_a_misspelt_name_gets_the_nearest_or_a_list(word: str, known: list[str], kind: str, advice: str) -> None:
    """A list that is cut says how much is missing."""
    assert advice == suggest(word, known, kind)


def test_a_file_that_would_be_passed_over_is_refused() -> None:
    """A scenario in ``.yml`` is not a scenario that is not there: its author is told."""
    with pytest.raises(CatalogError, match=r"shop/scenarios/x\.yml: files of a catalog end with \.yaml"):
        load_catalog({"shop/domain.yaml": DOMAIN, "shop/scenarios/x.yml": BASE})


def test_two_files_with_one_id_are_refused() -> None:
    """Ids are unique over all domains; both files are named."""
    with pytest.raises(CatalogError, match=r"a/scenarios/x\.yaml and in b/scenarios/x\.yaml"):
        load_catalog({"a/scenarios/x.yaml": "", "b/scenarios/x.yaml": ""})


def test_overrides_are_sorted_into_parameters_and_cells() -> None:
    """A parameter, ``entity__column`` and a mapping of columns are the three ways to override."""
    asked = catalog(base=BASE).check("base", {"days": 5, "order__paid": True, "buyer": {"state": "old", "credit": 1}})

    assert {"days": 5, "since": "2026-01-01", "kind": "a"} == asked.parameters
    assert {("order", "paid"): True, ("buyer", "state"): "old", ("buyer", "credit"): 1} == asked.cells


@pytest.mark.parametrize(
    ("overrides", "word", "hint"),
    [
        ({"dys": 5}, '"dys"', 'did you mean "days"?'),
        ({"ordr__paid": 5}, '"ordr__paid"', 'did you mean "order"?'),
        ({"days": 11}, "days is 11", "from 1 up to 10"),
        ({"days": 0}, "days is 0", "from 1 up to 10"),
        ({"days": True}, "days is True", "type integer"),
        ({"days": "5"}, "days is '5'", "type integer"),
        ({"since": "2024-12-31"}, "since", "from 2025-01-01"),
        ({"since": "yesterday"}, "since", "type date"),
        ({"kind": "c"}, "kind is 'c'", "['a', 'b']"),
        ({"order": 5}, '"order" is an entity', "order__column"),
        ({"order": {"paid": True}, "order__paid": False}, '"order.paid" is given twice', "once"),
    ],
)
def test_a_bad_override_is_named(overrides: dict[str, object], word: str, hint: str) -> None:
    """An override that is unknown, of the wrong type, out of range or given twice is rejected with the key's name."""
    with pytest.raises(OverrideError) as caught:
        catalog(base=BASE).check("base", overrides)

    assert word in caught.value.message
    assert hint in caught.value.hint
    assert "override_error" == caught.value.code


def test_python_objects_are_parameters_too() -> None:
    """A date object becomes ISO text, a Decimal a number."""
    text = "parameters:\n  on: {type: date, default: 2026-01-01}\n  rate: {type: number, default: 1}\n"

    asked = catalog(base=text).check("base", {"on": datetime.date(2026, 2, 3), "rate": Decimal("1.5")})

    assert {"on": "2026-02-03", "rate": 1.5} == asked.parameters


@pytest.mark.parametrize("value", [math.nan, math.inf, Decimal("NaN"), True, "1"])
def test_a_number_without_limits_is_a_number_still(value: object) -> None:
    """What no limit bounds, and JSON cannot say, is refused with the parameter's name."""
    text = "parameters:\n  rate: {type: number, default: 1, minimum: 0, maximum: 9}\n"

    with pytest.raises(OverrideError, match="rate is") as caught:
        catalog(base=text).check("base", {"rate": value})

    assert "give a value of type number" == caught.value.hint


def test_reference_rows_have_keys_that_stand_once() -> None:
    """A reference row without its key, or with the key of another, is refused with its line."""
    text = "table: t\nkey: [code]\nrows:\n  - {code: a}\n  - {code: a}\n"
    files = {"shop/domain.yaml": DOMAIN, "shop/reference/t.yaml": text}

    with pytest.raises(CatalogError, match=r"t\.yaml:5: the key \['a'\] stands twice"):
        load_catalog(files).domain("shop")


def test_a_domain_that_is_not_there_is_named() -> None:
    """Asking for an unknown domain is a CatalogError with the nearest name."""
    with pytest.raises(AtdmError) as caught:
        catalog(base=BASE).domain("shp")

    assert ("catalog_error", 'did you mean "shop"?') == (caught.value.code, caught.value.hint)
