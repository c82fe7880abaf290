"""Numbers, dates and times: values that lie on an even grid between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.expressions import EvaluationError
from pytest_atdm.core.expressions.casting import INTEGER_RANGES, convert, to_text
from pytest_atdm.core.expressions.interval import DAY_US, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.constraints import Bound
    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.values.wish import Wish

#: A range of so few values is gone through in full.
SMALL_RANGE: Final = 256
#: After so many usual values the whole range is tried; every so many draws one of its ends.
_USUAL_DRAWS: Final = 40
_END_EVERY: Final = 9

_DAY_S: Final = 86_400
_USUAL_YEARS: Final = 5
_SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Larger whole numbers lose digits in readers of JSON that know floats only.
_EXACT_IN_JSON: Final = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Whole units from *low* to *high*; *usual* is where values lie that nobody asked for, *wide* where unique ones do.

    *units* says where on the grid a value of the type lies, *cell* writes a unit.
    """

    low: int
    high: int
    usual: tuple[int, int]
    wide: tuple[int, int]
    units: Callable[[Value], Decimal]
    cell: Callable[[int], Cell]


def iter_grid(wish: Wish, grid: Grid) -> Iterator[Cell]:
    """Yield values on *grid* within the wish's bounds: usual ones first, all of them where they are few."""
    low, high = _bounds(wish, grid)
    if low > high:
        return
    if high - low < SMALL_RANGE:
        yield from map(grid.cell, wish.stream.shuffled(range(low, high + 1)))
        return
    first, last = _window(wish, grid, low, high)
    ends = (low if wish.shape.minimum else first, high if wish.shape.maximum else last)
    for turn in count(1):
        if turn % _END_EVERY == 0:
            yield grid.cell(ends[turn // _END_EVERY % 2])
        elif turn < _USUAL_DRAWS or wish.unique:
            yield grid.cell(wish.stream.between(first, last))
        else:
            yield grid.cell(wish.stream.between(low, high))


def _bounds(wish: Wish, grid: Grid) -> tuple[int, int]:
    low, high = grid.low, grid.high
    minimum, maximum = wish.shape.minimum, wish.shape.maximum
    if minimum and (place := _place(minimum, grid)) is not None:
        first = int(place.to_integral_value(rounding=ROUND_CEILING))
        low = max(low, first + 1 if minimum.strict and first == place else first)
    if maximum and (place := _place(maximum, grid)) is not None:
        last = int(place.to_integral_value(rounding=ROUND_FLOOR))
        high = min(high, last - 1 if maximum.strict and last == place else last)
    return low, high


def _place(bound: Bound, grid: Grid) -> Decimal | None:
    try:
        place = grid.units(bound.value)
    except (ValueError, TypeError, ArithmeticError):
        return None  # a bound of another type: the conditions judge
    return place if place.is_finite() else None


def _window(wish: Wish, grid: Grid, low: int, high: int) -> tuple[int, int]:
    """Return where to draw first: between two given bounds anywhere, else near what is usual, or in either half."""
    if wish.misses:
        return (low, (low + high) // 2) if wish.misses % 2 else ((low + high) // 2, high)
    if wish.shape.minimum is not None and wish.shape.maximum is not None:
        return low, high
    first, last = grid.wide if wish.unique else grid.usual
    span = last - first
    if low > last:
        return low, min(high, low + span)
    if high < first:
        return max(low, high - span), high
    return max(low, first), min(high, last)


def integer_grid(wish: Wish) -> Grid:
    """The grid of smallint, integer and bigint."""
    low, high = INTEGER_RANGES[wish.kind.name]
    return Grid(
        low=low,
        high=high,
        usual=(1, 1000),
        wide=(1, min(high, _EXACT_IN_JSON)),
        units=lambda value: Decimal(to_text(value)),
        cell=lambda unit: unit,
    )


def numeric_grid(wish: Wish) -> Grid:
    """The grid of numeric(p, s), in units of its last digit; two digits behind the point where none are said."""
    modifiers = wish.kind.modifiers
    precision, scale = (modifiers[0], max((*modifiers[1:], 0)[0], 0)) if modifiers else (15, 2)
    high = 10**precision - 1
    return Grid(
        low=-high,
        high=high,
        usual=(10**scale, 10 ** (scale + 3)),
        wide=(1, high),
        units=lambda value: Decimal(to_text(value)).scaleb(scale),
        cell=lambda unit: f"{Decimal(unit).scaleb(-scale):f}",
    )


def float_grid(_wish: Wish) -> Grid:
    """The grid of real and double precision: quarters, which both hold exactly."""
    return Grid(
        low=-(2**22),
        high=2**22,
        usual=(4, 4000),
        wide=(1, 2**22),
        units=lambda value: Decimal(to_text(value)) * 4,
        cell=lambda unit: unit / 4,
    )


def date_grid(wish: Wish) -> Grid:
    """The grid of date, in days."""
    today = wish.as_of.toordinal()
    return Grid(
        low=1,
        high=date.max.toordinal(),
        usual=(today - _USUAL_YEARS * 365, today),
        wide=(today - 36_500, today),
        units=lambda value: _moment_us(value) / DAY_US + _EPOCH.toordinal(),
        cell=lambda unit: date.fromordinal(unit).isoformat(),
    )


def _moment_us(value: Value) -> Decimal:
    moment = convert(value, "timestamp with time zone")
    if not isinstance(moment, datetime):
        raise EvaluationError(f"{value!r} is no moment")
    return Decimal((moment - _EPOCH) // timedelta(microseconds=1))


def timestamp_grid(wish: Wish) -> Grid:
    """The grid of timestamps: seconds, or microseconds where they must be unique."""
    step = 1 if wish.unique and not wish.kind.modifiers else _SECOND_US
    today = (wish.as_of.toordinal() - _EPOCH.toordinal()) * DAY_US // step
    zone = "+00:00" if wish.kind.name.endswith("with time zone") else ""
    usual = (today - _USUAL_YEARS * 365 * DAY_US // step, today)
    return Grid(
        low=int((datetime.min.replace(tzinfo=UTC) - _EPOCH) / timedelta(microseconds=step)) + 1,
        high=int((datetime.max.replace(tzinfo=UTC) - _EPOCH) / timedelta(microseconds=step)) - 1,
        usual=usual,
        wide=usual,
        units=lambda value: _moment_us(value) / step,
        cell=lambda unit: (_EPOCH + timedelta(microseconds=unit * step)).replace(tzinfo=None).isoformat(" ") + zone,
    )


def time_grid(wish: Wish) -> Grid:
    """The grid of time: seconds, or microseconds where they must be unique."""
    step = 1 if wish.unique and not wish.kind.modifiers else _SECOND_US
    last = DAY_US // step - 1
    zone = "+00:00" if wish.kind.name.endswith("with time zone") else ""
    return Grid(
        low=0,
        high=last,
        usual=(0, last),
        wide=(0, last),
        units=lambda value: Decimal(_clock_us(value)) / step,
        cell=lambda unit: (datetime(1970, 1, 1) + timedelta(microseconds=unit * step)).time().isoformat() + zone,
    )


def _clock_us(value: Value) -> int:
    return _span(convert(value, "time without time zone")).microseconds


def _span(value: Value) -> Interval:
    span = convert(value, "interval")
    if not isinstance(span, Interval):
        raise EvaluationError(f"{value!r} is no interval")
    return span


def interval_grid(_wish: Wish) -> Grid:
    """The grid of interval, in seconds: usually hours to a month."""
    return Grid(
        low=-(10**9),
        high=10**9,
        usual=(3600, 30 * _DAY_S),
        wide=(1, 10**9),
        units=lambda value: Decimal(_span(value).total_us) / _SECOND_US,
        cell=lambda unit: str(Interval(0, unit // _DAY_S, unit % _DAY_S * _SECOND_US)),
    )


GRIDS: Final[dict[str, Callable[[Wish], Grid]]] = {
    **dict.fromkeys(INTEGER_RANGES, integer_grid),
    "numeric": numeric_grid,
    "real": float_grid,
    "double precision": float_grid,
    "date": date_grid,
    "timestamp without time zone": timestamp_grid,
    "timestamp with time zone": timestamp_grid,
    "time without time zone": time_grid,
    "time with time zone": time_grid,
    "interval": interval_grid,
}
