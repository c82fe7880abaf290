"""From tree to readable SQL that parses back to the same tree."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

from pytest_atdm.core.expressions.casting import to_text
from pytest_atdm.core.expressions.interval import Interval
from pytest_atdm.core.expressions.keywords import RESERVED_WORDS
from pytest_atdm.core.expressions.tree import (
    And,
    Array,
    Call,
    Case,
    Cast,
    Expr,
    IsNull,
    IsTruth,
    Literal,
    Name,
    Not,
    Opaque,
    Operation,
    Or,
    Quantified,
    Undecided,
    Value,
)

# How tightly each form binds, from Postgres' grammar; a looser part inside a tighter one is put in parentheses.
_OR, _AND, _NOT, _IS, _COMPARE, _LIKE, _OTHER, _SUM, _PRODUCT, _CAST, _ATOM = range(11)
_BINDING: Final = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), _COMPARE),
    **dict.fromkeys(("~~", "!~~", "~~*", "!~~*"), _LIKE),
    "is distinct from": _IS,
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
}
_WORDS: Final = {
    "~~": "LIKE",
    "!~~": "NOT LIKE",
    "~~*": "ILIKE",
    "!~~*": "NOT ILIKE",
    "is distinct from": "IS DISTINCT FROM",
}
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")


def render(expr: Expr) -> str:
    """Return *expr* as SQL, with no more parentheses than it needs."""
    return _render(expr)[0]


def _render(expr: Expr) -> tuple[str, int]:
    """Return the text and how tightly it binds."""
    match expr:
        case Literal():
            return _render_literal(expr.value)
        case Name():
            return ".".join(map(_quote_name, expr.parts)), _ATOM
        case Cast():
            return f"{_inside(expr.arg, _ATOM)}::{expr.type}", _CAST
        case And():
            return " AND ".join(_inside(arg, _AND + 1) for arg in expr.args), _AND
        case Or():
            return " OR ".join(_inside(arg, _OR + 1) for arg in expr.args), _OR
        case Not():
            return _render_not(expr)
        case IsNull() | IsTruth():
            return _render_test(expr, "IS"), _IS
        case Operation():
            return _render_operation(expr)
        case Quantified():
            return _render_quantified(expr)
        case _:
            return _render_atom(expr), _ATOM


def _render_atom(expr: Expr) -> str:
    match expr:
        case Array():
            return f"ARRAY[{_list(expr.items)}]"
        case Call():
            return _render_call(expr)
        case Case():
            whens = " ".join(f"WHEN {render(condition)} THEN {render(result)}" for condition, result in expr.branches)
            return f"CASE {whens} ELSE {render(expr.otherwise)} END"
        case Opaque():
            return f"({expr.text})"
        case _:
            return f"({render(expr)})"


def _inside(expr: Expr, binding: int) -> str:
    text, own = _render(expr)
    return text if own >= binding else f"({text})"


def _list(exprs: tuple[Expr, ...]) -> str:
    return ", ".join(map(render, exprs))


def _quote_name(part: str) -> str:
    return part if _PLAIN.fullmatch(part) and part not in RESERVED_WORDS else '"' + part.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return *text* as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _render_literal(value: Value) -> tuple[str, int]:
    match value:
        case None:
            return "NULL", _ATOM
        case bool():
            return "true" if value else "false", _ATOM
        case int():
            return str(value), _ATOM if value >= 0 else _PRODUCT
        case Decimal() if value.is_finite():
            return _decimal_text(value), _ATOM if value >= 0 else _PRODUCT
        case str():
            return quote_text(value), _ATOM
        case Undecided():
            return "DEFAULT", _ATOM
        case list() | dict():
            return f"{quote_text(json.dumps(value, ensure_ascii=False, default=str))}::jsonb", _CAST
        case tuple():
            return f"ARRAY[{', '.join(_render_literal(item)[0] for item in value)}]", _ATOM
        case _:
            return f"{quote_text(to_text(value))}::{_literal_type(value)}", _CAST


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    return text if "." in text or abs(value) >= 2**63 else f"{text}."


def _literal_type(value: Value) -> str:
    if isinstance(value, datetime):
        return "timestamp with time zone" if value.tzinfo else "timestamp without time zone"
    kinds = {
        float: "double precision",
        Decimal: "numeric",
        date: "date",
        time: "time without time zone",
        Interval: "interval",
        UUID: "uuid",
        bytes: "bytea",
    }
    return kinds.get(type(value), "text")


_TRUTH_WORDS: Final = {True: "TRUE", False: "FALSE", None: "UNKNOWN"}


def _render_test(expr: IsNull | IsTruth, verb: str) -> str:
    word = "NULL" if isinstance(expr, IsNull) else _TRUTH_WORDS[expr.truth]
    return f"{_inside(expr.arg, _IS + 1)} {verb} {word}"


def _render_not(expr: Not) -> tuple[str, int]:
    match expr.arg:
        case IsNull() | IsTruth() as test:
            return _render_test(test, "IS NOT"), _IS
        case Operation("is distinct from", (left, right)):
            return f"{_inside(left, _IS + 1)} IS NOT DISTINCT FROM {_inside(right, _IS + 1)}", _IS
        case arg:
            return f"NOT {_inside(arg, _NOT)}", _NOT


def _render_operation(expr: Operation) -> tuple[str, int]:
    binding = _BINDING.get(expr.operator, _OTHER)
    word = _WORDS.get(expr.operator, expr.operator)
    if len(expr.args) == 1:
        return f"{word} {_inside(expr.args[0], _CAST)}", _PRODUCT
    left, right = expr.args
    left_binding = binding if binding in {_SUM, _PRODUCT} else binding + 1
    return f"{_inside(left, left_binding)} {word} {_inside(right, binding + 1)}", binding


def _render_quantified(expr: Quantified) -> tuple[str, int]:
    short = {("=", "any"): "IN", ("<>", "all"): "NOT IN"}.get((expr.operator, expr.quantifier))
    arg = _inside(expr.arg, _OTHER + 1)
    if short and isinstance(expr.array, Array) and expr.array.items:
        return f"{arg} {short} ({_list(expr.array.items)})", _LIKE
    return f"{arg} {expr.operator} {expr.quantifier.upper()} ({render(expr.array)})", _BINDING.get(
        expr.operator, _OTHER
    )


def _render_call(expr: Call) -> str:
    if expr.name in {"coalesce", "nullif", "greatest", "least"}:
        return f"{expr.name.upper()}({_list(expr.args)})"
    name = ".".join(map(_quote_name, expr.name.split(".")))
    if expr.name in RESERVED_WORDS:
        name = f"pg_catalog.{name}"
    return f"{name}({_list(expr.args)})"
