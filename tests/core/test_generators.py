from __future__ import annotations

import datetime
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core import wire
from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import AtdmError, CatalogError, PlanImpossible, SchemaMismatch, SettingError
from pytest_atdm.core.explain import explain
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Unique
from pytest_atdm.realistic import iter_realistic
from tests.core.schemas import table

if TYPE_CHECKING:
    from pytest_atdm.core.model import Cell, Plan

AS_OF = datetime.date(2026, 3, 1)
CURRENCIES = table("currencies", Column(name="code", type="character(3)", nullable=False))
ORDERS = table(
    "orders",
    Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.orders_id_seq"),
    Column(name="number", type="character varying(12)", nullable=False),
    Column(name="currency", type="character(3)", nullable=False),
    Column(name="city", type="text"),
    Column(name="status", type="text", nullable=False, default="'cart'::text"),
    Column(name="sent_by", type="text"),
    Column(name="tags", type="text[]"),
    uniques=(Unique(name="orders_number_key", columns=("number",)),),
    foreign_keys=(
        ForeignKey(name="orders_currency", columns=("currency",), parent="public.currencies", parent_columns=("code",)),
    ),
    checks=(
        Check(name="carts_are_not_sent", expression="((status <> 'cart'::text) OR (sent_by IS NULL))"),
        Check(name="city_is_short", expression="(length(city) < 6)"),
    ),
)
REFERENCE = "table: currencies\nkey: [code]\nrows:\n  - {code: EUR}\n  - {code: XTS}\n"


def rulebook(*columns: str, **more: str) -> Rulebook:
    """Return the rulebook of the shop with these lines below ``columns``."""
    text = "title: Shop\ncolumns:\n" + "".join(f"  {line}\n" for line in columns)
    files = {"shop/domain.yaml": text, **more}
    schema = Schema(tables={one.id: one for one in (CURRENCIES, ORDERS)})
    return Rulebook(schema, load_catalog(files, iter_realistic).domain("shop"))


def make(book: Rulebook, *, count: int = 1, given: str = "", key: str = "k") -> Plan:
    """Return the plan of *count* orders, which have what is *given*."""
    scenario = load_catalog(
        {
            "shop/domain.yaml": "title: Shop\n",
            "shop/scenarios/one.yaml": f"entities:\n  o: {{table: orders, count: {count}{given}}}\n",
        }
    ).scenario("one")
    return plan(scenario, book, overrides={}, run_id="R", request_key=key, seed=0, as_of=AS_OF)


def cells(made: Plan, column: str) -> list[Cell]:
    """Return what *column* holds in the planned orders."""
    return [row.values[column] for row in made.rows if row.table == ORDERS.id]


def test_values_come_from_the_list_alone() -> None:
    """A column with a list has values of it, although it could stay NULL or at its default."""
    book = rulebook("orders.city: {values: [Kiel, Bonn]}", "public.orders.status: {values: [open, paid]}")

    made = make(book, count=12)

    assert {"Kiel", "Bonn"} == set(cells(made, "city"))
    assert {"open", "paid"} == set(cells(made, "status"))
    assert () == Gate(book).check(made)


def test_what_is_given_wins() -> None:
    """A value of the scenario is taken as it stands, NULL too."""
    book = rulebook("orders.city: {values: [Kiel]}")

    assert ["Ulm"] == cells(make(book, given=", city: Ulm"), "city")
    assert [None] == cells(make(book, given=", city: null"), "city")


def test_values_satisfy_the_conditions() -> None:
    """Of a list those values are drawn that every CHECK lets pass."""
    book = rulebook("orders.city: {values: [Stuttgart, Hannover, Ulm]}")

    assert {"Ulm"} == set(cells(make(book, count=5), "city"))


def test_where_conditions_leave_null_alone_the_column_is_null() -> None:
    """An optional column has no value of its generator where a condition forbids any."""
    book = rulebook("orders.sent_by: {values: [post]}")

    assert [None] == cells(make(book, given=", status: cart"), "sent_by")
    assert ["post"] == cells(make(book, given=", status: paid"), "sent_by")


def test_where_nothing_fits_the_generator_is_named() -> None:
    """A list of which no value satisfies a CHECK is an error with its file and line."""
    with pytest.raises(PlanImpossible) as caught:
        make(rulebook("orders.city: {values: [Stuttgart]}"))

    assert "values Stuttgart (shop/domain.yaml:3)" in caught.value.message
    assert "let the catalog give more values" in caught.value.hint


