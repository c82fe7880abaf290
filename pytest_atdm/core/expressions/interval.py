"""Postgres' interval: months, days and microseconds, kept apart as Postgres keeps them."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

DAY_US: Final = 86_400_000_000
MONTH_DAYS: Final = 30  # Postgres compares intervals as if every month had 30 days

_UNITS: Final = {
    "microsecond": (0, 0, 1),
    "millisecond": (0, 0, 1_000),
    "second": (0, 0, 1_000_000),
    "sec": (0, 0, 1_000_000),
    "s": (0, 0, 1_000_000),
    "minute": (0, 0, 60_000_000),
    "min": (0, 0, 60_000_000),
    "hour": (0, 0, 3_600_000_000),
    "h": (0, 0, 3_600_000_000),
    "day": (0, 1, 0),
    "d": (0, 1, 0),
    "week": (0, 7, 0),
    "w": (0, 7, 0),
    "month": (1, 0, 0),
    "mon": (1, 0, 0),
    "year": (12, 0, 0),
    "y": (12, 0, 0),
    "decade": (120, 0, 0),
    "century": (1200, 0, 0),
}
_PART: Final = re.compile(r"\s*(?:([+-]?)(\d+):(\d+)(?::(\d+(?:\.\d+)?))?|([+-]?\d+(?:\.\d+)?)\s*([a-z]*))\s*")


@dataclass(frozen=True, slots=True)
class Interval:
    """A span: *months* and *days* follow the calendar, *microseconds* the clock."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    @property
    def total_us(self) -> int:
        """Microseconds in all, a month counted as 30 days: what Postgres orders intervals by."""
        return (self.months * MONTH_DAYS + self.days) * DAY_US + self.microseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interval) and self.total_us == other.total_us

    def __hash__(self) -> int:
        return hash(self.total_us)

    def __lt__(self, other: Interval) -> bool:
        return self.total_us < other.total_us

    def __le__(self, other: Interval) -> bool:
        return self.total_us <= other.total_us

    def __gt__(self, other: Interval) -> bool:
        return self.total_us > other.total_us

    def __ge__(self, other: Interval) -> bool:
        return self.total_us >= other.total_us

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.months + other.months, self.days + other.days, self.microseconds + other.microseconds)

    def __neg__(self) -> Interval:
        return Interval(-self.months, -self.days, -self.microseconds)

    def __str__(self) -> str:
        """Text that Postgres reads back."""
        parts = [f"{n} {word}" for n, word in ((self.months, "mons"), (self.days, "days")) if n]
        if self.microseconds or not parts:
            parts.append(_clock_text(self.microseconds))
        return " ".join(parts)

    def added_to(self, moment: datetime) -> datetime:
        """Return *moment* plus this span: months first (the day clipped to the month's end), then days, then time."""
        months = moment.year * 12 + moment.month - 1 + self.months
        year, month = divmod(months, 12)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        shifted = moment.replace(year=year, month=month + 1, day=day)
        return shifted + timedelta(days=self.days, microseconds=self.microseconds)


def _clock_text(microseconds: int) -> str:
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}" if fraction else text


def from_timedelta(span: timedelta) -> Interval:
    """Return *span* as Postgres subtracts timestamps: whole days apart from the time."""
    total_us = span // timedelta(microseconds=1)
    days = abs(total_us) // DAY_US * (1 if total_us >= 0 else -1)
    return Interval(0, days, total_us - days * DAY_US)


def parse_interval(text: str) -> Interval:
    """Return the interval that *text* names: ``1 day``, ``2 years -3 mons 04:05:06``, ``P1DT2H`` is not read.

    Raises:
        ValueError: it is none.
    """
    lowered = text.strip().lower().removeprefix("@").strip()
    sign = -1 if lowered.endswith(" ago") else 1
    rest, total = lowered.removesuffix(" ago"), Interval()
    if not rest:
        raise ValueError(_not_an_interval(text))
    while rest:
        found = _PART.match(rest)
        if found is None:
            raise ValueError(_not_an_interval(text))
        total += _read_part(found, text)
        rest = rest[found.end() :]
    return total if sign == 1 else -total


def _read_part(found: re.Match[str], text: str) -> Interval:
    clock_sign, hours, minutes, seconds, number, unit = found.groups()
    try:
        if hours is not None:
            clock = (int(hours) * 60 + int(minutes)) * 60_000_000 + int(Decimal(seconds or 0) * 1_000_000)
            return Interval(0, 0, -clock if clock_sign == "-" else clock)
        return scale(unit_interval(unit or "second", text), Decimal(number))
    except InvalidOperation:
        raise ValueError(_not_an_interval(text)) from None


def unit_interval(unit: str, text: str) -> Interval:
    """Return the interval of one *unit* (``day``, ``days``, ``mon`` ...); *text* goes into the message."""
    word = unit.lower()
    for spelling in (word, word.removesuffix("s"), {"centuries": "century"}.get(word, "")):
        if spelling in _UNITS:
            return Interval(*_UNITS[spelling])
    raise ValueError(_not_an_interval(text))


def _not_an_interval(text: str) -> str:
    return f"invalid input for type interval: {text!r}"


def scale(span: Interval, factor: Decimal) -> Interval:
    """Return *span* times *factor*; fractions of a month spill into days, fractions of a day into time."""
    months = span.months * factor
    days = span.days * factor + (months - int(months)) * MONTH_DAYS
    microseconds = span.microseconds * factor + (days - int(days)) * DAY_US
    return Interval(int(months), int(days), int(microseconds.to_integral_value()))


def as_datetime(value: date | datetime) -> datetime:
    """Return *value* as a timestamp: a date becomes its midnight."""
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
