from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import CatalogError, PlanImpossible, SchemaMismatch
from pytest_atdm.core.explain import explain
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.model import ExistingRow, PlannedRow
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema
from pytest_atdm.core.tables import list_reference_tables
from tests.core.schemas import table

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.planner import Advice

AS_OF = datetime.date(2026, 3, 1)


def key(name: str, column: str, parent: str, to: str = "id") -> ForeignKey:
    """Return the foreign key from *column* to the column *to* of *parent*."""
    return ForeignKey(name=name, columns=(column,), parent=f"public.{parent}", parent_columns=(to,))


COUNTRIES = table(
    "countries",
    Column(name="code", type="text", nullable=False),
    Column(name="union", type="text"),
    foreign_keys=(key("countries_union", "union", "countries", "code"),),
)
LOGS = table("logs", Column(name="id", type="uuid", nullable=False))
PEOPLE = table(
    "people",
    Column(name="id", type="uuid", nullable=False),
    Column(name="country", type="text", nullable=False),
    Column(name="birth_country", type="text"),
    foreign_keys=(
        key("people_birth_country", "birth_country", "countries", "code"),
        key("people_country", "country", "countries", "code"),
    ),
    checks=(Check(name="not_at_sea", expression="(country <> 'XX'::text)"),),
)
ENTRIES = table(
    "entries",
    Column(name="id", type="uuid", nullable=False),
    Column(name="log_id", type="uuid", nullable=False),
    foreign_keys=(key("entries_log", "log_id", "logs"),),
)
SCHEMA = Schema(tables={one.id: one for one in (COUNTRIES, LOGS, PEOPLE, ENTRIES)})
DOMAIN = "title: World\ntables:\n  countries: reference\n  public.logs: untouched\n"
STANDING = {"public.countries": [{"code": code, "union": None} for code in ("XX", "ZA", "ZB")]}


def rulebook(domain: str = DOMAIN, standing: Any = STANDING, **files: str) -> Rulebook:
    """Return the rulebook of the world, in whose database *standing* stands."""
    return Rulebook(SCHEMA, load_catalog({"world/domain.yaml": domain, **files}).domain("world"), standing)


def scenario(text: str) -> Scenario:
    """Return the scenario with these entities."""
    return load_catalog(
        {"world/domain.yaml": "title: W\n", "world/scenarios/one.yaml": f"entities:\n  {text}\n"}
    ).scenario("one")


def make(text: str, book: Rulebook, advice: Advice = NO_ADVICE) -> Plan:
    """Return the plan of a scenario with these entities."""
    return plan(scenario(text), book, overrides={}, run_id="R", request_key="k", seed=0, as_of=AS_OF, advice=advice)


def test_a_parent_that_stands_there_is_taken() -> None:
    """Where a row of a reference table is needed, one that the conditions allow is taken, and none is made."""
    book = rulebook()

    made = make("who: {table: people, count: 9}", book)

    assert {PEOPLE.id} == {row.table for row in made.rows}
    assert ["public.countries"] == [row.table for row in made.existing]
    assert made.existing[0].values in STANDING["public.countries"][1:]
    assert {made.existing[0].values["code"]} == {row.values["country"] for row in made.rows}
    assert () == Gate(book).check(made)


def test_a_row_that_stands_there_can_be_named() -> None:
    """``existing`` names a row of a reference table by any of its columns."""
    made = make("home: {table: countries, existing: {code: ZB}}\n  who: {table: people, country: $home}", rulebook())

    assert "ZB" == made.rows[0].values["country"]


def test_reference_rows_of_the_catalog_win() -> None:
    """Where the catalog has rows of the table, they are what may be referred to; the database is not asked."""
    rows = "table: countries\nkey: [code]\nrows:\n  - {code: QQ}\n"
    book = rulebook(**{"world/reference/countries.yaml": rows})

    assert "QQ" == make("who: {table: people}", book).rows[0].values["country"]
    assert [] == list_reference_tables(SCHEMA, book.domain)
    assert ["public.countries"] == list_reference_tables(SCHEMA, rulebook().domain)


def test_an_empty_reference_table_is_told() -> None:
    """Without a row to refer to there is no plan; the error says which table is empty and why none is made."""
    with pytest.raises(PlanImpossible) as caught:
        make("who: {table: people}", rulebook(standing={"public.countries": []}))

    assert '"who" needs a row of public.countries by people_country' in caught.value.message
    assert "no other row of it stands in the database (world/domain.yaml:3)" in caught.value.message
    assert "add the row" in caught.value.hint


