"""What Postgres' operators do with two Python values that are neither NULL nor UNDECIDED."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, time
from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pytest_atdm.core.expressions.casting import WIDE, convert, round_numeric, to_text
from pytest_atdm.core.expressions.interval import Interval, as_datetime, from_timedelta, scale
from pytest_atdm.core.expressions.patterns import match_like, match_regex
from pytest_atdm.core.expressions.tree import UNDECIDED, EvaluationError, Label, Value

if TYPE_CHECKING:
    from collections.abc import Callable


#: The Postgres type that a text is read as when it meets a value of this Python type: an untyped literal.
_MET_TYPES: Final = {
    bool: "boolean",
    int: "bigint",
    Decimal: "numeric",
    float: "double precision",
    date: "date",
    time: "time without time zone",
    Interval: "interval",
    UUID: "uuid",
    bytes: "bytea",
}
_ORDERED_AS_IS: Final = frozenset({bool, int, Decimal, float, date, datetime, time, Interval, UUID, bytes})


@lru_cache(maxsize=4096)
def _read_literal(text: str, type_name: str) -> Value:
    return convert(text, type_name)


def _met_type(value: Value) -> str | None:
    if isinstance(value, datetime):
        return "timestamp with time zone" if value.tzinfo else "timestamp without time zone"
    return _MET_TYPES.get(type(value))


def align(left: Value, right: Value) -> tuple[Any, Any]:
    """Return the pair in one Python type, as Postgres' implicit casts do.

    Raises:
        EvaluationError: Postgres has no operator for such a pair.
    """
    if type(left) is type(right) and not isinstance(left, datetime):
        return left, right
    if isinstance(left, str):
        return _read_text_as(left, right), right
    if isinstance(right, str):
        return left, _read_text_as(right, left)
    if isinstance(left, date) and isinstance(right, date):
        return _align_moments(as_datetime(left), as_datetime(right))
    if isinstance(left, float) or isinstance(right, float):
        return convert(left, "double precision"), convert(right, "double precision")
    if _is_number(left) and _is_number(right):
        return left, right
    raise EvaluationError(f"{to_text(left)!r} and {to_text(right)!r} are of different types")


def _is_number(value: Value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _read_text_as(text: str, other: Value) -> Value:
    if isinstance(other, tuple):
        sample = next((item for item in other if item is not None), "")
        return convert(text, f"{_met_type(sample) or 'text'}[]")
    if isinstance(other, list | dict):
        return convert(text, "jsonb")
    met = _met_type(other)
    return text if met is None else _read_literal(text, met)


def _align_moments(left: datetime, right: datetime) -> tuple[datetime, datetime]:
    if (left.tzinfo is None) == (right.tzinfo is None):
        return left, right
    return (left if left.tzinfo else left.replace(tzinfo=UTC)), (right if right.tzinfo else right.replace(tzinfo=UTC))


def equal(left: Value, right: Value) -> Value:
    """``=``."""
    if type(left) is type(right):
        return left == right
    one, other = align(left, right)
    return UNDECIDED if one is UNDECIDED or other is UNDECIDED else one == other


def not_equal(left: Value, right: Value) -> Value:
    """``<>``."""
    verdict = equal(left, right)
    return verdict if verdict is UNDECIDED else not verdict


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], Value]:
    def decide(left: Value, right: Value) -> Value:
        if isinstance(left, Label) or isinstance(right, Label):
            return _order_labels(left, right, compare)
        if type(left) is not type(right) or isinstance(left, datetime):
            left, right = align(left, right)
        if type(left) in _ORDERED_AS_IS and right is not UNDECIDED:
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str) and _same_in_every_collation(left, right):
            return compare(left, right)
        return UNDECIDED

    return decide


def _order_labels(left: Value, right: Value, compare: Callable[[Any, Any], bool]) -> Value:
    """Compare two values of one enum, one of which may be a literal, by their places."""
    labels = left.labels if isinstance(left, Label) else right.labels if isinstance(right, Label) else ()
    if left not in labels or right not in labels:
        return UNDECIDED
    return compare(labels.index(left), labels.index(right))


def _same_in_every_collation(left: str, right: str) -> bool:
    """Whether C and every natural collation order the two alike: ASCII letters of one case, and digits."""
    both = left + right
    return left == right or (both.isascii() and both.isalnum() and (both == both.lower() or both == both.upper()))


less: Final = _ordering(operator.lt)
less_equal: Final = _ordering(operator.le)
greater: Final = _ordering(operator.gt)
greater_equal: Final = _ordering(operator.ge)


def add(left: Value, right: Value) -> Value:
    """``+`` over numbers, dates with integers or times, moments and intervals."""
    if type(left) is int and type(right) is int:
        return _within_bigint(left + right)
    if isinstance(right, date | time) and not isinstance(left, date | time):
        left, right = right, left
    match left, right:
        case (datetime() | time(), _) if isinstance(right, Interval | str):
            return _shift(left, _interval(right))
        case (date(), time()):
            return datetime.combine(left, right)
        case (date(), int()):
            return _shift_days(left, right)
        case (date(), Interval() | str()):
            return _shift(as_datetime(left), _interval(right))
        case (Interval(), Interval() | str()) | (str(), Interval()):
            return _interval(left) + _interval(right)
        case _:
            return _arithmetic(operator.add, left, right)


def subtract(left: Value, right: Value) -> Value:
    """``-`` over numbers, dates (gives days), moments (gives an interval) and intervals."""
    if type(left) is int and type(right) is int:
        return _within_bigint(left - right)
    match left, right:
        case (datetime(), date() | datetime()) | (date(), datetime()):
            one, other = align(left, right)
            return from_timedelta(one - other)
        case (date(), date()):
            return (left - right).days
        case (date(), str()):
            return subtract(left, _read_text_as(right, left))
        case (date(), int()) if not isinstance(left, datetime):
            return _shift_days(left, -right)
        case (date() | time(), Interval()):
            return _shift(as_datetime(left) if isinstance(left, date) else left, -right)
        case (Interval(), Interval()):
            return left + -right
        case (time(), time()):
            return convert(left, "interval") + -convert(right, "interval")  # type: ignore[operator]
        case _:
            return _arithmetic(operator.sub, left, right)


def _interval(value: Value) -> Interval:
    span = convert(value, "interval")
    if not isinstance(span, Interval):
        raise EvaluationError(f"{to_text(value)!r} is no interval")
    return span


def _shift(moment: Value, span: Interval) -> Value:
    try:
        if isinstance(moment, time):
            return Interval(0, 0, span.microseconds).added_to(datetime.combine(date(2000, 1, 1), moment)).timetz()
        return span.added_to(moment) if isinstance(moment, datetime) else UNDECIDED
    except (OverflowError, ValueError):
        return UNDECIDED  # a year that Python does not know


def _shift_days(day: date, days: int) -> Value:
    try:
        return date.fromordinal(day.toordinal() + days)
    except (OverflowError, ValueError):
        return UNDECIDED


def _arithmetic(apply: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    one, other = _numbers(left, right)
    if isinstance(one, float):
        return _finite(lambda: apply(one, other))
    if isinstance(one, Decimal):
        return _without_sign_of_zero(_EXACT[apply](one, other))
    return _within_bigint(apply(one, other))


_EXACT: Final[dict[Any, Callable[[Decimal, Decimal], Decimal]]] = {
    operator.add: WIDE.add,
    operator.sub: WIDE.subtract,
    operator.mul: WIDE.multiply,
}


def _without_sign_of_zero(number: Decimal) -> Decimal:
    return number or abs(number)


def _numbers(left: Value, right: Value) -> tuple[Any, Any]:
    """Return both as int, both as Decimal, or both as float."""
    if type(left) is int and type(right) is int:
        return left, right
    one, other = align(left, right)
    for value in (one, other):
        if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
            raise EvaluationError(f"{to_text(left)!r} and {to_text(right)!r} are not both numbers")
    if isinstance(one, Decimal) != isinstance(other, Decimal):
        return Decimal(one), Decimal(other)
    return one, other


def _finite(compute: Callable[[], float]) -> float:
    try:
        return compute()
    except OverflowError:
        raise EvaluationError("value out of range of double precision") from None


def _within_bigint(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise EvaluationError(f"{number} is out of the range of bigint")
    return number


def multiply(left: Value, right: Value) -> Value:
    """``*`` over numbers, or an interval with a number."""
    if type(left) is int and type(right) is int:
        return _within_bigint(left * right)
    if isinstance(right, Interval):
        left, right = right, left
    if isinstance(left, Interval):
        return scale(left, Decimal(to_text(right)))
    return _arithmetic(operator.mul, left, right)


def divide(left: Value, right: Value) -> Value:
    """``/``: integers truncate toward zero; numeric keeps Postgres' number of digits."""
    if isinstance(left, Interval):
        return scale(left, WIDE.divide(Decimal(1), Decimal(to_text(right))))
    one, other = _numbers(left, right)
    if other == 0:
        raise EvaluationError(f"division by zero: {to_text(left)} / {to_text(right)}")
    if isinstance(one, float):
        return _finite(lambda: one / other)
    if isinstance(one, Decimal):
        return _divide_numeric(one, other)
    return _within_bigint(_truncated(one, other))


