"""The files for Playwright: their text, and that the JSON Schema holds of the files that requests leave."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest

from pytest_atdm._playwright import MARKS, render_files
from pytest_atdm.core.errors import SchemaMismatch
from pytest_atdm.core.schema import Attribute, Column, Domain, Schema, Table
from pytest_atdm.core.types import to_python
from pytest_atdm.emit.playwright_json import render_playwright_json, to_json
from tests.core.schemas import catalog
from tests.emit.bundles import LINES, ORDER, SHOP

if TYPE_CHECKING:
    from pytest_atdm.core.model import Cell

TABLES: Final = Schema(
    tables={
        "public.orders": Table(
            id="public.orders",
            columns=(
                *(Column(name=one.name, type=one.type, nullable=one.nullable) for one in ORDER.columns),
                Column(name="mood", type="mood"),
                Column(name="two words", type="real"),
            ),
        ),
        "public.order_lines": Table(
            id="public.order_lines",
            columns=tuple(Column(name=one.name, type=one.type, nullable=one.nullable) for one in LINES.columns),
        ),
        "public.unused": Table(id="public.unused", columns=(Column(name="id", type="uuid"),)),
    },
    enums={"mood": ("sad", 'so "so"'), "unused": ("a",)},
)
LATE_ORDER: Final = """\
title: Order that is late */ or not
requirements: [REQ-ORD-001]
parameters:
  days_late: {type: integer, default: 3, minimum: 1, maximum: 30}
  sent_by: {type: text, default: post, choices: [post, courier]}
  is_gift: {type: boolean, default: false}
entities:
  order: {table: orders}
  lines: {table: order_lines, count: 2}
"""
EXPECTED: Final = """\
// Written by `atdm emit playwright`: do not edit.
/* eslint-disable */
//
// The scenarios of the catalog as types. Cells are as in JSON: dates, times, uuids and `numeric` are strings.

/** A bigint: a string beyond 2^53 - 1, which JavaScript would round. */
export type BigInteger = number | string;

/** A real or double precision. */
export type Float = number | "NaN" | "Infinity" | "-Infinity";

export type Mood = "sad" | "so \\"so\\"";

/** A row of the table public.order_lines. */
export interface OrderLinesRow {
  order_id: BigInteger;
  class: string | null;
}

/** A row of the table public.orders. */
export interface OrdersRow {
  id: BigInteger;
  reference: string;
  total: string;
  placed_on: string;
  changed_at: string;
  cancelled_on: string | null;
  note: string | null;
  extras: unknown;
  mood: Mood | null;
  "two words": Float | null;
}

/** What each scenario takes and has, by its name. */
export interface Scenarios {
  /** Order that is late *\\/ or not */
  late_order: {
    parameters: {
      /** integer from 1 up to 30; 3 unless told. */
      days_late?: number;
      /** boolean; false unless told. */
      is_gift?: boolean;
      /** text; "post" unless told. */
      sent_by?: "post" | "courier";
    };
    entities: {
      lines: OrderLinesRow[];
      order: OrdersRow;
    };
  };
}

export type ScenarioName = keyof Scenarios;

/** What index.ts needs to know of a scenario; `lists` are its entities with a count, which may have no rows. */
export interface Facts {
  readonly domain: string;
  readonly requirements: readonly string[];
  readonly lists: readonly string[];
}

