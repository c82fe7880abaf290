"""From tree to closure: three-valued logic, with UNDECIDED for what only the database can tell.

An evaluator may raise ``EvaluationError`` where Postgres would raise. Conditions under AND and OR are judged from left
to right and no further than needed, as Postgres does in practice (``b <> 0 AND a / b > 1``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.expressions.casting import convert
from pytest_atdm.core.expressions.functions import LENIENT, STRICT
from pytest_atdm.core.expressions.operators import BINARY, UNARY, equal, greater, less
from pytest_atdm.core.expressions.tree import (
    SOME,
    UNDECIDED,
    And,
    Array,
    Call,
    Case,
    Cast,
    EvaluationError,
    Evaluator,
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
    Scope,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def holds(value: Value) -> bool:
    """Return a CHECK's verdict on *value*: everything but False passes (UNDECIDED is left to the database)."""
    return value is not False


def compile_expression(expr: Expr) -> Evaluator:
    """Return the closure that evaluates *expr* over a scope; compile once, call often.

    The closure returns a Python value, None for NULL, or UNDECIDED, and raises ``EvaluationError`` where Postgres
    would raise at run time.
    """
    return _COMPILERS[type(expr)](expr)


def _compile_all(exprs: tuple[Expr, ...]) -> tuple[Evaluator, ...]:
    return tuple(map(compile_expression, exprs))


#: Functions that ask only whether their arguments are NULL.
_COUNTING: Final = frozenset({"num_nonnulls", "num_nulls"})


def _undecided(_scope: Scope) -> Value:
    return UNDECIDED


def _compile_literal(expr: Literal) -> Evaluator:
    value = expr.value
    return lambda _scope: value


def _compile_name(expr: Name) -> Evaluator:
    parts = expr.parts
    return lambda scope: UNDECIDED if (value := scope(parts)) is SOME else value


def _compile_presence(expr: Expr) -> Evaluator:
    """Compile for those who ask only whether there is a value: SOME counts as one."""
    if not isinstance(expr, Name):
        return compile_expression(expr)
    parts = expr.parts
    return lambda scope: scope(parts)


def _compile_cast(expr: Cast) -> Evaluator:
    if isinstance(expr.arg, Literal):
        try:
            return _compile_literal(Literal(convert(expr.arg.value, expr.type)))
        except EvaluationError:
            pass  # the error belongs to the evaluation, not to the compilation
    inner, type_text = compile_expression(expr.arg), expr.type
    if type_text == "text":
        return lambda scope: str(value) if isinstance(value := inner(scope), str) else convert(value, type_text)
    return lambda scope: convert(inner(scope), type_text)


def _compile_and(expr: And) -> Evaluator:
    return _compile_logic(expr.args, decided_by=False)


def _compile_or(expr: Or) -> Evaluator:
    return _compile_logic(expr.args, decided_by=True)


def _compile_logic(exprs: tuple[Expr, ...], *, decided_by: bool) -> Evaluator:
    args = _compile_all(exprs)

    def evaluate(scope: Scope) -> Value:
        result: Value = not decided_by
        for arg in args:
            value = arg(scope)
            if value is decided_by:
                return value
            if value is UNDECIDED or (value is None and result is not UNDECIDED):
                result = value
        return result

    return evaluate


def _compile_not(expr: Not) -> Evaluator:
    inner = compile_expression(expr.arg)

    def evaluate(scope: Scope) -> Value:
        value = inner(scope)
        return not value if isinstance(value, bool) else value if value is None else UNDECIDED

    return evaluate


def _compile_is_null(expr: IsNull) -> Evaluator:
    inner = _compile_presence(expr.arg)

    def evaluate(scope: Scope) -> Value:
        value = inner(scope)
        return UNDECIDED if value is UNDECIDED else value is None

    return evaluate


def _compile_is_truth(expr: IsTruth) -> Evaluator:
    inner, truth = compile_expression(expr.arg), expr.truth

    def evaluate(scope: Scope) -> Value:
        value = inner(scope)
        return UNDECIDED if value is UNDECIDED else value is truth

    return evaluate


