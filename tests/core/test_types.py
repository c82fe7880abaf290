"""Cells and Python values."""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from pytest_atdm.core.expressions import UNDECIDED
from pytest_atdm.core.expressions.casting import CONVERTERS
from pytest_atdm.core.expressions.interval import Interval
from pytest_atdm.core.expressions.operators import greater, less
from pytest_atdm.core.schema import Attribute, Column, Domain, Schema
from pytest_atdm.core.types import base_type, python_class, to_cell, to_operand, to_python
from pytest_atdm.core.values import Drawer, Stream

if TYPE_CHECKING:
    from pytest_atdm.core.model import Cell

SCHEMA = Schema(
    tables={},
    enums={"mood": ("sad", "ok")},
    domains={
        "price": Domain(name="price", type="numeric(10,2)"),
        "low_price": Domain(name="low_price", type="price"),
        "prices": Domain(name="prices", type="price[]"),
    },
)

PLACE = (Attribute(name="street", type="text"), Attribute(name="number", type="integer"))


class Mood(Enum):
    """An application's enum."""

    OK = "ok"


@pytest.mark.parametrize(
    ("type", "cell", "value"),
    [
        ("integer", 5, 5),
        ("bigint", "9007199254740993", 9007199254740993),
        ("numeric(10,2)", "1.5", Decimal("1.50")),
        ("numeric", 2, Decimal(2)),
        ("low_price", "3", Decimal("3.00")),
        ("double precision", 1.5, 1.5),
        ("boolean", True, True),
        ("text", "a", "a"),
        ("character varying(3)", "abc", "abc"),
        ("character(3)", "ab ", "ab"),
        ("date", "2026-01-02", date(2026, 1, 2)),
        ("date", "infinity", "infinity"),
        ("timestamp without time zone", "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("timestamp with time zone", "2026-01-02 03:04:05+00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("timestamp with time zone", "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("time without time zone", "03:04", time(3, 4)),
        ("interval", "1 day 02:00:00", Interval(0, 1, 7_200_000_000)),
        ("uuid", "00000000-0000-0000-0000-000000000001", UUID(int=1)),
        ("bytea", "\\x00ff", b"\x00\xff"),
        ("jsonb", {"a": [1]}, {"a": [1]}),
        ("jsonb", "text", "text"),
        ("mood", "sad", "sad"),
        ("mood[]", ["sad", None], ("sad", None)),
        ("prices", ["1"], (Decimal("1.00"),)),
        ("integer[]", [[1, 2], [3, 4]], ((1, 2), (3, 4))),
        ("integer[]", "{1,2}", (1, 2)),
        ("tsvector", "'a'", "'a'"),
        ("integer", None, None),
    ],
)
def test_a_cell_means_a_python_value(type: str, cell: Cell, value: Any) -> None:
    """Each type has one Python class; domains count as what they stand for."""
    found = to_python(type, cell, SCHEMA)

    assert value == found
    assert value.__class__ is found.__class__
    assert cell in (None, "infinity") or isinstance(found, python_class(type, SCHEMA))


@pytest.mark.parametrize(
    "type", [*sorted(CONVERTERS), "numeric(8,2)", "timestamp(3) with time zone", "mood", "tsvector"]
)
@pytest.mark.parametrize("domain", [False, True])
def test_the_class_of_a_type_is_that_of_its_values(type: str, *, domain: bool) -> None:
    """Whatever the planner draws for a column, in a domain or not, is read as the class that the type promises."""
    schema = dataclasses.replace(SCHEMA, domains={"own": Domain(name="own", type=type)}, composites={"place": PLACE})
    column = Column(name="x", type="own" if domain else type)

    cells = list(Drawer(column, schema, ()).candidates(Stream(type), unique=False, as_of=date(2026, 1, 31)))

    promised = python_class(column.type, schema)
    assert [cell for cell in cells if not isinstance(to_python(column.type, cell, schema), promised)] == []
    assert python_class(f"{column.type}[]", schema) is tuple


@pytest.mark.parametrize(
    ("type", "cell", "why"),
    [
        ("integer", "five", "'five' is no integer"),
        ("integer", 5_000_000_000, "out of the range of integer"),
        ("integer", True, "True is no integer"),
        ("integer", 1.5, "1.5 is no integer"),
        ("numeric(4,2)", "123.45", "does not fit numeric(4,2)"),
        ("character varying(3)", "abcd", "has 4 characters, character varying(3) takes 3"),
        ("text", 5, "write it in quotes"),
        ("boolean", 1, "write true or false"),
        ("date", "2026-02-30", "'2026-02-30' is no date"),
        ("uuid", "x", "'x' is no uuid"),
        ("mood", "okay", 'did you mean "ok"?'),
        ("mood[]", "sad", "is no array"),
        ("integer[]", 5, "is no array"),
        ("double precision", math.nan, "nan is no JSON; write it as text"),
        ("double precision[]", [[1.0, -math.inf]], "-inf is no JSON; write it as text"),
        ("jsonb", {"a": [math.inf]}, "inf cannot be written as JSON"),
    ],
)
def test_a_wrong_cell_says_what_is_wrong(type: str, cell: Cell, why: str) -> None:
    """The error names the value and what the type takes."""
    with pytest.raises(ValueError, match=re.escape(why)):
        to_python(type, cell, SCHEMA)


@pytest.mark.parametrize(
    ("type", "value", "cell"),
    [
        ("date", date(2026, 1, 2), "2026-01-02"),
        (
            "timestamp with time zone",
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02 01:00:00+00",
        ),
        ("numeric(10,2)", 1.5, "1.50"),
        ("price", Decimal("1.5"), "1.50"),
        ("numeric", Decimal("1.50"), "1.50"),
        ("uuid", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("mood", Mood.OK, "ok"),
        ("mood[]", (Mood.OK,), ["ok"]),
        ("bytea", b"\xff", "\\xff"),
        ("interval", timedelta(days=1, hours=2), "1 days 02:00:00"),
        ("jsonb", {"at": date(2026, 1, 2), "n": [Decimal("1.5")]}, {"at": "2026-01-02", "n": [1.5]}),
        ("text[]", {"b", "a"}, ["a", "b"]),
        ("double precision", float("nan"), "NaN"),
        ("integer", Decimal(5), 5),
        ("integer", None, None),
    ],
)
def test_a_python_object_becomes_the_cell_of_its_type(type: str, value: object, cell: Cell) -> None:
    """Objects of an application's own are written as Postgres and JSON write them, in one canonical form."""
    assert to_cell(type, value, SCHEMA) == cell


def test_an_object_that_fits_no_cell_is_refused() -> None:
    """Nothing is turned into text by its repr."""
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        to_cell("jsonb", {"a": object()}, SCHEMA)
    with pytest.raises(ValueError, match="write it in quotes"):
        to_cell("text", object(), SCHEMA)


@pytest.mark.parametrize(
    ("type", "base"),
    [("low_price", "numeric(10,2)"), ("price[]", "numeric(10,2)[]"), ("prices", "numeric(10,2)[]"), ("text", "text")],
)
def test_domains_are_resolved_down_to_the_base_type(type: str, base: str) -> None:
    """Also below an array, with their modifiers."""
    assert base_type(type, SCHEMA) == base


def test_labels_have_an_order_in_conditions_and_are_texts_everywhere_else() -> None:
    """An enum's labels are ordered as its type lists them, also beside a literal; cells and Python values are str."""
    sad, ok = (to_operand("mood", label, SCHEMA) for label in ("sad", "ok"))

    assert [True, True, False] == [less(sad, ok), less("sad", ok), greater(sad, "ok")]
    assert UNDECIDED is less(sad, "no label")
    assert {str} == {type(to_cell("mood", sad, SCHEMA)), type(to_python("mood", "sad", SCHEMA))}
