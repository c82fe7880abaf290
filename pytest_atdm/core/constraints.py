"""What conditions on one column say about its shape, read off their trees.

A reading may be too wide, never too narrow on purpose: whoever draws values tries each against the conditions
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final
from typing import Literal as OneOf

from pytest_atdm.core.expressions import (
    UNDECIDED,
    And,
    Call,
    Cast,
    EvaluationError,
    Expr,
    IsNull,
    IsTruth,
    Literal,
    Name,
    Not,
    Operation,
    Or,
    Quantified,
    substitute,
)
from pytest_atdm.core.expressions.operators import greater, less
from pytest_atdm.core.expressions.patterns import like_to_regex, translate_regex
from pytest_atdm.core.expressions.tree import iter_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_atdm.core.expressions import Parts, Value

#: A disjunction of conjunctions may grow without end; beyond this many ways only the first are read.
MAX_SHAPES: Final = 24

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_LENGTHS: Final = frozenset({"length", "char_length", "character_length", "octet_length"})
_TRANSPARENT: Final = frozenset({"btrim", "trim", "ltrim", "rtrim", "date", "coalesce"})
Fold = OneOf["", "lower", "upper"]


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range; *strict* says that *value* itself lies outside."""

    value: Value
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One way for a column to satisfy its conditions.

    *choices*: the only values, or None for any; *minimum* and *maximum*: None for no bound; lengths in characters;
    *patterns*: Python regular expressions, all to be found in the text; *fold*: the one case of all its letters;
    *null*: True must be NULL, False must not, None may.
    """

    choices: tuple[Value, ...] | None = None
    excluded: tuple[Value, ...] = ()
    minimum: Bound | None = None
    maximum: Bound | None = None
    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    fold: Fold = ""
    null: bool | None = None

    def merged(self, other: Shape) -> Shape:
        """Return the shape of what has both shapes."""
        return Shape(
            choices=_common(self.choices, other.choices),
            excluded=self.excluded + other.excluded,
            minimum=_tighter(self.minimum, other.minimum, greater),
            maximum=_tighter(self.maximum, other.maximum, less),
            min_length=max(self.min_length, other.min_length),
            max_length=min((n for n in (self.max_length, other.max_length) if n is not None), default=None),
            patterns=tuple(dict.fromkeys(self.patterns + other.patterns)),
            fold=self.fold or other.fold,
            null=other.null if self.null is None else self.null,
        )


def _common(one: tuple[Value, ...] | None, other: tuple[Value, ...] | None) -> tuple[Value, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if value in other)


def _tighter(one: Bound | None, other: Bound | None, beats: Callable[[Value, Value], Value]) -> Bound | None:
    if one is None or other is None:
        return other if one is None else one
    try:
        if beats(one.value, other.value) is True or (one.value == other.value and one.strict):
            return one
    except EvaluationError:
        pass  # bounds of different types: either will do, the conditions judge
    return other


def read_shapes(column: str, conditions: Iterable[Expr]) -> tuple[Shape, ...]:
    """Return the ways in which a value of *column* may satisfy all of *conditions*, in the order of the text.

    Each condition refers to the one name ``(column,)``. What cannot be read leaves the shape open.
    """
    reader = _Reader(Name((column,)))
    shapes: tuple[Shape, ...] = (Shape(),)
    for condition in conditions:
        shapes = _merge_all(shapes, reader.read(substitute(condition, _unknown)))
    return shapes


def _unknown(_parts: Parts) -> Value:
    return UNDECIDED


def _merge_all(some: Sequence[Shape], others: Sequence[Shape]) -> tuple[Shape, ...]:
    return tuple(one.merged(other) for one, other in product(some, others))[:MAX_SHAPES]


class _Reader:
    """Reads conditions on one name."""

    def __init__(self, subject: Name) -> None:
        self.subject = subject

    def read(self, expr: Expr, *, wanted: bool = True) -> tuple[Shape, ...]:
        """Return the ways in which *expr* is *wanted*: true, or false."""
        match expr:
            case And() | Or():
                return self._read_logic(expr, wanted=wanted)
            case Not(arg):
                return self.read(arg, wanted=not wanted)
            case IsNull(arg) if self._is_subject(arg):
                return (Shape(null=wanted),)
            case IsTruth(arg, bool() as truth):
                return self.read(arg, wanted=wanted is truth)
            case Name() if expr == self.subject:
                return (Shape(choices=(wanted,)),)
            case Operation(operator, (left, right)):
                return self._read_operation(operator, left, right, wanted=wanted)
            case Quantified():
                return self._read_quantified(expr, wanted=wanted)
            case Call("starts_with", (arg, Literal(str() as prefix))) if wanted and self._is_subject(arg):
                return _like(prefix.replace("%", r"\%").replace("_", r"\_") + "%")
            case Literal(verdict):
                return () if verdict is (not wanted) else (Shape(),)
            case _:
                return (Shape(),)

    def _read_logic(self, expr: And | Or, *, wanted: bool) -> tuple[Shape, ...]:
        parts = [self.read(arg, wanted=wanted) for arg in expr.args]
        if isinstance(expr, And) is not wanted:
            return tuple(shape for part in parts for shape in part)[:MAX_SHAPES]
        shapes: tuple[Shape, ...] = (Shape(),)
        for part in parts:
            shapes = _merge_all(shapes, part)
        return shapes

    def _is_subject(self, expr: Expr) -> bool:
        """Whether *expr* is the column itself, whatever it is cast to or trimmed of."""
        match expr:
            case Cast(arg):
                return self._is_subject(arg)
            case Call(name, (arg, *_)) if name in _TRANSPARENT:
                return self._is_subject(arg)
            case _:
                return expr == self.subject

    # -- operators

    def _read_operation(self, operator: str, left: Expr, right: Expr, *, wanted: bool) -> tuple[Shape, ...]:
        if operator in _FLIPPED and isinstance(left, Literal):
            operator, left, right = _FLIPPED[operator], right, left
        if operator in _NEGATED:
            return self._read_comparison(operator if wanted else _NEGATED[operator], left, right)
        if not isinstance(right, Literal) or not isinstance(right.value, str):
            return (Shape(),)
        return self._read_match(operator, left, right.value) if wanted else (Shape(),)

    def _read_match(self, operator: str, left: Expr, pattern: str) -> tuple[Shape, ...]:
        """LIKE and regular expressions, of the text itself or of its lower() or upper()."""
        fold, left = _unfold(left)
        if not self._is_subject(left):
            return (Shape(),)
        if operator in {"~~", "~~*"}:
            return _like(pattern, fold)
        translated = translate_regex(pattern) if operator in {"~", "~*"} else None
        return (Shape(),) if translated is None else (Shape(patterns=(translated,), fold=fold),)

    def _read_comparison(self, operator: str, left: Expr, right: Expr) -> tuple[Shape, ...]:
        if not isinstance(right, Literal):
            return self._read_folding(left, right) if operator == "=" else (Shape(),)
        if right.value is None:
            return (Shape(),)
        fold, folded = _unfold(left)
        if self._is_subject(folded):
            return (replace(_compared(operator, right.value), fold=fold),)
        match left:
            case Call(name, (arg,)) if name in _LENGTHS and self._is_subject(_unfold(arg)[1]):
                return (_compared_length(operator, right.value),)
            case Call("left", (arg, Literal())) | Call("substring" | "substr", (arg, Literal(1), Literal())) if (
                operator == "=" and self._is_subject(arg) and isinstance(right.value, str)
            ):
                return _like(right.value.replace("%", r"\%").replace("_", r"\_") + "%")
            case Operation(sign, (one, other)) if sign in {"+", "-"}:
                return self._read_shifted(operator, sign, one, other, right)
            case _:
                return (Shape(),)

    def _read_folding(self, left: Expr, right: Expr) -> tuple[Shape, ...]:
        """``x = lower(x)``: no letter of the other case."""
        for one, other in ((left, right), (right, left)):
            fold, unfolded = _unfold(one)
            if fold and self._is_subject(unfolded) and self._is_subject(other):
                return (Shape(fold=fold),)
        return (Shape(),)

    def _read_shifted(self, operator: str, sign: str, one: Expr, other: Expr, right: Literal) -> tuple[Shape, ...]:
        """``x + c < d``, ``c - x < d``: the constant goes to the other side."""
        if isinstance(other, Literal):
            opposite = "-" if sign == "+" else "+"
            return self._read_comparison(operator, one, _folded(opposite, right, other))
        if not isinstance(one, Literal):
            return (Shape(),)
        if sign == "+":
            return self._read_comparison(operator, other, _folded("-", right, one))
        return self._read_comparison(_FLIPPED[operator], other, _folded("-", one, right))

    # -- lists

    def _read_quantified(self, expr: Quantified, *, wanted: bool) -> tuple[Shape, ...]:
        if not isinstance(expr.array, Literal) or not isinstance(expr.array.value, tuple):
            return (Shape(),)
        items = tuple(item for item in expr.array.value if item is not None)
        is_in = (expr.operator, expr.quantifier, wanted) in {("=", "any", True), ("<>", "all", False)}
        fold, arg = _unfold(expr.arg)
        if is_in and self._is_subject(arg):
            return (Shape(choices=items, fold=fold),)
        each = [Operation(expr.operator, (expr.arg, Literal(item))) for item in items]
        if not each:
            return (Shape(),)
        return self.read(Or(tuple(each)) if expr.quantifier == "any" else And(tuple(each)), wanted=wanted)


def _unfold(expr: Expr) -> tuple[Fold, Expr]:
    match expr:
        case Cast(arg, type_text) if type_text in {"text", "character varying"}:
            return _unfold(arg)
        case Call("lower", (arg,)):
            return "lower", arg
        case Call("upper", (arg,)):
            return "upper", arg
        case _:
            return "", expr


def _folded(operator: str, left: Literal, right: Literal) -> Expr:
    return substitute(Operation(operator, (left, right)), _unknown)


def _like(pattern: str, fold: Fold = "") -> tuple[Shape, ...]:
    return (Shape(patterns=(like_to_regex(pattern),), fold=fold),)


def _compared(operator: str, bound: Value) -> Shape:
    match operator:
        case "=":
            return Shape(choices=(bound,))
        case "<>":
            return Shape(excluded=(bound,))
        case ">" | ">=":
            return Shape(minimum=Bound(bound, strict=operator == ">"))
        case _:
            return Shape(maximum=Bound(bound, strict=operator == "<"))


def _compared_length(operator: str, bound: Value) -> Shape:
    if not isinstance(bound, int):
        return Shape()
    match operator:
        case "=":
            return Shape(min_length=bound, max_length=bound)
        case ">" | ">=":
            return Shape(min_length=bound + (operator == ">"))
        case "<" | "<=":
            return Shape(max_length=bound - (operator == "<"))
        case _:
            return Shape()


def iter_literals(expr: Expr) -> Iterator[Value]:
    """Yield every constant in *expr*, items of lists one by one: what to try when no shape leads to a value."""
    if isinstance(expr, Literal):
        yield from expr.value if isinstance(expr.value, tuple) else (expr.value,)
        return
    for part in iter_children(expr):
        yield from iter_literals(part)
