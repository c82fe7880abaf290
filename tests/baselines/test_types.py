"""Values of every type of Postgres, there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from seeder.db.row_hash import row_hash_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from seeder.store.local import LocalStore
    from tests.baselines.source import Source

MADE: Final = (
    "CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION citext; CREATE EXTENSION cube",
    "CREATE EXTENSION isn; CREATE EXTENSION seg; CREATE EXTENSION intarray",
    "CREATE TYPE mood AS ENUM ('so so', 'it''s \"good\"', '')",
    "CREATE DOMAIN small AS int CHECK (VALUE < 100)",
    "CREATE DOMAIN some_texts AS text[] CHECK (VALUE IS NOT NULL)",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE TYPE nested AS (p pair, many pair[], m mood)",
    "CREATE DOMAIN good_pair AS pair CHECK ((VALUE).a > 0)",
    "CREATE TYPE float_range AS RANGE (subtype = float8)",
    "CREATE TABLE other (id int)",
)

WITHOUT_BINARY: Final = frozenset({"aclitem", "query_int", "seg", "isbn"})

#: Each case is a type, and values of it as SQL writes them; NULL is tried with each.
CASES: Final = {
    "smallint": ("'-32768'", "'32767'", "0"),
    "integer": ("'-2147483648'", "'2147483647'"),
    "bigint": ("'-9223372036854775808'", "'9223372036854775807'"),
    "boolean": ("true", "false"),
    "numeric": (
        "'NaN'", "'Infinity'", "'-Infinity'", "'-0.00'",
        "('1' || repeat('0', 5000) || '.' || repeat('7', 900))",
    ),
    "numeric(1000,500)": ("'1e-500'", "'1e499'", "'1.10'"),
    "numeric(3,-2)": ("'12345'",),
    "real": ("'-0'", "'NaN'", "'Infinity'", "'-Infinity'", "'1e-45'", "'3.4028235e38'", "'0.1'"),
    "double precision": ("'-0'", "'NaN'", "'-Infinity'", "'5e-324'", "'1.7976931348623157e308'", "'0.1'", "1/3.0"),
    "money": ("'-92233720368547758.08'", "'92233720368547758.07'", "'0.01'"),
    "text": (
        "''", "' '", "'NULL'", "'\\.'", "'\\N'", "E'\\n'",
        "E'\\r'", "E'a\\r\\nb'", "'\"'", "','", "E'\\t\\x01\\x7f'",
    ),
    "varchar": (
        "''", "U&'\\FEFF'", "U&'\\+01F600'", "U&'e\\0301'",
        "U&'\\200F'", "repeat('\"\n', 100000)", "U&'\\2028'",
    ),
    "varchar(3)": ("'a  '", "''"),
    "char(5)": ("'a'", "''", "'ab   '"),
    "bpchar": ("'a  '", "''"),
    '"char"': ("'x'", "''", "'\\200'", "'\\377'", "'\"'", "','"),
    "name": ("''", "'a \"name\"'", "repeat('n', 63)"),
    "bytea": ("''", "'\\x00'", "'\\x00ff5c22270a0d'", "decode(repeat('00ff', 10000), 'hex')"),
    "bit(3)": ("B'101'", "B'000'"),
    "bit varying": ("B''", "B'1'", "repeat('10', 500)::bit(1000)"),
    "date": ("'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'2000-02-29'", "'0001-01-01 BC'"),
    "time": ("'00:00'", "'24:00'", "'23:59:59.999999'"),
    "time(2)": ("'12:00:00.126'",),
    "timetz": ("'00:00+15:59:59'", "'24:00-15:59:59'", "'12:00:00.000001+05:30'"),
    "timestamp": ("'infinity'", "'-infinity'", "'4713-01-01 00:00 BC'", "'294276-12-31 23:59:59.999999'"),
    "timestamptz": ("'infinity'", "'-infinity'", "'4713-01-01 00:00+00 BC'", "'294276-12-31 23:59:59.999999+00'"),
    "timestamptz(0)": ("'2024-03-31 02:30+01'", "'1883-11-18 12:00 America/New_York'"),
    "interval": (
        "'-1 mon +1 day -00:00:00.000001'", "'178000000 years'", "'-178000000 years'", "'1 day -24:00'", "'0'",
        "make_interval(months => -13, days => 40, secs => -3661.5)", "'2562047788:00:54.775807'",
    ),
    "interval year to month": ("'1-2'",),
    "interval second(2)": ("'1.126'",),
    "uuid": ("'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-000000000000'"),
    "inet": ("'::1'", "'10.1.2.3/8'", "'::ffff:1.2.3.4/96'", "'0.0.0.0/0'"),
    "cidr": ("'10.0.0.0/8'", "'::/0'", "'2001:db8::/32'"),
    "macaddr": ("'08:00:2b:01:02:03'",),
    "macaddr8": ("'08:00:2b:01:02:03:04:05'",),
    "json": ("'{\"b\" : 1,   \"a\":[1e400, \"\\u00e4\"], \"b\":2}'", "'null'", "'\"\"'", "' 1 '", "E'{\\n}'"),
    "jsonb": ("'{\"b\": 1.000, \"a\": [1e400]}'", "'null'", "'\"\\\\n\\\"\"'", "'[]'"),
    "jsonpath": ("'$.\"a b\"[*] ? (@ > 1)'", "'strict $'"),
    "tsvector": ("'''it''''s'':1A,2B a b:3'", "''"),
    "tsquery": ("'a & (b:*A | !c) <2> d'", "'''it''''s'''", "''"),
    "point": ("'(0.1,-0)'", "'(NaN,Infinity)'", "'(1e-320,1e308)'"),
    "line": ("'{1,-1,0.1}'",),
    "lseg": ("'[(0,0),(1,0.3)]'",),
    "box": ("'(1,1),(0,0.1)'",),
    "path": ("'[(0,0),(1,1)]'", "'((0,0),(1,1))'"),
    "polygon": ("'((0,0),(1,1),(2,0))'",),
    "circle": ("'<(0.1,1),0>'",),
    "int4range": ("'empty'", "'(,)'", "'[1,5)'", "'(1,5]'"),
    "numrange": ("'[1.10,2.0]'", "'(,NaN]'"),
    "tsrange": ("'[\"2000-01-01 00:00:00\",infinity]'", "'[-infinity,)'"),
    "tstzrange": ("'[2000-01-01 00:00+05,)'",),
    "daterange": ("'[2000-01-01,2000-01-31]'", "'empty'"),
    "float_range": ("'[0.1,Infinity]'", "'(-0,1e-320]'"),
    "int8multirange": ("'{}'", "'{[1,2],[5,)}'"),
    "tstzmultirange": ("'{[2000-01-01 00:00+00,2001-01-01 00:00+00)}'",),
    "integer[]": ("'{}'", "'{1,NULL}'", "'[-2:0][5:6]={{1,2},{3,4},{5,NULL}}'", "'{{{1}}}'"),
    "boolean[]": ("'{t,f,NULL}'",),
    "text[]": (
        "'{}'", "'{\"\",NULL,\"NULL\",\"a,b\",\"\\\"\",\"\\\\\",\" \"}'",
        "'[0:1]={\"{\",\"}\"}'", "E'{\"a\\nb\"}'",
    ),
    "numeric(10,2)[]": ("'{{1.10,NaN},{0,-1}}'",),
    "bytea[]": ("ARRAY['\\x00'::bytea, '', NULL]",),
    "timestamptz[]": ("ARRAY['infinity'::timestamptz, '2000-01-01 00:00+05']",),
    "jsonb[]": ("ARRAY['{\"a\": \"b\\\\\"}'::jsonb, 'null']",),
    "mood": ("'so so'", "'it''s \"good\"'", "''"),
    "mood[]": ("ARRAY['so so', '', NULL, 'it''s \"good\"']::mood[]",),
    "small": ("5", "-5"),
    "small[]": ("'{1,NULL}'",),
    "some_texts": ("'{a,NULL}'", "'{}'"),
    "pair": ("ROW(1, 'a,\"b\"')", "ROW(NULL, '')", "ROW(NULL, NULL)", "ROW(2, E'\\\\')"),
    "pair[]": ("ARRAY[ROW(1, 'a')::pair, NULL, ROW(NULL, '\"')::pair]",),
    "nested": ("ROW(ROW(1, '()'), ARRAY[ROW(2, '{,}')::pair], 'so so')", "ROW(NULL, NULL, NULL)"),
    "good_pair": ("ROW(1, NULL)",),
    "other": ("ROW(7)",),
    "oid": ("0", "'4294967295'"),
    "xid": ("'4294967295'",),
    "xid8": ("'18446744073709551615'",),
    "cid": ("'7'",),
    "tid": ("'(4294967295,65535)'",),
    "regclass": ("'other'", "'pg_class'", "0::regclass"),
    "regtype": ("'integer'", "'mood'", "'text[]'"),
    "regproc": ("'pg_sleep'",),
    "regprocedure": ("'lower(text)'",),
    "regoper": ("'pg_catalog.||/'",),
    "regoperator": ("'+(integer,integer)'",),
    "regnamespace": ("'public'",),
    "regrole": ("current_user::regrole",),
    "regcollation": ("'\"C\"'",),
    "regconfig": ("'english'",),
    "regdictionary": ("'simple'",),
    "pg_lsn": ("'FFFFFFFF/FFFFFFFF'", "'0/0'"),
    "txid_snapshot": ("'10:20:10,14,15'",),
    "pg_snapshot": ("'10:20:10,14,15'",),
    "int2vector": ("'1 2 3'", "''"),
    "oidvector": ("'1 4294967295'", "''"),
    "aclitem": ("makeaclitem(10, 10, 'SELECT', true)",),
    "hstore": ("'a=>1, \"b \\\" c\"=>NULL, \"\"=>\"\"'", "''"),
    "ltree": ("'Top.Science'", "''"),
    "lquery": ("'Top.*{1,2}.!a'",),
    "citext": ("'MiXed'", "''"),
    "cube": ("'(0.1,2),(3,4)'", "'()'"),
    "isbn": ("'0-306-40615-2'",),
    "seg": ("'1.50 .. 2e10'", "'~5'"),
    "query_int": ("'1&(2|!3)'",),
}  # fmt: skip


@pytest.fixture(scope="module")
def typed(make_database: Callable[[str], str]) -> Source:
    """A database with types of its own."""
    from tests.baselines.source import Source

    source = Source(make_database("typed"))
    source.execute(*MADE)
    return source


@pytest.mark.parametrize("kind", CASES)
def test_values_come_back_as_they_were(typed: Source, store: LocalStore, kind: str) -> None:
    """What a baseline holds of a column, and COPY reads again, has the same text, binary form and hash."""
    values = ", ".join(f"({number}, ({value})::{kind})" for number, value in enumerate(CASES[kind]))
    null = "" if kind == "some_texts" else "; INSERT INTO original VALUES (-1, NULL)"
    typed.execute(
        f"DROP TABLE IF EXISTS original, copied; CREATE TABLE original (n int, v {kind})",
        f"CREATE TABLE copied (LIKE original); INSERT INTO original VALUES {values}{null}",  # noqa: S608
    )

    table = next(one for one in typed.take(store, "typed").tables if one.table == "public.original")
    typed.load(store, table, "copied")

    hashed = row_hash_sql({column.name: column.type for column in table.columns})
    both = [
        typed.fetch(f"SELECT n, v::text, {_binary(kind)}, {hashed} FROM {name} ORDER BY n")  # noqa: S608 (of these tests)
        for name in ("original", "copied")
    ]
    assert both[0] == both[1]
    assert len(CASES[kind]) + bool(null) == len(both[1])


def test_the_cases_are_as_many_as_there_are_types() -> None:
    """No type of values that a table can have lacks among the cases."""
    assert 90 < len(CASES)


def _binary(kind: str) -> str:
    return "''" if kind in WITHOUT_BINARY else "record_send(ROW(v))"
