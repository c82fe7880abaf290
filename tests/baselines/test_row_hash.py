"""The hash of a row: as many hashes as there are texts, and the same ones everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from seeder.db.row_hash import row_hash_sql
from tests.baselines.source import Source
from tests.baselines.test_types import CASES, MADE

if TYPE_CHECKING:
    from collections.abc import Callable

_MORE: Final = "CREATE DOMAIN amount AS numeric; CREATE TYPE priced AS (price numeric, word citext)"
#: By type, values that Postgres takes for equal, or whose hashes are the same where it hashes for itself.
_ALIKE: Final = {
    "numeric": ("1", "1.0", "1.00", "0", "0.0", "NULL"),
    "numeric(9,3)": ("1", "1.001", "NULL"),
    "amount": ("1", "1.0", "NULL"),
    "real": ("0", "'-0'", "NULL"),
    "double precision": ("0", "'-0'", "NULL"),
    "interval": ("'1 day'", "'24:00'", "'1 mon'", "'30 days'"),
    "bpchar": ("'a'", "'a '", "'a  '", "''", "' '"),
    "jsonb": ("'{\"a\": 1.0}'", "'{\"a\": 1.00}'", "'1'", "'1.0'", "'null'", "NULL"),
    "citext": ("'a'", "'A'"),
    "text": ("''", "' '", "U&'\\00e9'", "U&'e\\0301'", "NULL"),
    "smallint": ("0", "-1", "NULL"),
    "integer": ("0", "-1", "NULL"),
    "bigint": ("1", "1::int8 << 32", "0", "-1", "(1::int8 << 32) + 1", "NULL"),
    "time": ("'00:00:00.000001'", "'01:11:34.967296'", "'00:00'", "'24:00'"),
    "timestamp": ("'2000-01-01 00:00:00.000001'", "'2000-01-01 01:11:34.967296'", "'infinity'", "'-infinity'"),
    "timestamptz": ("'2000-01-01 00:00:00.000001+00'", "'2000-01-01 01:11:34.967296+00'", "'infinity'", "'-infinity'"),
    "timestamptz(0)": ("'2000-01-01 00:00+00'", "'2000-01-01 00:00+01'"),
    "timetz": ("'00:00+00'", "'00:00+01'", "'01:00+01'"),
    "numeric[]": ("'{1.0}'", "'{1.00}'", "'[0:0]={1.0}'", "'{}'", "'{NULL}'", "NULL"),
    "priced": ("ROW(1.0, 'a')", "ROW(1.00, 'a')", "ROW(1.0, 'A')", "ROW(NULL, NULL)", "NULL"),
    "numrange": ("'[1.0,2]'", "'[1.00,2]'", "'empty'"),
    "inet": ("'10.0.0.1'", "'10.0.0.1/8'"),
    "bytea": ("''", "'\\x00'", "'\\x0000'", "NULL"),
    "boolean": ("true", "false", "NULL"),
    '"char"': ("''", "' '", "NULL"),
}  # fmt: skip


@pytest.fixture(scope="module")
def hashed(make_database: Callable[[str], str]) -> Source:
    """A database with types of its own."""
    source = Source(make_database("hashed"))
    source.execute(*MADE, _MORE)
    return source


@pytest.mark.parametrize("kind", _ALIKE)
def test_values_that_are_equal_but_not_the_same_have_hashes_of_their_own(hashed: Source, kind: str) -> None:
    """There are as many hashes as texts, whatever Postgres takes for equal."""
    assert len(_ALIKE[kind]) == _count(hashed, kind, _ALIKE[kind])


@pytest.mark.parametrize("kind", CASES)
def test_values_of_every_type_have_hashes_of_their_own(hashed: Source, kind: str) -> None:
    """There are as many hashes as texts, for each type of Postgres; NULL has one too."""
    assert 1 < _count(hashed, kind, (*CASES[kind], *(() if kind == "some_texts" else ("NULL",))))


def _count(source: Source, kind: str, values: tuple[str, ...]) -> int:
    """Return how many hashes there are, which is as many as texts."""
    source.execute(
        f"DROP TABLE IF EXISTS one; CREATE TABLE one (v {kind})",
        *(f"INSERT INTO one VALUES (({value})::{kind})" for value in values),  # noqa: S608 (of these tests)
    )
    rows = source.fetch(f"SELECT ROW(v)::text, {_hash(source, 'one')} FROM one")  # noqa: S608
    assert len({text for text, _ in rows}) == len({hash for _, hash in rows})
    return len({hash for _, hash in rows})


def _hash(source: Source, table: str) -> str:
    columns = source.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"  # noqa: S608
        f" WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
    )
    return row_hash_sql(dict(columns))


def test_the_place_of_a_value_counts(hashed: Source) -> None:
    """The same values in other columns make another hash, NULL among them, and whether text or not."""
    hashed.execute(
        "DROP TABLE IF EXISTS places; CREATE TABLE places (a int, b int, c bigint, v text, w text, x float8, y float8)",
        "INSERT INTO places (a, b) VALUES (1, 2), (2, 1), (NULL, 1), (1, NULL)",
        "INSERT INTO places (a, c) VALUES (0, NULL), (NULL, 0), (0, 0), (NULL, NULL)",
        "INSERT INTO places (v, w) VALUES ('a', 'b'), ('b', 'a'), ('ab', ''), ('', 'ab'), (NULL, 'ab'), ('ab', NULL)",
        "INSERT INTO places (x, y) VALUES (1, 2), (2, 1), (NULL, 1), (1, NULL)",
    )

    rows = hashed.fetch(f"SELECT {_hash(hashed, 'places')} FROM places")  # noqa: S608

    assert 18 == len(set(rows))


def test_a_row_of_many_columns_has_a_hash(hashed: Source) -> None:
    """A table of as many columns as fit has more to hash than one ROW() takes; each of them counts."""
    columns = ", ".join(f"c{number} bigint" for number in range(1_500))
    hashed.execute(
        f"CREATE TABLE wide ({columns})",
        "INSERT INTO wide (c0) VALUES (0)",
        "INSERT INTO wide (c0) VALUES (NULL); INSERT INTO wide (c1499) VALUES (1); INSERT INTO wide (c799) VALUES (1)",
        "INSERT INTO wide (c801) VALUES (1); INSERT INTO wide (c801) VALUES (1::int8 << 32)",
    )

    assert 6 == len(set(hashed.fetch(f"SELECT {_hash(hashed, 'wide')} FROM wide")))  # noqa: S608


def test_a_row_without_columns_has_a_hash(hashed: Source) -> None:
    """Rows of a table without columns are all the same."""
    hashed.execute("CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES")

    assert 1 == len(set(hashed.fetch(f"SELECT {_hash(hashed, 'bare')} FROM bare")))  # noqa: S608


def test_the_same_row_has_the_same_hash_in_another_database(make_database: Callable[[str], str]) -> None:
    """Numbers that a database gives to types and tables have no part in it."""
    made = (
        "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN small AS int; CREATE TYPE pair AS (a int, b mood)",
        "CREATE TABLE t (id bigint, m mood, s small, p pair, a mood[], n numeric, at timestamptz, r regclass)",
        "INSERT INTO t VALUES (1, 'bad', 3, ROW(1, 'good'), '{bad,good}', 1.50, '2026-01-01 00:00+00', 't')",
    )
    found = []
    for number in range(2):
        source = Source(make_database(f"same{number}"))
        source.execute(*[f"CREATE TYPE t{more} AS ENUM ('x')" for more in range(7 * number)], *made)
        found += source.fetch(f"SELECT {_hash(source, 't')} FROM t")  # noqa: S608

    assert found[0] == found[1]
