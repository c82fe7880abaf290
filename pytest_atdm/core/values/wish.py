"""What is wanted of one value, as every drawer is told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pytest_atdm.core.constraints import Shape
    from pytest_atdm.core.expressions.casting import TypeName
    from pytest_atdm.core.values.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A value of the built-in type *kind* for the column *name*, in *shape*, drawn from *stream*.

    *unique*: spread over everything that the shape allows; otherwise values that a person would call usual. After
    *misses*, earlier draws that led nowhere, numbers and dates come from anywhere.
    """

    name: str
    kind: TypeName
    shape: Shape
    stream: Stream
    unique: bool
    as_of: date
    misses: int = 0
