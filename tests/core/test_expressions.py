"""Reading, judging, simplifying and writing expressions."""

from __future__ import annotations

import contextlib
import timeit
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_atdm.core.errors import ExpressionError
from pytest_atdm.core.expressions import (
    UNDECIDED,
    And,
    Call,
    Cast,
    EvaluationError,
    Literal,
    Name,
    Opaque,
    Operation,
    Quantified,
    compile_expression,
    conjuncts,
    holds,
    names,
    parse,
    rename,
    render,
    substitute,
)
from pytest_atdm.core.expressions.casting import CONVERTERS
from pytest_atdm.core.expressions.functions import LENIENT, STRICT
from pytest_atdm.core.expressions.interval import Interval
from pytest_atdm.core.expressions.operators import BINARY
from tests.core.expressions import expressions

if TYPE_CHECKING:
    from pytest_atdm.core.expressions import Expr, Parts, Value

ROW: dict[Parts, Value] = {
    ("as_of",): date(2026, 6, 1),
    ("status",): "denied",
    ("reason",): None,
    ("amount",): Decimal("10.50"),
    ("count",): 7,
    ("opened",): date(2026, 1, 2),
    ("seen",): datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    ("key",): UUID(int=1),
    ("tags",): ("a", "b"),
    ("data",): {"a": 1},
    ("shop", "city"): "Ulm",
}


def look_up(parts: Parts) -> Value:
    """The row above; every other name is undecided."""
    return ROW.get(parts, UNDECIDED)


def judge(text: str) -> Value:
    """Return the value of *text* over the row above."""
    return compile_expression(parse(text))(look_up)


@pytest.mark.parametrize(
    "text",
    [
        "((status)::text = ANY ((ARRAY['open'::character varying, 'denied'::character varying])::text[]))",
        "((status)::text <> ALL ((ARRAY['open'::character varying, 'paid'::character varying])::text[]))",
        "(((status)::text <> 'denied'::text) OR (reason IS NULL))",
        "((amount >= (0)::numeric) AND (amount < 100.5))",
        "((status)::text ~ '^[a-z]+$'::text)",
        "((status)::text ~~ 'den%'::text)",
        "(char_length((status)::text) <= 6)",
        "((opened >= '2026-01-01'::date) AND (opened < (CURRENT_DATE + 1)))",
        "(EXTRACT(year FROM opened) = (2026)::numeric)",
        "(date_part('year'::text, opened) = (2026)::double precision)",
        "(num_nonnulls(status, reason) = 1)",
        "(cardinality(tags) > 1)",
        "(array_length(tags, 1) = 2)",
        "(jsonb_typeof(data) = 'object'::text)",
        "(TRIM(BOTH FROM status) <> ''::text)",
        "('denied'::claim_status = status)",
        "(seen <= now())",
        "(count % 2) = 1",
        "count / 2 = 3 AND -count / 2 = -3",
        "opened + interval '1 month' = timestamp '2026-02-02'",
        "as_of - opened = 150",
        "opened = '2026-01-02'",
        "key = '00000000-0000-0000-0000-000000000001'",
        "shop.city = 'Ulm'",
        "count BETWEEN SYMMETRIC 9 AND 1",
        "CASE count WHEN 7 THEN true ELSE false END",
        "status SIMILAR TO '(denied|open)%'",
        "status LIKE 'denie!d' ESCAPE '!'",
        "'b' = ANY (tags)",
        "reason IS NOT DISTINCT FROM NULL",
    ],
)
def test_conditions_as_postgres_prints_them_are_judged(text: str) -> None:
    """The text that the database keeps of a constraint is decided over a row that satisfies it."""
    assert judge(text) is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("reason = 'x'", None),
        ("reason = 'x' AND status = 'open'", False),
        ("reason = 'x' OR status = 'denied'", True),
        ("unknown = 1", UNDECIDED),
        ("unknown = 1 AND status = 'open'", False),
        ("unknown = 1 OR status = 'denied'", True),
        ("unknown = 1 OR reason = 'x'", UNDECIDED),
        ("unknown IS NULL", UNDECIDED),
        ("no_such_function(status)", UNDECIDED),
        ("status < 'Émile'", UNDECIDED),
        ("EXISTS (SELECT 1 FROM other)", UNDECIDED),
        ("(SELECT 1) = 1 AND count > 8", False),
        ("row_number() OVER () = 1 OR count = 7", True),
        ("status ~ '(a)\\1'", UNDECIDED),
        ("opened < 'infinity'", UNDECIDED),
        ("count IN (1, NULL)", None),
        ("count NOT IN (1, 7, NULL)", False),
    ],
)
def test_null_and_undecided_spread_unless_the_rest_decides(text: str, value: Value) -> None:
    """AND and OR are decided by what decides them; everything else passes NULL and UNDECIDED on."""
    assert judge(text) is value