def _compile_operation(expr: Operation) -> Evaluator:
    args = _compile_all(expr.args)
    if expr.operator == "is distinct from":
        return _compile_distinct(*args)
    if len(args) == 1:
        return _apply_strictly(UNARY[expr.operator], args) if expr.operator in UNARY else _undecided
    apply = BINARY.get(expr.operator)
    if apply is None:
        return _undecided
    left, right = args
    if isinstance(expr.args[1], Literal) and expr.args[1].value is not None:
        return _compile_with_constants(apply, left, expr.args[1].value)

    def evaluate(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if one is None or other is None:
            return None
        if one is UNDECIDED or other is UNDECIDED:
            return UNDECIDED
        return _call(apply, one, other)

    return evaluate


def _compile_with_constants(apply: Callable[..., Value], first: Evaluator, *constants: Value) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        value = first(scope)
        return value if value is None or value is UNDECIDED else _call(apply, value, *constants)

    return evaluate


def _compile_distinct(left: Evaluator, right: Evaluator) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if one is UNDECIDED or other is UNDECIDED:
            return UNDECIDED
        if one is None or other is None:
            return one is not other
        verdict = _call(equal, one, other)
        return verdict if verdict is UNDECIDED else not verdict

    return evaluate


def _compile_quantified(expr: Quantified) -> Evaluator:
    apply = BINARY.get(expr.operator)
    if apply is None:
        return _undecided
    arg, array = compile_expression(expr.arg), compile_expression(expr.array)
    decided_by = expr.quantifier == "any"
    general = partial(_judge_items, apply, decided_by=decided_by)
    texts = _constant_texts(array) if (expr.operator, decided_by) in {("=", True), ("<>", False)} else None

    def evaluate(scope: Scope) -> Value:
        value = arg(scope)
        if texts is not None and isinstance(value, str):
            return (value in texts) is decided_by
        return general(value, array(scope))

    return evaluate


def _constant_texts(array: Evaluator) -> frozenset[str] | None:
    """Return the items of *array* where it is a constant list of texts: the usual IN, decided by one look-up."""
    try:
        items = array(lambda _parts: UNDECIDED)
    except EvaluationError:
        return None
    if not isinstance(items, tuple) or not all(isinstance(item, str) for item in items):
        return None
    return frozenset(items)


def _judge_items(apply: Callable[[Value, Value], Value], value: Value, items: Value, *, decided_by: bool) -> Value:
    if items is None or items is UNDECIDED:
        return items
    if isinstance(items, str):
        items = convert(items, "text[]")
    if not isinstance(items, tuple):
        return UNDECIDED
    result: Value = not decided_by
    for item in items:
        verdict = _apply_pair(apply, value, item)
        if verdict is decided_by:
            return verdict
        if verdict is UNDECIDED or (verdict is None and result is not UNDECIDED):
            result = verdict
    return result


def _apply_pair(apply: Callable[[Value, Value], Value], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    return UNDECIDED if left is UNDECIDED or right is UNDECIDED else _call(apply, left, right)


def _compile_array(expr: Array) -> Evaluator:
    items = _compile_all(expr.items)
    if all(isinstance(item, Literal | Cast) for item in expr.items):
        try:
            return _compile_literal(Literal(tuple(item(_unknown_scope) for item in items)))
        except (EvaluationError, _NotConstantError):
            pass
    return lambda scope: tuple(item(scope) for item in items)


class _NotConstantError(Exception):
    """A name stands in what looked constant."""


def _unknown_scope(_parts: tuple[str, ...]) -> Value:
    raise _NotConstantError


def _compile_call(expr: Call) -> Evaluator:
    if expr.name in _COUNTING:
        return _apply_leniently(LENIENT[expr.name], tuple(map(_compile_presence, expr.args)))
    args = _compile_all(expr.args)
    if expr.name in _SPECIAL:
        return _SPECIAL[expr.name](args)
    if expr.name in STRICT:
        constants = [arg.value for arg in expr.args[1:] if isinstance(arg, Literal) and arg.value is not None]
        if len(constants) + 1 == len(args):
            return _compile_with_constants(STRICT[expr.name], args[0], *constants)
        return _apply_strictly(STRICT[expr.name], args)
    return _apply_leniently(LENIENT[expr.name], args) if expr.name in LENIENT else _undecided


def _apply_strictly(apply: Callable[..., Value], args: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        values = [arg(scope) for arg in args]
        if None in values:
            return None
        return UNDECIDED if UNDECIDED in values else _call(apply, *values)

    return evaluate


def _apply_leniently(apply: Callable[..., Value], args: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        values = [arg(scope) for arg in args]
        return UNDECIDED if UNDECIDED in values else _call(apply, *values)

    return evaluate


def _call(apply: Callable[..., Value], *values: Value) -> Value:
    try:
        return apply(*values)
    except EvaluationError:
        raise
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return UNDECIDED  # a variant with other types or arguments than ours


def _coalesce(args: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        for arg in args:
            value = arg(scope)
            if value is not None:
                return value
        return None

    return evaluate


def _nullif(args: tuple[Evaluator, ...]) -> Evaluator:
    left, right = args

    def evaluate(scope: Scope) -> Value:
        value = left(scope)
        verdict = _apply_pair(equal, value, right(scope))
        if verdict is UNDECIDED:
            return UNDECIDED
        return None if verdict is True else value

    return evaluate


def _extreme(beats: Callable[[Value, Value], Value], args: tuple[Evaluator, ...]) -> Evaluator:
    def evaluate(scope: Scope) -> Value:
        best: Value = None
        for arg in args:
            value = arg(scope)
            if value is UNDECIDED:
                return UNDECIDED
            verdict = value is not None and (best is None or _call(beats, value, best))
            if verdict is UNDECIDED:
                return UNDECIDED
            best = value if verdict else best
        return best

    return evaluate


_SPECIAL: Final[dict[str, Callable[[tuple[Evaluator, ...]], Evaluator]]] = {
    "coalesce": _coalesce,
    "nullif": _nullif,
    "greatest": partial(_extreme, greater),
    "least": partial(_extreme, less),
}


def _compile_case(expr: Case) -> Evaluator:
    branches = tuple((compile_expression(condition), compile_expression(result)) for condition, result in expr.branches)
    otherwise = compile_expression(expr.otherwise)

    def evaluate(scope: Scope) -> Value:
        for condition, result in branches:
            verdict = condition(scope)
            if verdict is UNDECIDED:
                return UNDECIDED
            if verdict is True:
                return result(scope)
        return otherwise(scope)

    return evaluate


def _compile_opaque(_expr: Opaque) -> Evaluator:
    return _undecided


_COMPILERS: Final[dict[type, Callable[..., Evaluator]]] = {
    Literal: _compile_literal,
    Name: _compile_name,
    Cast: _compile_cast,
    And: _compile_and,
    Or: _compile_or,
    Not: _compile_not,
    IsNull: _compile_is_null,
    IsTruth: _compile_is_truth,
    Operation: _compile_operation,
    Quantified: _compile_quantified,
    Array: _compile_array,
    Call: _compile_call,
    Case: _compile_case,
    Opaque: _compile_opaque,
}