def test_values_of_a_list_differ_where_they_must() -> None:
    """Under a unique constraint each row has another value of the list, and no row is left without."""
    book = rulebook("orders.number: {values: [A, B, C]}")

    assert ["A", "B", "C"] == sorted(map(str, cells(make(book, count=3), "number")))
    with pytest.raises(PlanImpossible, match="out of values A, B, C"):
        make(book, count=4)


@pytest.mark.parametrize(
    "line", ["orders.number: {pattern: 'TEST-[0-9]{6}'}", "orders.number: {mimesis: person.password}"]
)
def test_unique_values_differ_between_requests(line: str) -> None:
    """Under a unique constraint requests draw values of their own; the same request draws the same again."""
    book = rulebook(line)

    first, other = cells(make(book, count=3), "number"), cells(make(book, count=3, key="other"), "number")

    assert set(first).isdisjoint(other)
    assert first == cells(make(rulebook(line), count=3), "number")


def test_a_plan_with_generators_is_deterministic() -> None:
    """Equal arguments give the same bytes, whatever was drawn before."""
    lines = ("orders.city: {mimesis: address.city, locale: de}", "orders.number: {pattern: '[A-Z]+-[0-9]+'}")
    used = rulebook(*lines)
    make(used, count=4, key="before")

    assert wire.dump_plan(make(used, count=4)) == wire.dump_plan(make(rulebook(*lines), count=4))


PARTS = st.sampled_from(["[A-Z]{2}", "x?", "(?:ab|cd)", r"\d+", "-", "[^a-z]", "(?<!x)y", r"\w*"])


@given(st.lists(PARTS, min_size=1, max_size=4).map("".join))
def test_texts_match_their_pattern_as_a_whole(pattern: str) -> None:
    """What is drawn of a pattern matches it from end to end and fits the column."""
    column = Column(name="note", type="character varying(40)", nullable=False)
    notes = table("notes", Column(name="id", type="uuid", nullable=False), column)
    files = {
        "shop/domain.yaml": f"title: S\ncolumns:\n  notes.note: {{pattern: '{pattern}'}}\n",
        "shop/scenarios/one.yaml": "entities:\n  note: {table: notes}\n",
    }
    loaded = load_catalog(files)
    book = Rulebook(Schema(tables={notes.id: notes}), loaded.domain("shop"))
    try:
        made = plan(loaded.scenario("one"), book, overrides={}, run_id="R", request_key="k", seed=0, as_of=AS_OF)
    except PlanImpossible:  # a look-behind that its neighbour denies
        assert "(?<!x)y" in pattern
        return

    text = str(made.rows[0].values["note"])
    assert re.fullmatch(pattern, text)
    assert len(text) <= 40


def test_a_pattern_heeds_the_length_of_its_column() -> None:
    """Repetitions without an end are cut to what the column takes."""
    numbers = cells(make(rulebook("orders.number: {pattern: '[a-z]+-[0-9]+'}"), count=20), "number")

    assert all(re.fullmatch("[a-z]+-[0-9]+", str(number)) and len(str(number)) <= 12 for number in numbers)


def test_a_reference_takes_values_of_reference_rows() -> None:
    """A column can hold what a column of the catalog's reference rows holds, as a foreign key or without one."""
    files = {"shop/reference/currencies.yaml": REFERENCE}
    book = rulebook(
        "orders.currency: {reference: currencies.code}", "orders.city: {reference: currencies.code}", **files
    )

    made = make(book, count=12)

    assert {"EUR", "XTS"} == set(cells(made, "city"))
    assert () == Gate(book).check(made)


def test_mimesis_speaks_the_locale() -> None:
    """Values come from mimesis in the locale that the rules file gives, English without."""
    made = make(rulebook("orders.city: {mimesis: person.sex, locale: ja}"), count=20)

    assert all(re.search("[\u3040-\u30ff\u4e00-\u9fff]", str(city)) for city in cells(made, "city"))


