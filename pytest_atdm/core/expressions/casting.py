"""Postgres' built-in types: how they are spelt, and how a Python value becomes one of them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pytest_atdm.core.expressions.interval import Interval, as_datetime, parse_interval
from pytest_atdm.core.expressions.tree import UNDECIDED, EvaluationError, Value

if TYPE_CHECKING:
    from collections.abc import Callable

INTEGER_RANGES: Final = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
TEXT_TYPES: Final = frozenset(
    {"text", "character varying", "character", "bpchar", "name", "citext", '"char"', "unknown"}
)
#: Wide enough for every numeric that a test writes; Postgres itself allows 131,072 digits.
WIDE: Final = Context(prec=1200, rounding=ROUND_HALF_UP)

_TYPE: Final = re.compile(r"(?P<name>[^(\[]*?)\s*(?:\((?P<mods>[^)]*)\)(?P<rest>[^\[]*))?(?P<dims>(?:\[\d*\])*)")
_TRUE: Final = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE: Final = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})
_BEYOND: Final = re.compile(r"\s*[+-]?infinity\s*|.*\bBC\b.*|\s*\d{5,}-.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type taken apart: ``character varying(20)[]`` is ("character varying", (20,), 1)."""

    name: str
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0


@lru_cache(maxsize=1024)
def parse_type(text: str) -> TypeName:
    """Return the parts of *text*, a type as ``format_type`` writes it."""
    found = _TYPE.fullmatch(text.strip())
    if found is None:
        return TypeName(text)
    modifiers = tuple(int(part) for part in (found["mods"] or "").split(",") if part.strip().lstrip("-").isdigit())
    return TypeName(found["name"] + (found["rest"] or "").rstrip(), modifiers, found["dims"].count("["))


def convert(value: Value, type_text: str) -> Value:
    """Return *value* as the explicit cast ``value::type_text`` gives it; UNDECIDED for a type that is not built in.

    Time zones: a timestamp without one is taken as UTC.

    Raises:
        EvaluationError: Postgres would refuse the cast.
    """
    if value is None or value is UNDECIDED:
        return value
    if type_text == "integer" and type(value) is str and value.isdecimal() and value.isascii() and len(value) < 10:
        return int(value)  # spares the common case the general way
    kind = parse_type(type_text)
    if kind.dimensions:
        return _to_array(value, kind)
    converter = CONVERTERS.get(kind.name)
    if converter is None:
        return value if isinstance(value, str) else UNDECIDED  # a label of an enum, or a type of an extension
    if isinstance(value, str) and kind.name in _TEMPORAL and _BEYOND.fullmatch(value):
        return UNDECIDED  # Postgres knows it, Python does not
    try:
        return converter(value, kind.modifiers)
    except EvaluationError:
        raise
    except (ValueError, TypeError, ArithmeticError):
        raise EvaluationError(f"{to_text(value)!r} is no {type_text}") from None


