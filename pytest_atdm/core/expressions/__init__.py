"""The one expression language: Postgres expressions as a tree, a closure, and text."""

from __future__ import annotations

from pytest_atdm.core.expressions.evaluate import compile_expression, holds
from pytest_atdm.core.expressions.parse import parse
from pytest_atdm.core.expressions.render import render
from pytest_atdm.core.expressions.simplify import rename, substitute
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
    Parts,
    Quantified,
    Scope,
    Undecided,
    Value,
    conjuncts,
    names,
)

__all__ = (
    "SOME",
    "UNDECIDED",
    "And",
    "Array",
    "Call",
    "Case",
    "Cast",
    "EvaluationError",
    "Evaluator",
    "Expr",
    "IsNull",
    "IsTruth",
    "Literal",
    "Name",
    "Not",
    "Opaque",
    "Operation",
    "Or",
    "Parts",
    "Quantified",
    "Scope",
    "Undecided",
    "Value",
    "compile_expression",
    "conjuncts",
    "holds",
    "names",
    "parse",
    "rename",
    "render",
    "substitute",
)
