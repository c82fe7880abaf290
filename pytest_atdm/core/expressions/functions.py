"""The functions that are evaluated here, by name, over values that are neither NULL nor UNDECIDED."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.expressions.casting import convert, round_numeric, to_text
from pytest_atdm.core.expressions.interval import Interval, as_datetime
from pytest_atdm.core.expressions.operators import decimal_places, modulo, negate
from pytest_atdm.core.expressions.patterns import compile_regex, escape_like, translate_similar
from pytest_atdm.core.expressions.tree import UNDECIDED, EvaluationError, Value

if TYPE_CHECKING:
    from collections.abc import Callable


def _length(value: Value) -> Value:
    return len(value) if isinstance(value, str | bytes) else len(to_text(value))


def _octet_length(value: Value) -> Value:
    return len(value) if isinstance(value, bytes) else len(to_text(value).encode())


def _trim(value: Value, characters: Value = " ") -> Value:
    return to_text(value).strip(to_text(characters))


def _trim_left(value: Value, characters: Value = " ") -> Value:
    return to_text(value).lstrip(to_text(characters))


def _trim_right(value: Value, characters: Value = " ") -> Value:
    return to_text(value).rstrip(to_text(characters))


def _substring(value: Value, start: Value, length: Value = None) -> Value:
    if isinstance(start, str):
        return _substring_regex(to_text(value), start) if length is None else UNDECIDED
    text, first = to_text(value), _whole(start) - 1
    if length is None:
        return text[max(first, 0) :]
    if _whole(length) < 0:
        raise EvaluationError("negative substring length not allowed")
    return text[max(first, 0) : max(first + _whole(length), 0)]


def _substring_regex(text: str, pattern: str) -> Value:
    compiled = compile_regex(pattern)
    if compiled is None or "?" in pattern:
        return UNDECIDED  # Postgres settles greediness for the whole pattern, Python for each part
    found = compiled.search(text)
    return None if found is None else found[1 if compiled.groups else 0]


def _left(value: Value, count: Value) -> Value:
    text, size = to_text(value), _whole(count)
    return text[:size] if size >= 0 else text[: max(len(text) + size, 0)]


def _right(value: Value, count: Value) -> Value:
    text, size = to_text(value), _whole(count)
    return text[max(len(text) - size, 0) :] if size >= 0 else text[-size:]


def _position(value: Value, part: Value) -> Value:
    return to_text(value).find(to_text(part)) + 1


def _replace(value: Value, old: Value, new: Value) -> Value:
    return to_text(value).replace(to_text(old), to_text(new)) if old else value


def _pad_left(value: Value, length: Value, fill: Value = " ") -> Value:
    text, size, padding = to_text(value), max(_whole(length), 0), to_text(fill)
    missing = max(size - len(text), 0)
    return ((padding * missing)[:missing] + text)[:size] if padding else text[:size]


def _whole(value: Value) -> int:
    if type(value) is int:
        return value
    number = convert(value, "integer")
    if not isinstance(number, int):
        raise EvaluationError(f"{to_text(value)!r} is no integer")
    return number


def _number(value: Value) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise EvaluationError(f"{to_text(value)!r} is no number")
    return value


def _absolute(value: Value) -> Value:
    return negate(value) if _number(value) < 0 else value


def _round(value: Value, digits: Value = 0) -> Value:
    number = _number(value)
    if isinstance(number, float):
        return float(round(number))
    places = _whole(digits)
    return round_numeric(round_numeric(Decimal(number), places), max(places, 0))


def _toward(rounding: str) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        number = _number(value)
        whole = Decimal(number).to_integral_value(rounding=rounding)
        return float(whole) if isinstance(number, float) else round_numeric(whole, 0)

    return apply


def _sign(value: Value) -> Value:
    number = _number(value)
    verdict = (number > 0) - (number < 0)
    return float(verdict) if isinstance(number, float) else Decimal(verdict)


def _scale(value: Value) -> Value:
    return decimal_places(Decimal(_number(value)))


def _epoch(moment: datetime) -> Decimal:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    span = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds).scaleb(-6)


_DATE_FIELDS: Final[dict[str, Callable[[datetime], int | Decimal]]] = {
    "year": lambda moment: moment.year,
    "month": lambda moment: moment.month,
    "day": lambda moment: moment.day,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: Decimal(moment.second * 1_000_000 + moment.microsecond).scaleb(-6),
    "quarter": lambda moment: (moment.month + 2) // 3,
    "week": lambda moment: moment.isocalendar().week,
    "isoyear": lambda moment: moment.isocalendar().year,
    "dow": lambda moment: moment.isoweekday() % 7,
    "isodow": lambda moment: moment.isoweekday(),
    "doy": lambda moment: moment.timetuple().tm_yday,
    "epoch": _epoch,
}
_CLOCK_FIELDS: Final = frozenset({"hour", "minute", "second"})


def _extract(field: Value, value: Value) -> Value:
    name = to_text(field).lower()
    if isinstance(value, Interval):
        return _extract_interval(name, value)
    if isinstance(value, time):
        moment = datetime.combine(date(2000, 1, 1), value) if name in _CLOCK_FIELDS else None
    else:
        moment = as_datetime(value) if isinstance(value, date) else None
    if moment is None or name not in _DATE_FIELDS:
        return UNDECIDED
    if not isinstance(value, datetime | time) and name in _CLOCK_FIELDS:
        raise EvaluationError(f"date has no {name}")
    return Decimal(_DATE_FIELDS[name](moment.astimezone(UTC) if moment.tzinfo else moment))


def _extract_interval(name: str, span: Interval) -> Value:
    sign = -1 if span.microseconds < 0 else 1
    seconds, fraction = divmod(abs(span.microseconds), 1_000_000)
    years = int(Decimal(span.months) / 12)
    fields: dict[str, int | Decimal] = {
        "year": years,
        "month": span.months - years * 12,
        "day": span.days,
        "hour": sign * (seconds // 3600),
        "minute": sign * (seconds // 60 % 60),
        "second": sign * Decimal(seconds % 60 * 1_000_000 + fraction).scaleb(-6),
    }
    return Decimal(fields[name]) if name in fields else UNDECIDED


def _date_part(field: Value, value: Value) -> Value:
    part = _extract(field, value)
    return float(part) if isinstance(part, Decimal) else part


_TRUNCATIONS: Final = ("microsecond", "second", "minute", "hour", "day", "month", "year")


def _date_trunc(field: Value, value: Value) -> Value:
    name = to_text(field).lower()
    if name not in _TRUNCATIONS[1:] or not isinstance(value, date):
        return UNDECIDED
    moment = as_datetime(value) if isinstance(value, datetime) else as_datetime(value).replace(tzinfo=UTC)
    for smaller in _TRUNCATIONS[: _TRUNCATIONS.index(name)]:
        moment = moment.replace(**{smaller: 1 if smaller in {"day", "month"} else 0})  # type: ignore[arg-type]
    return moment


def _starts_with(value: Value, prefix: Value) -> Value:
    return to_text(value).startswith(to_text(prefix))


def _cardinality(value: Value) -> Value:
    if not isinstance(value, tuple):
        return UNDECIDED
    return sum(_cardinality(item) if isinstance(item, tuple) else 1 for item in value)  # type: ignore[misc]


def _array_length(value: Value, dimension: Value) -> Value:
    for _ in range(_whole(dimension) - 1):
        value = value[0] if isinstance(value, tuple) and value else None
    if value is None or _whole(dimension) < 1:
        return None
    return (len(value) or None) if isinstance(value, tuple) else UNDECIDED


def _array_position(value: Value, wanted: Value) -> Value:
    if not isinstance(value, tuple):
        return UNDECIDED
    return value.index(wanted) + 1 if wanted in value else None


_JSON_KINDS: Final[dict[type, str]] = {bool: "boolean", str: "string", list: "array", dict: "object"}


def _jsonb_typeof(value: Value) -> Value:
    return _JSON_KINDS.get(type(value), "number")


def _jsonb_array_length(value: Value) -> Value:
    if not isinstance(value, list):
        raise EvaluationError("cannot get array length of a non-array")
    return len(value)


def _regexp_replace(value: Value, pattern: Value, replacement: Value, flags: Value = "") -> Value:
    compiled = compile_regex(to_text(pattern), ignore_case="i" in to_text(flags))
    if compiled is None or set(to_text(flags)) - {"g", "i"} or "?" in to_text(pattern):
        return UNDECIDED
    template = re.sub(r"\\(\d|&|\\)|\\", _python_reference, to_text(replacement))
    return compiled.sub(template, to_text(value), count=0 if "g" in to_text(flags) else 1)


def _python_reference(found: re.Match[str]) -> str:
    reference = found[1]
    if reference is None or reference == "\\":
        return r"\\"
    return r"\g<0>" if reference == "&" else rf"\g<{reference}>"


def _regexp_like(value: Value, pattern: Value, flags: Value = "") -> Value:
    compiled = compile_regex(to_text(pattern), ignore_case=flags == "i") if flags in {"", "i"} else None
    return UNDECIDED if compiled is None else compiled.search(to_text(value)) is not None


def _split_part(value: Value, separator: Value, field: Value) -> Value:
    parts, place = to_text(value).split(to_text(separator)) if separator else [to_text(value)], _whole(field)
    if place == 0:
        raise EvaluationError("field position must not be zero")
    index = place - 1 if place > 0 else len(parts) + place
    return parts[index] if 0 <= index < len(parts) else ""


def _make_date(year: Value, month: Value, day: Value) -> Value:
    try:
        return date(_whole(year), _whole(month), _whole(day))
    except ValueError:
        raise EvaluationError(f"date field value out of range: {year}-{month}-{day}") from None


def _to_initcap(value: Value) -> Value:
    return re.sub(r"[^\W_]+", lambda found: found[0].capitalize(), to_text(value))


#: Functions that are NULL as soon as one argument is.
STRICT: Final[dict[str, Callable[..., Value]]] = {
    "length": _length,
    "char_length": _length,
    "character_length": _length,
    "octet_length": _octet_length,
    "lower": lambda value: to_text(value).lower(),
    "upper": lambda value: to_text(value).upper(),
    "initcap": _to_initcap,
    "btrim": _trim,
    "trim": _trim,
    "ltrim": _trim_left,
    "rtrim": _trim_right,
    "substring": _substring,
    "substr": _substring,
    "left": _left,
    "right": _right,
    "lpad": _pad_left,
    "replace": _replace,
    "reverse": lambda value: to_text(value)[::-1],
    "position": _position,
    "strpos": _position,
    "starts_with": _starts_with,
    "split_part": _split_part,
    "abs": _absolute,
    "round": _round,
    "ceil": _toward(ROUND_CEILING),
    "ceiling": _toward(ROUND_CEILING),
    "floor": _toward(ROUND_FLOOR),
    "mod": modulo,
    "sign": _sign,
    "scale": _scale,
    "extract": _extract,
    "date_part": _date_part,
    "date_trunc": _date_trunc,
    "date": lambda value: convert(value, "date"),
    "make_date": _make_date,
    "cardinality": _cardinality,
    "array_length": _array_length,
    "array_position": _array_position,
    "jsonb_typeof": _jsonb_typeof,
    "json_typeof": _jsonb_typeof,
    "jsonb_array_length": _jsonb_array_length,
    "json_array_length": _jsonb_array_length,
    "regexp_replace": _regexp_replace,
    "regexp_like": _regexp_like,
    "like_escape": lambda pattern, escape: escape_like(to_text(pattern), to_text(escape)),
    "similar_to_escape": lambda pattern, escape="\\": translate_similar(to_text(pattern), to_text(escape)),
}


def _concat(*values: Value) -> Value:
    return "".join(to_text(value) for value in values if value is not None)


def _concat_ws(separator: Value, *values: Value) -> Value:
    if separator is None:
        return None
    return to_text(separator).join(to_text(value) for value in values if value is not None)


#: Functions that are given NULLs too.
LENIENT: Final[dict[str, Callable[..., Value]]] = {
    "num_nonnulls": lambda *values: sum(value is not None for value in values),
    "num_nulls": lambda *values: sum(value is None for value in values),
    "concat": _concat,
    "concat_ws": _concat_ws,
}