def test_an_optional_reference_to_an_empty_table_stays_null() -> None:
    """Rows that shall be filled in full do without a parent that nobody may make."""
    book = rulebook("title: W\ntables: {logs: untouched, countries: reference}\n", standing={})

    made = make("who: {table: people, country: ZA}", book, NO_ADVICE.filling(PEOPLE.id))

    assert None is made.rows[0].values.get("birth_country")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "home: {table: countries}",
            "the rows of public.countries are reference data: none is made (world/domain.yaml:3)",
        ),
        ("log: {table: logs}", "the rows of public.logs are never touched (world/domain.yaml:4)"),
        ("log: {table: logs, existing: {id: 1}}", "the rows of public.logs are never touched (world/domain.yaml:4)"),
        ("home: {table: countries, existing: {code: YY}}", "no reference row of public.countries has {'code': 'YY'}"),
    ],
)
def test_a_scenario_that_wants_such_a_row_is_refused(text: str, message: str) -> None:
    """An entity of a reference table names a row that stands there; an untouched table has no entity."""
    with pytest.raises(CatalogError) as caught:
        make(text, rulebook())

    assert caught.value.message.startswith("world/scenarios/one.yaml:2: entity ")
    assert message in caught.value.message
    assert caught.value.hint


def test_a_parent_in_an_untouched_table_is_not_made() -> None:
    """A row that cannot do without an untouched table can only be given the value itself."""
    with pytest.raises(PlanImpossible) as caught:
        make("entry: {table: entries}", rulebook())

    assert "that table is never touched (world/domain.yaml:4)" in caught.value.message
    assert "give log_id a value" in caught.value.hint
    id = "00000000-0000-0000-0000-000000000001"
    made = make(f"entry: {{table: entries, log_id: '{id}'}}", rulebook())
    assert () == Gate(rulebook()).check(made)


@pytest.mark.parametrize(
    ("table_id", "rule"), [("public.countries", "reference-table"), ("public.logs", "untouched-table")]
)
def test_the_gate_refuses_a_planned_row_of_such_a_table(table_id: str, rule: str) -> None:
    """Whoever made the plan: rows of these tables do not pass, and the finding names the line of the domain."""
    made = make("who: {table: people}", rulebook())
    column = SCHEMA.tables[table_id].primary_key[0]
    cell = "ZZ" if column == "code" else "00000000-0000-0000-0000-000000000001"
    more = PlannedRow(name="more", entity="more", table=table_id, values={column: cell}, keys={})

    found = Gate(rulebook()).check(dataclasses.replace(made, rows=(*made.rows, more)))

    assert [(rule, "$.entities.more")] == [(one.rule, one.path) for one in found]
    assert "world/domain.yaml" in found[0].message


def test_the_gate_refuses_to_refer_to_an_untouched_table() -> None:
    """A plan does not name rows of an untouched table either."""
    made = make("who: {table: people}", rulebook())
    row = ExistingRow(name="log", entity="log", table=LOGS.id, values={"id": "00000000-0000-0000-0000-000000000001"})

    found = Gate(rulebook()).check(dataclasses.replace(made, existing=(*made.existing, row)))

    assert ["untouched-table"] == [one.rule for one in found]


def test_an_explanation_names_the_line() -> None:
    """A row that was taken because its table is reference data is explained by that line of the domain."""
    book = rulebook()

    told = explain(make("who: {table: people}", book), scenario("who: {table: people}"), book)

    (row,) = (one for one in told.rows.values() if one.is_existing)
    assert ("reused", "world/domain.yaml:3") == (row.presence.kind, row.presence.reference)
    assert {"world/domain.yaml:3"} == {cell.source for cell in row.cells}


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        ("  countries: referred\n", CatalogError, "world/domain.yaml:3"),
        ("  contries: reference\n", SchemaMismatch, 'world/domain.yaml:3: the database has no table "contries"'),
        ("  logs: reference\n  public.logs: untouched\n", CatalogError, "world/domain.yaml:4: public.logs stands in"),
    ],
)
def test_a_fault_is_told_with_file_and_line(lines: str, error: type[Exception], message: str) -> None:
    """A use that does not exist, a table that the database lacks, and a table told of twice are refused."""
    with pytest.raises(error, match=message):
        rulebook(f"title: W\ntables:\n{lines}")


def test_an_untouched_table_has_no_reference_rows() -> None:
    """Reference rows of a table that is never touched would be written: one of the two has to go."""
    rows = "table: logs\nkey: [id]\nrows: []\n"

    with pytest.raises(CatalogError, match=r"public\.logs is untouched, and has reference rows in"):
        rulebook(**{"world/reference/logs.yaml": rows})