def to_text(value: Value) -> str:
    """Return *value* as ``value::text`` gives it."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case float():
            return _float_text(value)
        case datetime():
            return _moment_text(value)
        case time():
            return _trim_fraction(value.isoformat())
        case bytes():
            return "\\x" + value.hex()
        case tuple():
            return "{" + ",".join("NULL" if item is None else _array_item(to_text(item)) for item in value) + "}"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _moment_text(value: datetime) -> str:
    zone = "" if value.tzinfo is None else "+00"
    moment = value.astimezone(UTC).replace(tzinfo=None) if zone else value
    return _trim_fraction(moment.isoformat(sep=" ")) + zone


def _trim_fraction(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _array_item(text: str) -> str:
    if text and text.upper() != "NULL" and not re.search(r'[{},"\\\s]', text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _to_array(value: Value, kind: TypeName) -> Value:
    element = kind.name + (f"({','.join(map(str, kind.modifiers))})" if kind.modifiers else "")
    items = value if isinstance(value, tuple | list) else parse_array(value) if isinstance(value, str) else None
    if items is None:
        raise EvaluationError(f"{to_text(value)!r} is no array")
    return tuple(_to_array_item(item, element, kind) for item in items)


def _to_array_item(item: Value, element: str, kind: TypeName) -> Value:
    if isinstance(item, tuple | list) and kind.name not in {"json", "jsonb"}:
        return _to_array(item, kind)
    return convert(item, element)


def parse_array(text: str) -> tuple[Value, ...]:
    """Return the items of Postgres' array text (``{a,"b c",NULL,{1,2}}``) as texts, None and tuples.

    Raises:
        EvaluationError: it is no array.
    """
    items, end = _read_array(text.strip(), 0)
    if end != len(text.strip()):
        raise EvaluationError(f"{text!r} is no array")
    return items


def _read_array(text: str, start: int) -> tuple[tuple[Value, ...], int]:
    if text[start : start + 1] != "{":
        raise EvaluationError(f"{text!r} is no array")
    items: list[Value] = []
    place = start + 1
    while text[place : place + 1] != "}":
        item, place = _read_array(text, place) if text[place : place + 1] == "{" else _read_array_item(text, place)
        items.append(item)
        if text[place : place + 1] == ",":
            place += 1
        elif text[place : place + 1] != "}":
            raise EvaluationError(f"{text!r} is no array")
    return tuple(items), place + 1


_ARRAY_ITEM: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,{}"]+))\s*')


def _read_array_item(text: str, place: int) -> tuple[Value, int]:
    found = _ARRAY_ITEM.match(text, place)
    if found is None:
        raise EvaluationError(f"{text!r} is no array")
    if found[1] is not None:
        return re.sub(r"\\(.)", r"\1", found[1]), found.end()
    bare = found[2].strip()
    return (None if bare.upper() == "NULL" else bare), found.end()


def _to_integer(name: str) -> Callable[[Value, tuple[int, ...]], Value]:
    low, high = INTEGER_RANGES[name]

    def convert_integer(value: Value, _modifiers: tuple[int, ...]) -> int:
        number = _whole_number(value)
        if not low <= number <= high:
            raise EvaluationError(f"{number} is out of the range of {name} ({low} to {high})")
        return number

    return convert_integer


def round_numeric(number: Decimal, places: int) -> Decimal:
    """Return *number* with so many digits behind the point, ties away from zero; numeric has no negative zero."""
    return number.quantize(Decimal(1).scaleb(-places), context=WIDE) or Decimal(0).scaleb(-places)


def _whole_number(value: Value) -> int:
    match value:
        case bool() | int():
            return int(value)
        case Decimal():
            return int(round_numeric(value, 0))
        case float():
            return round(value)
        case str() if re.fullmatch(r"\s*[+-]?\d+\s*", value):
            return int(value)
        case _:
            raise ValueError


def _to_numeric(value: Value, modifiers: tuple[int, ...]) -> Decimal:
    number = _exact_number(value)
    if not modifiers or not number.is_finite():
        return number
    precision, scale = modifiers[0], modifiers[1] if len(modifiers) > 1 else 0
    rounded = round_numeric(number, scale)
    if rounded and rounded.adjusted() >= precision - scale:
        raise EvaluationError(f"{number:f} does not fit numeric({precision},{scale})")
    return rounded


def _exact_number(value: Value) -> Decimal:
    match value:
        case bool():
            raise ValueError
        case int() | Decimal():
            return Decimal(value)
        case float():
            return Decimal(f"{value:.15g}")
        case str():
            return Decimal(value.strip().replace("_", "x"))
        case _:
            raise ValueError


def _to_float(value: Value, _modifiers: tuple[int, ...]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError
    return float(value)


def _to_varying(value: Value, modifiers: tuple[int, ...]) -> str:
    text = to_text(value)
    return text[: modifiers[0]] if modifiers else text


def _to_character(value: Value, modifiers: tuple[int, ...]) -> str:
    """char(n) without its blanks: they never count in Postgres either."""
    return _to_varying(value, modifiers or ()).rstrip(" ")


def _to_boolean(value: Value, _modifiers: tuple[int, ...]) -> bool:
    match value:
        case bool():
            return value
        case int():
            return value != 0
        case str() if value.strip().lower() in _TRUE:
            return True
        case str() if value.strip().lower() in _FALSE:
            return False
        case _:
            raise ValueError


def _to_date(value: Value, _modifiers: tuple[int, ...]) -> date:
    match value:
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).date()
        case date():
            return value
        case str():
            return _read_moment(value).date()
        case _:
            raise ValueError


def _to_timestamp(value: Value, modifiers: tuple[int, ...]) -> datetime:
    moment = _read_moment(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        raise ValueError
    moment = as_datetime(moment)
    if moment.tzinfo is not None:
        moment = (moment if isinstance(value, str) else moment.astimezone(UTC)).replace(tzinfo=None)
    return _round_fraction(moment, modifiers)


def _to_timestamptz(value: Value, modifiers: tuple[int, ...]) -> datetime:
    moment = _read_moment(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        raise ValueError
    moment = as_datetime(moment)
    return _round_fraction(moment if moment.tzinfo else moment.replace(tzinfo=UTC), modifiers)


def _read_moment(text: str) -> datetime:
    stripped = re.sub(r"\s*(?:Z|UTC)$", "+00:00", text.strip())
    return datetime.fromisoformat(re.sub(r"(\d)\s+([+-]\d\d)", r"\1\2", stripped))


def _round_fraction(moment: datetime, modifiers: tuple[int, ...]) -> datetime:
    if not modifiers:
        return moment
    step = 10 ** (6 - modifiers[0])
    return moment.replace(microsecond=0) + timedelta(microseconds=(moment.microsecond + step // 2) // step * step)


def _to_time(value: Value, _modifiers: tuple[int, ...]) -> Value:
    match value:
        case datetime():
            return value.time()
        case time():
            return value
        case str() if value.strip().startswith("24:"):
            return UNDECIDED
        case str():
            return time.fromisoformat(value.strip()).replace(tzinfo=None)
        case _:
            raise ValueError


def _to_timetz(value: Value, _modifiers: tuple[int, ...]) -> Value:
    if not isinstance(value, str | time):
        raise ValueError
    return time.fromisoformat(value.strip()) if isinstance(value, str) else value


def _to_interval(value: Value, _modifiers: tuple[int, ...]) -> Interval:
    match value:
        case Interval():
            return value
        case timedelta():
            return Interval(0, value.days, value.seconds * 1_000_000 + value.microseconds)
        case time():
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return Interval(0, 0, seconds * 1_000_000 + value.microsecond)
        case str():
            return parse_interval(value)
        case _:
            raise ValueError


def _to_uuid(value: Value, _modifiers: tuple[int, ...]) -> UUID:
    return value if isinstance(value, UUID) else UUID(_require_text(value))


def _to_bytes(value: Value, _modifiers: tuple[int, ...]) -> bytes:
    if isinstance(value, bytes):
        return value
    text = _require_text(value)
    return bytes.fromhex(text[2:]) if text.startswith("\\x") else text.encode()


def _to_json(value: Value, _modifiers: tuple[int, ...]) -> Value:
    if not isinstance(value, str):
        return value
    found = json.loads(value, parse_float=Decimal)
    return UNDECIDED if found is None else found  # JSON's null is a value, and not SQL's NULL


def _to_inet(value: Value, _modifiers: tuple[int, ...]) -> str:
    text = _require_text(value).strip()
    ip_interface(text)
    return text


def _to_cidr(value: Value, _modifiers: tuple[int, ...]) -> str:
    return str(ip_network(_require_text(value).strip()))


def _to_macaddr(value: Value, _modifiers: tuple[int, ...]) -> str:
    digits = re.sub(r"[:.-]", "", _require_text(value).strip().lower())
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise ValueError
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _require_text(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


_TEMPORAL: Final = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
#: How a value becomes one of each built-in type, by the type's name; given the value and the type's modifiers.
CONVERTERS: Final[dict[str, Callable[[Value, tuple[int, ...]], Value]]] = {
    **{name: _to_integer(name) for name in INTEGER_RANGES},
    **dict.fromkeys(TEXT_TYPES, _to_varying),
    "character": _to_character,
    "bpchar": _to_character,
    "numeric": _to_numeric,
    "real": _to_float,
    "double precision": _to_float,
    "boolean": _to_boolean,
    "date": _to_date,
    "timestamp without time zone": _to_timestamp,
    "timestamp with time zone": _to_timestamptz,
    "time without time zone": _to_time,
    "time with time zone": _to_timetz,
    "interval": _to_interval,
    "uuid": _to_uuid,
    "bytea": _to_bytes,
    "json": _to_json,
    "jsonb": _to_json,
    "inet": _to_inet,
    "cidr": _to_cidr,
    "macaddr": _to_macaddr,
}
