"""Partial evaluation: what is known becomes a literal, what is decided disappears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.expressions.evaluate import compile_expression
from pytest_atdm.core.expressions.tree import (
    SOME,
    UNDECIDED,
    And,
    Case,
    EvaluationError,
    Expr,
    IsNull,
    Literal,
    Name,
    Not,
    Opaque,
    Operation,
    Or,
    Parts,
    Scope,
    Undecided,
    Value,
    iter_children,
    map_children,
    names,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def substitute(expr: Expr, scope: Scope) -> Expr:
    """Return *expr* with each name that *scope* knows replaced by its value, and simplified.

    A name for which *scope* returns UNDECIDED stays. What Postgres would refuse to compute stays as it is, so that
    evaluating the result raises the same error.
    """
    if isinstance(expr, Name):
        value = scope(expr.parts)
        return expr if isinstance(value, Undecided) else Literal(value)
    if isinstance(expr, IsNull) and isinstance(expr.arg, Name) and scope(expr.arg.parts) is SOME:
        return Literal(False)
    return _simplify(map_children(expr, lambda part: substitute(part, scope)))


def rename(expr: Expr, change: Callable[[Parts], Parts]) -> Expr:
    """Return *expr* with *change* applied to each name; what stands inside an ``Opaque`` is not touched."""
    if isinstance(expr, Name):
        return Name(change(expr.parts))
    return map_children(expr, lambda part: rename(part, change))


def _simplify(expr: Expr) -> Expr:
    match expr:
        case And():
            return _simplify_logic(expr.args, And, decided_by=False)
        case Or():
            return _simplify_logic(expr.args, Or, decided_by=True)
        case Not(Not(inner)):
            return inner
        case Case():
            return _simplify_case(expr)
        case Operation("=", (Literal(bool() as verdict), test)) | Operation("=", (test, Literal(bool() as verdict))):
            return _fold(expr) if isinstance(test, Literal) else test if verdict else Not(test)
        case Literal() | Name() | Opaque():
            return expr
        case _:
            return _fold(expr)


def _fold(expr: Expr) -> Expr:
    """Return the value of *expr* where all its parts are literals and it can be computed here."""
    if not all(isinstance(part, Literal) for part in iter_children(expr)):
        return expr
    try:
        value = compile_expression(expr)(_nothing_known)
    except EvaluationError:
        return expr
    return expr if value is UNDECIDED else Literal(value)


def _nothing_known(_parts: Parts) -> Value:
    return UNDECIDED


def _simplify_logic(args: tuple[Expr, ...], kind: type[And | Or], *, decided_by: bool) -> Expr:
    flat = tuple(part for arg in args for part in (arg.args if isinstance(arg, kind) else (arg,)))
    for arg in flat:
        if isinstance(arg, Literal) and arg.value is decided_by:
            return Literal(decided_by)
        if not isinstance(arg, Literal) and not names(arg):
            break  # it could not be computed, and is evaluated first
    open_ones = tuple(arg for arg in flat if not (isinstance(arg, Literal) and arg.value is (not decided_by)))
    if not open_ones:
        return Literal(not decided_by)
    if all(isinstance(arg, Literal) and arg.value is None for arg in open_ones):
        return Literal(None)
    return open_ones[0] if len(open_ones) == 1 else kind(open_ones)


def _simplify_case(expr: Case) -> Expr:
    branches: list[tuple[Expr, Expr]] = []
    for condition, result in expr.branches:
        if isinstance(condition, Literal) and condition.value is True:
            return Case(tuple(branches), result) if branches else result
        if not isinstance(condition, Literal):
            branches.append((condition, result))
    return Case(tuple(branches), expr.otherwise) if branches else expr.otherwise