export const catalog: { readonly [Name in ScenarioName]: Facts } = {
  late_order: {
    domain: "shop",
    requirements: ["REQ-ORD-001"],
    lists: ["lines"],
  },
};
"""


def emit(source: str = LATE_ORDER, schema: Schema = TABLES) -> dict[str, str]:
    """Return the files for a catalog with the one scenario *source*."""
    return dict(render_files(catalog(late_order=source), schema))


def make_validator(schema: Schema = TABLES) -> jsonschema.Draft202012Validator:
    """Return what judges JSON by the emitted JSON Schema."""
    return jsonschema.Draft202012Validator(json.loads(emit(schema=schema)["fixture.schema.json"]))


def test_the_types_are_this_text() -> None:
    """The whole of scenarios.ts, with names that TypeScript has to quote and a title that would end a comment."""
    assert emit()["scenarios.ts"] == EXPECTED


def test_each_file_says_whose_it_is() -> None:
    """All files begin with their mark, and index.ts is that which ships."""
    found = emit()

    assert [*found] == [*MARKS]
    assert all(found[name].startswith(mark) for name, mark in MARKS.items())
    assert found["index.ts"] == files("pytest_atdm._playwright").joinpath("index.ts").read_text()


def test_equal_arguments_give_equal_files() -> None:
    """The files depend on catalog and schema alone."""
    assert emit() == emit()


def test_a_table_that_lacks_is_named() -> None:
    """A scenario that does not fit the schema is an error, and no wrong type."""
    with pytest.raises(SchemaMismatch, match="order_linez"):
        emit(LATE_ORDER.replace("order_lines", "order_linez"))


CELLS: Final[list[tuple[str, Cell]]] = [
    ("smallint", 7),
    ("bigint", 2**53),
    ("numeric(10,2)", "120.50"),
    ("real", 1.5),
    ("double precision", "NaN"),
    ("boolean", True),
    ("date", "infinity"),
    ("timestamp with time zone", "2026-01-31T08:30:00+00:00"),
    ("uuid", "6f1c2a52-7a57-4d0e-9c1d-0b7e43c8f1aa"),
    ("bytea", "\\x00ff"),
    ("jsonb", {"any": [1, None, "text"]}),
    ("jsonb", 3),
    ("integer[]", [1, None, [2]]),
    ("mood", "sad"),
    ("interval", "1 day"),
    ("inet", "10.0.0.1"),
    ("amount", 5),
    ("place", {"x": 1, "y": None}),
]


@pytest.mark.parametrize(("type", "cell"), CELLS)
@pytest.mark.parametrize("nullable", [True, False])
def test_schema_takes_what_is_written_for_each_type(type: str, cell: Cell, *, nullable: bool) -> None:
    """A cell of any type, in the form that the JSON file gives it, is valid; null only where a column may be NULL."""
    table = Table(id="public.orders", columns=(Column(name="it", type=type, nullable=nullable),))
    schema = Schema(
        tables={**TABLES.tables, "public.orders": table},
        enums=TABLES.enums,
        domains={"amount": Domain(name="amount", type="integer")},
        composites={"place": (Attribute(name="x", type="integer"), Attribute(name="y", type="integer"))},
    )
    document = json.loads(emit(schema=schema)["fixture.schema.json"])
    judge = jsonschema.Draft202012Validator({"$defs": document["$defs"], "$ref": "#/$defs/OrdersRow"})

    assert judge.is_valid({"it": to_json(to_python(type, cell, schema))})
    assert judge.is_valid({"it": None}) == (nullable or type == "jsonb")


def test_schema_is_one_and_takes_the_file() -> None:
    """It is a JSON Schema itself, and the emitter's own file is valid by it."""
    validator = make_validator()
    validator.check_schema(validator.schema)
    document = json.loads(render_playwright_json(SHOP))
    document["entities"]["order"] |= {"mood": "sad", "two words": 1.5}

    validator.validate(document)


@pytest.mark.parametrize(
    "path",
    [
        ("format",),
        ("scenario",),
        ("plan_hash",),
        ("tables", "order"),
        ("entities", "order"),
        ("entities", "lines"),
        ("entities", "order", "total"),
        ("entities", "order", "mood"),
        ("entities", "order", "extra"),
        ("entities", "lines", 0, "order_id"),
    ],
)
def test_schema_refuses_a_wrong_value(path: tuple[Any, ...]) -> None:
    """A value of another kind is found wherever it stands in the file, and so is a column that the table lacks."""
    document = json.loads(render_playwright_json(SHOP))
    document["entities"]["order"] |= {"mood": "sad", "two words": 1.5}
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = 1.5

    assert not make_validator().is_valid(document)


@pytest.mark.parametrize("path", [("run_id",), ("entities", "lines"), ("entities", "order", "note")])
def test_schema_refuses_what_lacks(path: tuple[str, ...]) -> None:
    """A key, an entity or a column that is not there is found."""
    document = json.loads(render_playwright_json(SHOP))
    document["entities"]["order"] |= {"mood": "sad", "two words": 1.5}
    place = document
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]

    assert not make_validator().is_valid(document)