def _truncated(one: int, other: int) -> int:
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


_GROUP: Final = 4  # numeric counts in groups of four decimal digits
_MIN_DIGITS: Final = 16


def _divide_numeric(one: Decimal, other: Decimal) -> Decimal:
    """Divide with the scale that Postgres' select_div_scale picks: at least 16 significant digits."""
    weights = [_weight(one), _weight(other)]
    weight = weights[0][0] - weights[1][0] - (1 if weights[0][1] <= weights[1][1] else 0)
    digits = max(_MIN_DIGITS - weight * _GROUP, decimal_places(one), decimal_places(other), 0)
    return round_numeric(WIDE.divide(one, other), min(digits, 1000))


def _weight(number: Decimal) -> tuple[int, int]:
    """Return (weight, first group) of *number* in base 10,000."""
    if not number:
        return 0, 0
    weight = number.adjusted() // _GROUP
    return weight, int(abs(number).scaleb(-weight * _GROUP, context=WIDE))


def decimal_places(number: Decimal) -> int:
    """Return the digits behind the point that *number* shows."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


_TOWARD_ZERO: Final = Context(prec=1200, rounding=ROUND_DOWN)


def modulo(left: Value, right: Value) -> Value:
    """``%``: the sign is the dividend's."""
    one, other = _numbers(left, right)
    if isinstance(one, float):
        raise EvaluationError("operator does not exist: double precision % double precision")
    if other == 0:
        raise EvaluationError(f"division by zero: {to_text(left)} % {to_text(right)}")
    if isinstance(one, Decimal):
        return _without_sign_of_zero(_TOWARD_ZERO.remainder(one, other))
    return one - other * _truncated(one, other)


