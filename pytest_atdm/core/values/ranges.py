"""Ranges and multiranges: short ones somewhere on the grid of their subtype."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.constraints import Shape
from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.values.grids import GRIDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.values.wish import Wish

#: Subtypes of Postgres' own ranges, and the ranges of its own multiranges in braces, as ``Schema.ranges`` has them.
BUILT_IN: Final[Mapping[str, str]] = {
    "int4range": "integer",
    "int8range": "bigint",
    "numrange": "numeric",
    "daterange": "date",
    "tsrange": "timestamp without time zone",
    "tstzrange": "timestamp with time zone",
    "int4multirange": "{int4range}",
    "int8multirange": "{int8range}",
    "nummultirange": "{numrange}",
    "datemultirange": "{daterange}",
    "tsmultirange": "{tsrange}",
    "tstzmultirange": "{tstzrange}",
}
#: How many units a range covers that need not differ from others; one where it must, so that no two overlap.
_USUAL_UNITS: Final = 30


def iter_ranges(wish: Wish, subtype: str, ranges: Mapping[str, str]) -> Iterator[Cell]:
    """Yield ranges over *subtype*, which may be a range in braces: then multiranges of one range."""
    if subtype.startswith("{"):
        inner = subtype[1:-1]
        for text in iter_ranges(wish, {**BUILT_IN, **ranges}[inner], ranges):
            yield f"{{{text}}}"
        return
    kind = parse_type(subtype)
    if kind.name not in GRIDS:
        yield from ('["a","b")', '["b","c")')
        return
    within = replace(wish, kind=kind, shape=Shape())
    grid = GRIDS[kind.name](within)
    first, last = grid.wide if wish.unique else grid.usual
    while True:
        low = wish.stream.between(first, last)
        high = low + (1 if wish.unique else wish.stream.between(1, _USUAL_UNITS))
        yield f'["{grid.cell(low)}","{grid.cell(high)}")'
