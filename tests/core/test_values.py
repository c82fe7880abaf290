"""Values that satisfy conditions."""

from __future__ import annotations

import string
from datetime import date
from functools import partial
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_atdm.core.expressions import UNDECIDED, Expr, Parts, Value, compile_expression, parse, substitute
from pytest_atdm.core.model import Cell
from pytest_atdm.core.schema import Check, Column, Domain, Schema
from pytest_atdm.core.types import to_operand
from pytest_atdm.core.values import MAX_CANDIDATES, Drawer, Stream

AS_OF = date(2026, 6, 1)
SCHEMA = Schema(
    tables={},
    enums={"mood": ("sad", "ok", "happy")},
    domains={
        "price": Domain(name="price", type="numeric(8,2)", checks=(Check(name="p", expression="VALUE > 0"),)),
        "code": Domain(name="code", type="text", checks=(Check(name="c", expression="VALUE ~ '^[A-Z]{3}$'"),)),
    },
)
TYPES = (
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(5,2)",
    "real",
    "text",
    "uuid",
    "date",
    "interval",
    "bytea",
    "boolean",
    "mood",
    "price",
    "code",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "mood[]",
    "price[]",
    "text[]",
    "double precision",
    "character varying(12)",
    "character(3)",
    "timestamp without time zone",
    "timestamp(0) with time zone",
    "time without time zone",
)
#: Conditions that go together with a type; x is the column.
CONDITIONS: list[tuple[str, tuple[str, ...]]] = [
    ("text", ("x IN ('a', 'b')", "x <> 'a'")),
    ("text", ("x LIKE 'FAKE\\_%'", "length(x) <= 30")),
    ("text", ("x LIKE '%@example.invalid'",)),
    ("text", ("x ~ '^SYN-[A-Z0-9]{10}$'", "x LIKE 'SYN-%'", "x !~ '000'")),
    ("text", ("x ~ '^[A-Z][0-9][0-9A-Z](\\.[0-9A-Z]{1,4})?$'",)),
    ("text", ("x ~ '[0-9]'", "x ~ '[A-Z]'", "length(x) BETWEEN 8 AND 20")),
    ("text", ("x = upper(x)", "length(x) = 5")),
    ("text", ("lower(x) IN ('a', 'b')",)),
    ("text", ("x::integer > 5",)),
    ("text", ("x ~* '^(north|south)-\\d+$'",)),
    ("mood", ("x > 'sad'::mood",)),
    ("mood", ("x >= 'sad'", "x < 'happy'")),
    ("character varying(4)", ("length(btrim(x)) > 2",)),
    ("integer", ("x % 7 = 3",)),
    ("integer", ("x BETWEEN 10 AND 12", "x <> 11")),
    ("integer", ("x < 0 OR x > 1000000",)),
    ("smallint", ("x > 32700",)),
    ("numeric(5,2)", ("x > 0", "x <= 1")),
    ("date", ("x BETWEEN as_of - 40000 AND as_of",)),
    ("date", ("x > as_of", "extract(isodow FROM x) < 6")),
    ("timestamp with time zone", ("x <= now() - interval '1 year'", "x > date '2020-01-01'")),
    ("time without time zone", ("x BETWEEN '08:00' AND '17:00'",)),
    ("interval", ("x <= '12 hours'", "x > '0'")),
    ("jsonb", ("jsonb_typeof(x) = 'array'",)),
    ("text[]", ("cardinality(x) > 1",)),
    ("boolean", ("x IS NOT TRUE",)),
    ("mood", ("x <> 'sad'::mood",)),
]


def make_conditions(*texts: str) -> list[Expr]:
    """Parse, with as_of put in."""
    return [substitute(parse(text), lambda parts: AS_OF if parts == ("as_of",) else UNDECIDED) for text in texts]


def draw(type: str, *conditions: str, unique: bool = False, seed: int = 0, name: str = "x") -> list[Cell]:
    """Return all candidates for a column of *type*."""
    drawer = Drawer(Column(name=name, type=type), SCHEMA, make_conditions(*conditions))
    return list(drawer.candidates(Stream(seed, type), unique=unique, as_of=AS_OF))


def _constant(value: Value, _parts: Parts) -> Value:
    return value


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize(("type", "conditions"), [*CONDITIONS, *((type, ()) for type in TYPES)])
def test_every_candidate_is_a_value_that_satisfies_the_conditions(
    type: str, conditions: tuple[str, ...], *, unique: bool
) -> None:
    """There are candidates, none twice, at most 200; each is of its type and breaks no condition."""
    found = draw(type, *conditions, unique=unique)

    assert 0 < len(found) <= MAX_CANDIDATES
    assert len({repr(cell) for cell in found}) == len(found)
    for condition in make_conditions(*conditions):
        evaluate = compile_expression(condition)
        values = [to_operand(type, cell, SCHEMA) for cell in found]
        assert [evaluate(partial(_constant, value)) for value in values] == [True] * len(values)


