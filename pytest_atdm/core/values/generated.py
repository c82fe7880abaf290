"""Values that a generator of the rules file gives: from a list, of a pattern, by mimesis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.values.regex import GAP, draw_match
from pytest_atdm.core.values.texts import SPREADS, TOKEN_LENGTH, UNIQUE_TOKEN_LENGTH, make_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.catalog import Generator
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.values.stream import Stream

_SEEDS: Final = 2**32
#: So many texts are drawn at most: of a pattern with look-arounds none may be a match.
_MOST_TEXTS: Final = 1000


def iter_generated(generator: Generator, type: str, stream: Stream, *, unique: bool) -> Iterator[object]:
    """Yield what *generator* gives for *stream*, unjudged; a list ends.

    *type* is the column's, without domains: a pattern heeds its length. *unique* makes open patterns long.
    """
    if generator.draw is not None:
        return generator.draw(stream.below(_SEEDS))
    if generator.kind == "pattern":
        return _iter_matches(generator, type, stream, unique=unique)
    return _iter_shuffled(generator.values, stream)


def _iter_shuffled(values: Sequence[Cell], stream: Stream) -> Iterator[Cell]:
    """Yield *values* in a drawn order, drawn as far as it is asked for."""
    left = list(values)
    while left:
        yield left.pop(stream.below(len(left)))


def _iter_matches(generator: Generator, type: str, stream: Stream, *, unique: bool) -> Iterator[str]:
    """Yield texts that the pattern matches as a whole, repetitions of several lengths in turn."""
    matches = re.compile(generator.text).fullmatch
    longest = next(iter(parse_type(type).modifiers), None)
    size = UNIQUE_TOKEN_LENGTH if unique else TOKEN_LENGTH
    for turn in range(_MOST_TEXTS):
        spread = SPREADS[turn % len(SPREADS)]
        text = draw_match(generator.text, stream, unique=unique, longest=longest, spread=spread)
        text = text.replace(GAP, make_word(generator.column, stream, size)) if GAP in text else text
        if matches(text):
            yield text