def test_an_explanation_names_the_generator() -> None:
    """A value that a generator gave has that as its origin, with file and line."""
    scenario = load_catalog(
        {"shop/domain.yaml": "title: S\n", "shop/scenarios/one.yaml": "entities:\n  o: {table: orders}\n"}
    ).scenario("one")
    book = rulebook("orders.city: {values: [Kiel, Bonn]}", "orders.number: {pattern: 'N[0-9]{9}'}")
    told = explain(plan(scenario, book, overrides={}, run_id="R", request_key="k", seed=0, as_of=AS_OF), scenario, book)

    found = {cell.column: cell for cell in told.rows["o"].cells}

    assert ("generator", "generator") == (found["city"].origin, found["number"].origin)
    assert ["generator values Kiel, Bonn shop/domain.yaml:3", "check city_is_short"] == [
        " ".join([one.kind, one.name, *([one.text, one.source] if one.kind == "generator" else [])])
        for one in found["city"].causes
    ]
    assert ["generator", "unique"] == [one.kind for one in found["number"].causes]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("city: {values: [A]}", 'domain.yaml:3: "city" is no column of a table'),
        ("orders.city: {}", 'domain.yaml:3: "orders.city" has nothing'),
        ("orders.city: {values: [A], pattern: A}", 'domain.yaml:3: "orders.city" has values and pattern'),
        ("orders.city: {values: []}", "at least 1 item"),
        ("orders.city: {values: [A, null]}", "null is not drawn"),
        ("orders.city: {values: [A], locale: de}", "has a locale, and does not use mimesis"),
        ("orders.city: {pattern: '[A'}", "is no regular expression"),
        ("orders.city: {faker: city}", "Extra inputs"),
        ("orders.status: {values: [1]}", "orders.status cannot be 1"),
        ("orders.id: {values: [1]}", "is filled by the database"),
        ("orders.currency: {values: [EUR]}", "is a foreign key"),
        ("orders.city: {reference: currencies.code}", "no reference row of the catalog has a value there"),
    ],
)
def test_a_fault_is_told_with_file_and_line(line: str, message: str) -> None:
    """What cannot be a generator of its column is refused before anything is planned."""
    with pytest.raises(CatalogError) as caught:
        rulebook(line)

    assert "shop/domain.yaml:3" in caught.value.message
    assert message in caught.value.message
    assert caught.value.hint


def test_two_generators_of_a_column_are_refused() -> None:
    """A column that is named by table and by id has two generators: neither wins."""
    with pytest.raises(CatalogError, match=r"domain.yaml:4: public.orders.city has a generator in shop/domain.yaml:3"):
        rulebook("orders.city: {values: [A]}", "public.orders.city: {values: [B]}")


@pytest.mark.parametrize("name", ["ordrs.city", "orders.citty"])
def test_what_the_database_lacks_is_named(name: str) -> None:
    """A table or column that the database lacks is an error that names the nearest."""
    with pytest.raises(SchemaMismatch) as caught:
        rulebook(f"{name}: {{values: [A]}}")

    assert "shop/domain.yaml:3" in caught.value.message
    assert "did you mean" in caught.value.hint


@pytest.mark.parametrize(
    ("what", "message", "hint"),
    [
        ("{mimesis: address.citty}", 'mimesis has no "address.citty"', 'did you mean "address.city"?'),
        ("{mimesis: os.system}", 'mimesis has no "os.system"', "known names: "),
        ("{mimesis: address.city, locale: xx}", 'mimesis has no locale "xx"', "known locales: "),
        ("{mimesis: numeric.increment}", "gives other values each time", "depend on a seed alone"),
        ("{mimesis: datetime.date}", 'mimesis has no "datetime.date"', "known names: "),
    ],
)
def test_what_mimesis_lacks_is_named(what: str, message: str, hint: str) -> None:
    """Only values that mimesis gives again for a seed can be named; what comes near is told."""
    with pytest.raises(AtdmError) as caught:
        make(rulebook(f"orders.city: {what}"))

    assert isinstance(caught.value, CatalogError)
    assert caught.value.message.startswith("shop/domain.yaml:3: ")
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("what", ["{mimesis: person.patronymic}", "{pattern: 'a(?!.)b'}", "{mimesis: text.words}"])
def test_what_gives_no_value_of_the_type_is_told(what: str) -> None:
    """Where nothing that is drawn is a value of the column, the search ends with an error that names the generator."""
    with pytest.raises(PlanImpossible, match=r"shop/domain.yaml:3"):
        make(rulebook(f"orders.city: {what}"))


def test_without_mimesis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where mimesis is not installed, the error says how to get it; what else the catalog says works on."""
    monkeypatch.setitem(sys.modules, "mimesis", None)
    book = rulebook("orders.city: {values: [Kiel]}", "orders.sent_by: {mimesis: person.name, locale: is}")

    with pytest.raises(SettingError) as caught:
        make(book, given=", status: paid")

    assert "shop/domain.yaml:4" in caught.value.message
    assert 'pip install "pytest-atdm[providers]"' == caught.value.hint
    assert ["Kiel"] == cells(make(book, given=", sent_by: me, status: paid"), "city")