@pytest.mark.parametrize(
    "text", ["count / 0 = 1", "'x'::integer = 1", "count % (count - 7) = 0", "'2026-02-30'::date IS NULL"]
)
def test_what_postgres_would_refuse_to_compute_is_an_error(text: str) -> None:
    """A run-time error of Postgres is neither NULL nor undecided."""
    with pytest.raises(EvaluationError):
        judge(text)


def test_conditions_are_judged_from_left_to_right() -> None:
    """What stands behind a deciding condition is not computed."""
    assert judge("count <> 7 AND 1 / (count - 7) = 1") is False


def test_a_check_is_broken_by_false_alone() -> None:
    """NULL passes, and what is undecided is left to the database."""
    assert [holds(value) for value in (True, None, UNDECIDED, False)] == [True, True, True, False]


def test_names_are_folded_as_postgres_folds_them() -> None:
    """Plain names become lower case, quoted ones stay, up to three parts are kept."""
    found = names(parse('STATUS = "Status" AND Claim.service_date < a.b.c + current_date'))

    assert found == {("status",), ("Status",), ("claim", "service_date"), ("a", "b", "c"), ("as_of",)}


def test_a_reserved_word_before_a_point_is_a_name() -> None:
    """An entity may be called order; a string that looks like it is left alone."""
    expr = parse("order.total > 1 AND user.name <> 'order.x'")

    assert names(expr) == {("order", "total"), ("user", "name")}
    assert render(expr) == '"order".total > 1 AND "user".name <> \'order.x\''


@pytest.mark.parametrize(
    ("text", "why"),
    [("status = ", "it ends too early"), ("a b", '"b" (at character 3)'), ("1) FROM t WHERE (true", "more than one")],
)
def test_a_syntax_error_says_what_and_where(text: str, why: str) -> None:
    """The message has the source, the text and the place; the hint shows a right one."""
    with pytest.raises(ExpressionError) as caught:
        parse(text, source="shop/domain.yaml:7")

    assert caught.value.message.startswith("shop/domain.yaml:7: ")
    assert repr(text) in caught.value.message
    assert why in caught.value.message
    assert caught.value.code == "expression_error"
    assert "write one SQL expression" in caught.value.hint


def test_only_what_is_not_understood_is_opaque() -> None:
    """A subquery keeps its text; the condition beside it is read."""
    expr = parse("count > 1 AND count = (SELECT max(n) FROM t WHERE n < 3) AND status = 'x'")

    assert isinstance(expr, And)
    assert [type(part).__name__ for part in conjuncts(expr)] == ["Operation", "Operation", "Operation"]
    assert Opaque in {type(part) for part in expr.args[1].args}  # type: ignore[union-attr]


def test_nested_ands_are_one_list_of_conditions() -> None:
    """BETWEEN counts as two conditions, whatever the parentheses."""
    assert [render(part) for part in conjuncts(parse("a AND (b AND c BETWEEN 1 AND 2)"))] == [
        "a",
        "b",
        "c >= 1",
        "c <= 2",
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("status <> 'denied' OR other IS NOT NULL", "other IS NOT NULL"),
        ("status = 'denied' OR other IS NOT NULL", "true"),
        ("status = 'denied' AND other > 1 AND third", "other > 1 AND third"),
        ("status = 'open' AND other > 1", "false"),
        ("other >= as_of - 30", "other >= '2026-05-02'::date"),
        ("(status = 'denied') = (other IS NOT NULL)", "other IS NOT NULL"),
        ("(status = 'open') = (other IS NULL)", "other IS NOT NULL"),
        ("other = ANY (ARRAY['a'::text, 'b'::text]::text[])", "other = ANY (ARRAY['a', 'b'])"),
        ("CASE WHEN status = 'open' THEN other = 1 ELSE other = 2 END", "other = 2"),
        ("count / 0 = other", "7 / 0 = other"),
        ("coalesce(reason, other) = 'x'", "COALESCE(NULL, other) = 'x'"),
    ],
)
def test_what_is_known_is_put_in_and_simplified(text: str, left: str) -> None:
    """Only the question about what is unknown remains; an error stays where it is."""
    assert render(substitute(parse(text), look_up)) == left


