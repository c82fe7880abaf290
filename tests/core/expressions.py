"""Random expressions of known types, so that Postgres accepts each of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from hypothesis import strategies as st

from pytest_atdm.core.expressions import (
    And,
    Array,
    Call,
    Case,
    Cast,
    Expr,
    IsNull,
    IsTruth,
    Literal,
    Not,
    Operation,
    Or,
    Quantified,
)

COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=", "is distinct from")
REGEXES: Final = (
    "^a",
    "b$",
    "[ab]+",
    "^[A-Z0-9]{2,3}$",
    "a|B",
    "(ab)*1",
    r"\d",
    r"\.",
    "[^a%]",
    "[[:upper:]]",
    r"\yab\y",
)
INTERVALS: Final = ("1 day", "-3 days", "1 mon", "2 years -1 mon", "36:00:00", "1 mon 2 days 03:04:05", "-00:00:01")
FIELDS: Final = ("year", "month", "day", "quarter", "week", "dow", "isodow", "doy")

small = st.integers(-4, 6)


def _typed(values: st.SearchStrategy[object], type: str) -> st.SearchStrategy[Expr]:
    return st.one_of(values, st.none()).map(lambda value: Cast(Literal(value), type))


def _binary(
    operators: tuple[str, ...], left: st.SearchStrategy[Expr], right: st.SearchStrategy[Expr] | None = None
) -> st.SearchStrategy[Expr]:
    return st.builds(
        lambda operator, one, other: Operation(operator, (one, other)),
        st.sampled_from(operators),
        left,
        left if right is None else right,
    )


def _call(name: str, *args: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.tuples(*args).map(lambda drawn: Call(name, drawn))


def _choosing(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """The forms that exist for every type."""
    return st.one_of(
        _call("coalesce", inner, inner),
        _call("nullif", inner, inner),
        st.builds(lambda test, one, other: Case(((test, one),), other), booleans(), inner, inner),
    )


def integers() -> st.SearchStrategy[Expr]:
    """Expressions of type bigint; small enough never to overflow."""
    return st.recursive(
        _typed(st.integers(-20, 20), "bigint"),
        lambda inner: st.one_of(
            _binary(("+", "-", "*", "/", "%"), inner),
            _call("abs", inner),
            _call("greatest", inner, inner),
            inner.map(lambda arg: Operation("-", (arg,))),
        ),
        max_leaves=5,
    )


def numerics() -> st.SearchStrategy[Expr]:
    """Expressions of type numeric."""
    number = st.decimals(-999, 999, places=3, allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.one_of(_typed(number, "numeric"), _typed(number, "numeric(6,2)")),
        lambda inner: st.one_of(
            _binary(("+", "-", "*", "/", "%"), inner),
            _binary(("+", "*", "/"), inner, integers()),
            _call("round", inner, st.integers(-2, 3).map(Literal)),
            _call("floor", inner),
            _call("ceil", inner),
            _call("abs", inner),
            inner.map(lambda arg: Cast(arg, "numeric(12,1)")),
        ),
        max_leaves=3,
    )


def texts() -> st.SearchStrategy[Expr]:
    """Expressions of type text."""
    leaf = _typed(st.text("abAB1 %_.", max_size=4), "text")
    whole = small.map(Literal)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            _binary(("||",), inner),
            *(_call(name, inner) for name in ("lower", "upper", "btrim", "ltrim", "rtrim", "reverse", "initcap")),
            _call("btrim", inner, inner),
            _call("substr", inner, whole),
            _call("substring", inner, whole, st.integers(0, 4).map(Literal)),
            _call("left", inner, whole),
            _call("right", inner, whole),
            _call("replace", inner, leaf, leaf),
            _call("concat", inner, inner),
            _call("lpad", inner, whole, inner),
            _call("split_part", inner, leaf, st.integers(1, 3).map(Literal)),
            inner.map(lambda arg: Cast(arg, "character varying(3)")),
            integers().map(lambda arg: Cast(arg, "text")),
            numerics().map(lambda arg: Cast(arg, "text")),
            dates().map(lambda arg: Cast(arg, "text")),
        ),
        max_leaves=4,
    )


def dates() -> st.SearchStrategy[Expr]:
    """Expressions of type date."""
    leaf = _typed(st.dates(date(1990, 1, 1), date(2030, 12, 31)).map(str), "date")
    return st.one_of(leaf, _binary(("+", "-"), leaf, small.map(Literal)), _call("least", leaf, leaf))


def moments() -> st.SearchStrategy[Expr]:
    """Expressions of type timestamp without time zone."""
    span = st.sampled_from(INTERVALS).map(lambda text: Cast(Literal(text), "interval"))
    stamps = st.datetimes(datetime(1990, 1, 1), datetime(2030, 12, 31))
    leaf = _typed(stamps.map(str), "timestamp without time zone")
    return st.one_of(
        leaf,
        _binary(("+", "-"), leaf, span),
        _binary(("+", "-"), dates(), span),
        st.sampled_from(("hour", "day", "month", "year")).flatmap(
            lambda field: leaf.map(lambda arg: Call("date_trunc", (Literal(field), arg)))
        ),
    )


def _arrays(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.lists(inner, min_size=1, max_size=3).map(lambda items: Array(tuple(items)))


def _comparisons() -> st.SearchStrategy[Expr]:
    kinds = (integers(), numerics(), texts(), dates(), moments())
    quantifiers = st.sampled_from([("=", "any"), ("<>", "all"), ("<", "any"), (">=", "all")])
    lists = [
        st.builds(lambda kind, arg, array: Quantified(kind[0], kind[1], arg, array), quantifiers, one, _arrays(one))
        for one in kinds[:2]
    ]
    return st.one_of(
        *(_binary(COMPARISONS, one) for one in kinds),
        *lists,
        _binary(COMPARISONS, integers(), numerics()),
        _binary(COMPARISONS, dates(), moments()),
        _binary(COMPARISONS, _call("length", texts()), integers()),
        _binary(("=", "<"), _binary(("-",), dates()), integers()),
        _binary(("=", "<"), _binary(("-",), moments()), _typed(st.sampled_from(INTERVALS), "interval")),
        _binary(("~~", "!~~", "~~*"), texts(), st.text("ab%_A", max_size=4).map(Literal)),
        _binary(("~", "!~", "~*"), texts(), st.sampled_from(REGEXES).map(Literal)),
        _binary(("=", ">"), _call("extract", st.sampled_from(FIELDS).map(Literal), dates()), integers()),
        _binary(("=",), _call("strpos", texts(), texts()), integers()),
        _call("starts_with", texts(), texts()),
    )


def booleans() -> st.SearchStrategy[Expr]:
    """Expressions of type boolean."""
    return st.recursive(
        st.one_of(_typed(st.booleans(), "boolean"), st.deferred(_comparisons)),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda args: And(tuple(args))),
            st.lists(inner, min_size=2, max_size=3).map(lambda args: Or(tuple(args))),
            inner.map(Not),
            st.one_of(inner, texts(), dates()).map(IsNull),
            st.builds(IsTruth, inner, st.sampled_from((True, False, None))),
            _binary(("=", "<>"), inner),
        ),
        max_leaves=5,
    )


def expressions() -> st.SearchStrategy[Expr]:
    """Expressions of any of these types."""
    plain = (integers(), numerics(), texts(), dates(), moments())
    return st.one_of(booleans(), booleans(), *plain, *map(_choosing, plain))
