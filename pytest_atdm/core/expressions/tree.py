"""The small tree of a Postgres expression, and the values it may take.

A value is None (SQL's NULL), ``UNDECIDED``, or a Python object: bool, int, Decimal, float, str, date, datetime, time,
``Interval``, UUID, bytes, a tuple for an SQL array, a list or dict for JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Self, TypeAlias
from typing import Literal as OneOf

if TYPE_CHECKING:
    from collections.abc import Iterator


class Undecided(Enum):
    """The type of ``UNDECIDED`` and ``SOME``."""

    UNDECIDED = "undecided"
    SOME = "some"

    def __repr__(self) -> str:
        return self.name


#: Cannot be judged here: an unknown function, a default that the database makes, a value that Python cannot hold.
UNDECIDED: Final = Undecided.UNDECIDED
#: What a scope says of a name whose value cannot be told here but is not NULL: a key that the database will allot.
SOME: Final = Undecided.SOME

Value: TypeAlias = object
Parts: TypeAlias = tuple[str, ...]
Scope: TypeAlias = Callable[[Parts], Value]
Evaluator: TypeAlias = Callable[[Scope], Value]


class Label(str):
    """A value of an enum type: a text that is ordered by its place among *labels*, not by its letters."""

    __slots__ = ("labels",)
    labels: tuple[str, ...]

    def __new__(cls, text: str, labels: tuple[str, ...]) -> Self:
        """Return the label *text* of the type that has *labels*, in their order."""
        label = super().__new__(cls, text)
        label.labels = labels
        return label


class EvaluationError(ValueError):
    """Postgres would raise here (division by zero, bad cast). Whoever evaluates catches and reports it."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; *value* is a Python value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A reference of one to three parts, folded to lower case as Postgres does unless quoted."""

    parts: Parts


@dataclass(frozen=True, slots=True)
class Cast:
    """``arg::type``; *type* is spelt as ``format_type`` spells it."""

    arg: Expr
    type: str


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; ``x IS NOT NULL`` is ``Not(IsNull(x))``."""

    arg: Expr


@dataclass(frozen=True, slots=True)
class IsNull:
    """``arg IS NULL``."""

    arg: Expr


@dataclass(frozen=True, slots=True)
class IsTruth:
    """``arg IS TRUE``, ``IS FALSE`` or ``IS UNKNOWN`` (*truth* None)."""

    arg: Expr
    truth: bool | None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator over one or two operands; ``is distinct from`` counts as an operator, BETWEEN becomes two."""

    operator: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Quantified:
    """``arg operator ANY (array)`` or ALL; ``IN`` is ``= any``, ``NOT IN`` is ``<> all`` over an ``Array``."""

    operator: str
    quantifier: OneOf["any", "all"]
    arg: Expr
    array: Expr


@dataclass(frozen=True, slots=True)
class Array:
    """``ARRAY[...]``, or the list behind IN."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name (without ``pg_catalog.``); COALESCE, NULLIF, GREATEST, LEAST and EXTRACT too."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """CASE: (condition, result) pairs in order, then *otherwise*."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Opaque:
    """What is not evaluated here (subqueries, rows, windows): its text."""

    text: str


Expr: TypeAlias = (
    Literal | Name | Cast | And | Or | Not | IsNull | IsTruth | Operation | Quantified | Array | Call | Case | Opaque
)


def iter_children(expr: Expr) -> Iterator[Expr]:
    """Yield the direct parts of *expr*, left to right."""
    match expr:
        case Cast() | Not() | IsNull() | IsTruth():
            yield expr.arg
        case And() | Or() | Operation() | Call():
            yield from expr.args
        case Quantified():
            yield expr.arg
            yield expr.array
        case Array():
            yield from expr.items
        case Case():
            for condition, result in expr.branches:
                yield condition
                yield result
            yield expr.otherwise
        case _:
            pass


def map_children(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:  # noqa: C901 (one line per kind)
    """Return *expr* with *change* applied to each direct part."""
    match expr:
        case Cast():
            return Cast(change(expr.arg), expr.type)
        case Not():
            return Not(change(expr.arg))
        case IsNull():
            return IsNull(change(expr.arg))
        case IsTruth():
            return IsTruth(change(expr.arg), expr.truth)
        case And():
            return And(tuple(map(change, expr.args)))
        case Or():
            return Or(tuple(map(change, expr.args)))
        case Operation():
            return Operation(expr.operator, tuple(map(change, expr.args)))
        case Quantified():
            return Quantified(expr.operator, expr.quantifier, change(expr.arg), change(expr.array))
        case Array():
            return Array(tuple(map(change, expr.items)))
        case Call():
            return Call(expr.name, tuple(map(change, expr.args)))
        case Case():
            return Case(tuple((change(c), change(r)) for c, r in expr.branches), change(expr.otherwise))
        case _:
            return expr


def names(expr: Expr) -> frozenset[Parts]:
    """Return every name that *expr* refers to; what stands inside an ``Opaque`` is not seen."""
    if isinstance(expr, Name):
        return frozenset((expr.parts,))
    return frozenset().union(*map(names, iter_children(expr)))


def conjuncts(expr: Expr) -> tuple[Expr, ...]:
    """Return the conditions that AND joins in *expr*, nested ANDs flattened; *expr* alone where there is none."""
    if not isinstance(expr, And):
        return (expr,)
    return tuple(part for arg in expr.args for part in conjuncts(arg))
