"""What is drawn for a column, Postgres takes for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import asyncpg
import pytest

from pytest_atdm.core.expressions import compile_expression, parse
from pytest_atdm.core.schema import Column
from pytest_atdm.core.types import to_cell, to_python
from pytest_atdm.core.values import Drawer, Stream
from tests.core.test_values import AS_OF, CONDITIONS, SCHEMA, TYPES, make_conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_atdm.core.model import Cell

DDL = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN price AS numeric(8,2) CHECK (VALUE > 0);
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{3}$');
"""


@pytest.fixture(scope="module")
def fetch(make_database: Callable[[str], str]) -> Iterator[Callable[..., list[asyncpg.Record]]]:
    """Ask a database that has the types of the test schema."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(make_database("values"), server_settings={"timezone": "UTC"}))
        runner.run(connection.execute(DDL))

        def fetch_rows(sql: str, *arguments: object) -> list[asyncpg.Record]:
            rows: list[asyncpg.Record] = runner.run(connection.fetch(sql, *arguments))
            return rows

        yield fetch_rows
        runner.run(connection.close())


def read_as(type: str, expression: str) -> str:
    """Return the SELECT of *expression* over the rows of one column x that the first argument holds as JSON."""
    return f"SELECT {expression} AS found FROM jsonb_to_recordset($1::text::jsonb) AS r(x {type})"  # noqa: S608 (ours)


def as_rows(cells: Sequence[Cell]) -> str:
    """Return the JSON that ``jsonb_to_recordset`` reads as one column x."""
    return json.dumps([{"x": cell} for cell in cells])


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize(("type", "conditions"), [*CONDITIONS, *((type, ()) for type in TYPES)])
def test_postgres_takes_every_candidate(
    fetch: Callable[..., list[asyncpg.Record]], type: str, conditions: tuple[str, ...], *, unique: bool
) -> None:
    """Cells are read as the column's type, its domain's CHECKs included, and Postgres judges the conditions alike."""
    drawer = Drawer(Column(name="x", type=type), SCHEMA, make_conditions(*conditions))
    cells = list(drawer.candidates(Stream(type), unique=unique, as_of=AS_OF))
    condition = " AND ".join(f"({one})" for one in conditions) or "true"
    condition = condition.replace("as_of", f"date '{AS_OF}'").replace("now()", f"timestamptz '{AS_OF}'")

    rows = fetch(read_as(type, condition), as_rows(cells))

    assert len(rows) == len(cells)
    assert {row["found"] for row in rows} == {True}


@pytest.mark.parametrize("type", TYPES)
def test_a_cell_that_went_through_postgres_means_the_same(
    fetch: Callable[..., list[asyncpg.Record]], type: str
) -> None:
    """The row that comes back as JSON has the Python values of the row that went in."""
    drawer = Drawer(Column(name="x", type=type), SCHEMA, ())
    cells = list(drawer.candidates(Stream(type), unique=True, as_of=AS_OF))

    rows = fetch(read_as(type, "to_jsonb(x)"), as_rows(cells))

    sent = [to_python(type, cell, SCHEMA) for cell in cells]
    assert [to_python(type, json.loads(row["found"]), SCHEMA) for row in rows] == sent
    assert [to_python(type, to_cell(type, value, SCHEMA), SCHEMA) for value in sent] == sent


CHECKS = [
    ("character varying(20)", "x IN ('open', 'paid')", "open", "shut"),
    ("text", "x = ANY (ARRAY['a', 'b'])", "a", "c"),
    ("text", "x LIKE 'A%' AND x NOT LIKE '%z' AND length(x) BETWEEN 2 AND 5", "Abc", "Az"),
    ("text", "x ~ '^[A-Z]{2}$'", "AB", "ABC"),
    ("text", "trim(both from x) <> ''", "a", "  "),
    ("mood", "x IN ('sad', 'ok')", "ok", "happy"),
    ("price", "x < 10", "9.99", "10.01"),
    ("integer", "x BETWEEN 1 AND 5 OR x = 9", 9, 7),
    ("numeric(10,2)", "x >= 0 AND x % 0.5 = 0", "1.50", "1.25"),
    ("date", "x >= '2020-01-01' AND extract(dow FROM x) <> 0", "2026-01-05", "2026-01-04"),
    ("timestamp with time zone", "x < '2030-01-01 00:00:00+00'", "2026-01-01 00:00:00+00", "2031-01-01 00:00:00+00"),
    ("text[]", "cardinality(x) > 0 AND 'a' = ANY (x)", ["a"], ["b"]),
    ("jsonb", "jsonb_typeof(x) = 'object'", {}, []),
    ("boolean", "x IS TRUE", True, False),
    ("interval", "x > '1 day'::interval", "2 days", "01:00:00"),
]


@pytest.mark.parametrize(("type", "check", "good", "bad"), CHECKS)
def test_a_constraint_as_the_database_keeps_it_is_judged(
    fetch: Callable[..., list[asyncpg.Record]], type: str, check: str, good: Cell, bad: Cell
) -> None:
    """The text of pg_get_constraintdef decides a good and a bad value as the database does."""
    fetch("DROP TABLE IF EXISTS kept")
    fetch(f"CREATE TABLE kept (x {type} CONSTRAINT one CHECK ({check}))")
    kept = fetch("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'one'")[0]["text"]
    evaluate = compile_expression(parse(kept.removeprefix("CHECK ")))

    assert evaluate(lambda _: to_python(type, good, SCHEMA)) is True
    assert evaluate(lambda _: to_python(type, bad, SCHEMA)) is False
    fetch("INSERT INTO kept " + read_as(type, "x"), as_rows([good]))
    with pytest.raises(asyncpg.CheckViolationError):
        fetch("INSERT INTO kept " + read_as(type, "x"), as_rows([bad]))