def concatenate(left: Value, right: Value) -> Value:
    """``||`` over texts (the other side becomes text) and arrays."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        one = left if isinstance(left, tuple) else (left,)
        return one + (right if isinstance(right, tuple) else (right,))
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return UNDECIDED
    return to_text(left) + to_text(right)


def _negated(test: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    def decide(left: Value, right: Value) -> Value:
        verdict = test(left, right)
        return verdict if verdict is UNDECIDED else not verdict

    return decide


def _like(left: Value, right: Value) -> Value:
    return match_like(to_text(left), to_text(right))


def _ilike(left: Value, right: Value) -> Value:
    return match_like(to_text(left), to_text(right), ignore_case=True)


def _regex(left: Value, right: Value) -> Value:
    return match_regex(to_text(left), to_text(right))


def _iregex(left: Value, right: Value) -> Value:
    return match_regex(to_text(left), to_text(right), ignore_case=True)


#: Binary operators by their Postgres name.
BINARY: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "=": equal,
    "<>": not_equal,
    "<": less,
    "<=": less_equal,
    ">": greater,
    ">=": greater_equal,
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "||": concatenate,
    "~~": _like,
    "!~~": _negated(_like),
    "~~*": _ilike,
    "!~~*": _negated(_ilike),
    "~": _regex,
    "!~": _negated(_regex),
    "~*": _iregex,
    "!~*": _negated(_iregex),
}


def negate(value: Value) -> Value:
    """Unary ``-``."""
    if isinstance(value, Interval):
        return -value
    return subtract(0, value)


#: Unary operators by their Postgres name.
UNARY: Final[dict[str, Callable[[Value], Value]]] = {"-": negate, "+": lambda value: value}