@settings(max_examples=60, deadline=None)
@given(low=st.integers(-500, 500), span=st.integers(0, 300), hole=st.integers(-500, 800), seed=st.integers(0, 9))
def test_any_range_is_drawn_from_within(low: int, span: int, hole: int, seed: int) -> None:
    """Bounds and exclusions of any size leave candidates within them, or none where nothing is left."""
    found = draw("integer", f"x >= {low} AND x <= {low + span}", f"x <> {hole}", seed=seed)

    allowed = set(range(low, low + span + 1)) - {hole}
    assert set(found) <= allowed
    assert bool(found) is bool(allowed)


@settings(max_examples=60, deadline=None)
@given(pattern=st.from_regex(r"\A(?:[a-d]|\[[a-f]-z\]|\\d|\.|\[\^ab\]){1,4}(?:\{2,3\}|\+|\?)?\Z"), unique=st.booleans())
def test_a_pattern_is_drawn_from(pattern: str, *, unique: bool) -> None:
    """Texts are made for a pattern of classes and repetitions, not only tried against it."""
    assert draw("text", f"x ~ '^{pattern}$'", unique=unique)


@settings(max_examples=40, deadline=None)
@given(type=st.sampled_from(TYPES), seed=st.integers(), unique=st.booleans())
def test_equal_streams_draw_equal_values(type: str, seed: int, *, unique: bool) -> None:
    """Values depend on the stream alone."""
    assert draw(type, seed=seed, unique=unique) == draw(type, seed=seed, unique=unique)


@pytest.mark.parametrize(
    ("type", "conditions"),
    [
        ("text", ()),
        ("text", ("x ~ '^[03-9][0-9]{9}$'",)),
        ("text", ("x LIKE 'SYN-%'",)),
        ("character varying(40)", ("x ~ '[a-z]'",)),
        ("bigint", ()),
        ("uuid", ()),
        ("jsonb", ()),
        ("bytea", ()),
        ("inet", ()),
        ("timestamp with time zone", ()),
    ],
)
def test_unique_values_of_many_streams_do_not_meet(type: str, conditions: tuple[str, ...]) -> None:
    """The first unique value of 300 streams is 300 values, also within ten digits."""
    drawer = Drawer(Column(name="x", type=type), SCHEMA, make_conditions(*conditions))

    first = {repr(next(drawer.candidates(Stream(seed), unique=True, as_of=AS_OF))) for seed in range(300)}

    assert len(first) == 300


def test_unique_digits_are_spread_over_their_whole_range() -> None:
    """Ten-digit texts of many streams fill every tenth of the range."""
    found = [str(draw("text", "x ~ '^[0-9]{10}$'", unique=True, seed=seed)[0]) for seed in range(200)]

    assert {text[0] for text in found} == set("0123456789")


def test_usual_values_look_usual() -> None:
    """Without conditions: words of the column's name, small numbers, dates of the last five years."""
    assert all(str(text).startswith("home-city-") for text in draw("text", name="home_city"))
    assert all(1 <= int(str(number)) <= 1000 for number in draw("integer")[:30])
    assert all(date(2021, 6, 1) <= date.fromisoformat(str(day)) <= AS_OF for day in draw("date")[:30])


def test_null_is_drawn_only_where_it_is_demanded() -> None:
    """A condition that only NULL satisfies yields NULL; one that allows it does not."""
    assert draw("text", "x IS NULL") == [None]
    assert None not in draw("text", "x IS NULL OR length(x) = 3")[1:]


def test_what_nothing_satisfies_yields_nothing() -> None:
    """Conditions that exclude each other end the search."""
    assert draw("integer", "x > 5", "x < 5") == []
    assert draw("text", "x = 'a'", "x = 'b'") == []


def test_a_constant_within_an_unreadable_condition_is_tried() -> None:
    """Where no shape can be read, what the text mentions may do."""
    assert draw("text", "md5_like(x) OR replace(x, '-', '') = 'abc'")
    assert "abc" in draw("text", "replace(x, '-', '') = 'abc'")


def test_a_stream_is_even_and_has_an_identity() -> None:
    """Parts are told apart by type and length; each number below n occurs."""
    stream = Stream("a", 1)

    assert Stream("a1").digest() != stream.digest() == Stream("a", 1).digest()
    assert Stream(1).digest() != Stream("1").digest()
    assert {stream.below(3) for _ in range(60)} == {0, 1, 2}
    assert sorted(stream.shuffled("abc")) == ["a", "b", "c"]
    assert len(list(islice(iter(stream.text("ab", 5)), 9))) == 5


@pytest.mark.parametrize("alphabet", ["ab", string.printable])
@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_a_text_is_drawn_character_by_character(alphabet: str, n: int) -> None:
    """However it is done, the characters and what is drawn afterwards are those of so many choices."""
    one, other = Stream("a"), Stream("a")

    assert "".join(one.choice(alphabet) for _ in range(n)) == other.text(alphabet, n)
    assert one.bytes(9) == other.bytes(9)


def test_a_pattern_fills_a_text_of_fixed_length() -> None:
    """Postgres adds blanks to a shorter one, which the pattern may not want."""
    drawer = Drawer(Column(name="x", type="character(5)"), SCHEMA, make_conditions("x ~ '^[A-Z]+$'"))

    first = islice(drawer.candidates(Stream("x"), unique=False, as_of=AS_OF), 10)

    assert {5} == {len(str(cell)) for cell in first}