def test_names_are_renamed_everywhere_else_nothing_changes() -> None:
    """The VALUE of a domain's CHECK becomes the column's name."""
    expr = rename(parse("VALUE > 0 AND length(VALUE::text) < 5"), lambda _: ("price",))

    assert render(expr) == "price > 0 AND length(price::text) < 5"


@settings(max_examples=300, deadline=None)
@given(expr=expressions())
def test_written_text_reads_back_as_the_same_expression(expr: Expr) -> None:
    """Rendering and parsing settle after one trip: no parenthesis is lost, none is added."""
    once = parse(render(expr))

    assert parse(render(once)) == once


@settings(max_examples=300, deadline=None)
@given(expr=expressions())
def test_simplifying_does_not_change_the_value(expr: Expr) -> None:
    """An expression without names becomes its value, or stays and raises the same error."""

    def value(one: Expr) -> Value:
        try:
            return compile_expression(one)(look_up)
        except EvaluationError:
            return EvaluationError

    assert value(expr) == value(substitute(expr, look_up))


def test_what_is_refused_is_not_simplified_away() -> None:
    """Postgres computes the left side first, and so does the evaluator: what raises there is kept."""
    refused = substitute(parse("0 = NULL::integer + 0 / 0 AND false"), look_up)

    with pytest.raises(EvaluationError):
        compile_expression(refused)(look_up)


def test_trees_are_values() -> None:
    """Equal text gives equal, hashable trees."""
    tree = parse("lower(name) IN ('a', 'b')")

    assert isinstance(tree, Quantified)
    assert tree.arg == Call("lower", (Name(("name",)),))
    assert hash(tree) == hash(parse("lower(name)  in ('a','b')"))
    assert parse("NULL::text") == Literal(None)


def test_a_usual_check_is_judged_in_microseconds() -> None:
    """A request may have hundreds of conditions to judge twice: each takes far less than 20 microseconds."""
    evaluate = compile_expression(parse("status = ANY (ARRAY['open'::text, 'denied'::text]) AND amount >= 0"))

    assert min(timeit.repeat(lambda: evaluate(look_up), number=1000, repeat=5)) / 1000 < 20e-6


VALUES = [
    *(None, True, 0, -7, Decimal("1.5"), Decimal("NaN"), 1.5, float("inf"), "", "2026-01-02", "x%", date(2026, 1, 2)),
    *(
        datetime(2026, 1, 2, tzinfo=UTC),
        time(3),
        time(3, tzinfo=UTC),
        Interval(1, 2, 3),
        UUID(int=1),
        b"x",
        (1, None),
        (),
    ),
    *({"a": 1}, [1]),
]
OPERATORS = [*BINARY, "is distinct from", "@@"]
FUNCTIONS = [*STRICT, *LENIENT, "greatest", "coalesce"]


@settings(max_examples=1000, deadline=None)
@given(operator=st.sampled_from(OPERATORS), one=st.sampled_from(VALUES), other=st.sampled_from(VALUES))
def test_no_pair_of_values_breaks_an_operator(operator: str, one: Value, other: Value) -> None:
    """Whatever the types, the answer is a value, NULL, undecided, or the one error that is announced."""
    evaluate = compile_expression(Operation(operator, (Name(("a",)), Name(("b",)))))
    with contextlib.suppress(EvaluationError):
        evaluate(lambda parts: one if parts == ("a",) else other)


@settings(max_examples=1000, deadline=None)
@given(name=st.sampled_from(FUNCTIONS), values=st.lists(st.sampled_from(VALUES), max_size=3))
def test_no_arguments_break_a_function(name: str, values: list[Value]) -> None:
    """Nor do they break a function, also where there are too many or too few."""
    with contextlib.suppress(EvaluationError):
        compile_expression(Call(name, tuple(map(Literal, values))))(look_up)


@settings(max_examples=1000, deadline=None)
@given(type=st.sampled_from([*CONVERTERS, "integer[]", "numeric(5,2)", "mood"]), value=st.sampled_from(VALUES))
def test_no_value_breaks_a_cast(type: str, value: Value) -> None:
    """Nor a cast."""
    with contextlib.suppress(EvaluationError):
        compile_expression(Cast(Name(("a",)), type))(lambda _: value)
