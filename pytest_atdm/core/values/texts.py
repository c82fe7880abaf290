"""Texts: words made of the column's name, and what patterns ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.expressions.casting import TypeName
from pytest_atdm.core.values.grids import GRIDS, iter_grid
from pytest_atdm.core.values.regex import GAP, draw_match, vagueness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.values.stream import Stream
    from pytest_atdm.core.values.wish import Wish

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
TOKEN_LENGTH: Final = 4
UNIQUE_TOKEN_LENGTH: Final = 13  # 65 bits
#: Types as which a condition may read a text, by the Python type of its bound.
_READ_AS: Final = {int: "integer", Decimal: "numeric", date: "date"}
_READ_AS_DRAWS: Final = 300
#: How far repetitions of a pattern go beyond their minimum, in turn; None is the usual.
SPREADS: Final = (None, 6, 2, 12, 30, 0)
#: Of so many draws one is from another pattern than the first.
_OTHERS: Final = 4
#: From this draw on a pattern may give a text that is shorter than its column.
_SHORT_AFTER: Final = 100


def iter_texts(wish: Wish) -> Iterator[str]:
    """Yield texts without end."""
    kind = _bounded_kind(wish)
    if kind is not None:
        yield from _iter_read_as(wish, kind)
    low, high = _lengths(wish)
    patterns = sorted(wish.shape.patterns, key=vagueness)
    anchored = [pattern for pattern in patterns if pattern.startswith((r"\A", "^")) or pattern.endswith(r"\Z")]
    if anchored:
        # Where the length is limited, repetitions of several sizes are tried.
        spreads = (None,) if not low and high is None else SPREADS
        for turn in count():
            # The one that tells the most is the likeliest to keep the others too; every fourth draw is another's.
            pattern = anchored[turn // _OTHERS % len(anchored) if turn % _OTHERS == _OTHERS - 1 else 0]
            spread = spreads[turn % len(spreads)]
            text = _fold(wish, _draw_anchored(wish, pattern, low, high, spread))
            if len(text) >= low or turn >= _SHORT_AFTER:  # Postgres fills a short one up, and the pattern may mind
                yield text
    for with_patterns in cycle((False, True)):
        found = "".join(_draw(wish, pattern, high).replace(GAP, "") for pattern in patterns) if with_patterns else ""
        yield _fold(wish, _word(wish, low - len(found), None if high is None else high - len(found)) + found)


def _bounded_kind(wish: Wish) -> str | None:
    """Return the type as which a condition reads the text: ``code::integer > 5``."""
    for bound in (wish.shape.minimum, wish.shape.maximum):
        if bound is not None and type(bound.value) in _READ_AS:
            return _READ_AS[type(bound.value)]
    return None


def _iter_read_as(wish: Wish, kind: str) -> Iterator[str]:
    read = replace(wish, kind=TypeName(kind))
    return map(str, islice(iter_grid(read, GRIDS[kind](read)), _READ_AS_DRAWS))


def _lengths(wish: Wish) -> tuple[int, int | None]:
    limits = [n for n in (wish.shape.max_length, *wish.kind.modifiers[:1]) if n is not None]
    high = min(limits, default=None)
    is_fixed = wish.kind.name in {"character", "bpchar"} and bool(wish.kind.modifiers)
    return (wish.kind.modifiers[0] if is_fixed else wish.shape.min_length), high


def _fold(wish: Wish, text: str) -> str:
    return {"lower": text.lower(), "upper": text.upper()}.get(wish.shape.fold, text)


def _draw(wish: Wish, pattern: str, high: int | None, spread: int | None = None) -> str:
    return draw_match(pattern, wish.stream, unique=wish.unique, longest=high, spread=spread)


def _draw_anchored(wish: Wish, pattern: str, low: int, high: int | None, spread: int | None) -> str:
    """Draw a match; what the pattern leaves open (a gap, an end that is not anchored) takes a word."""
    text = _draw(wish, pattern, high, spread)
    if GAP not in text and wish.unique:
        text = (
            text + GAP if not pattern.endswith(r"\Z") else GAP + text if not pattern.startswith((r"\A", "^")) else text
        )
    if GAP not in text:
        return text
    fixed = len(text) - 1
    return text.replace(GAP, _word(wish, low - fixed, None if high is None else high - fixed))


def _word(wish: Wish, low: int, high: int | None) -> str:
    size = UNIQUE_TOKEN_LENGTH if wish.unique else TOKEN_LENGTH
    return make_word(wish.name, wish.stream, size, low=low, high=high)


def make_word(name: str, stream: Stream, size: int, *, low: int = 0, high: int | None = None) -> str:
    """Return the column's *name* and a token of *size* characters, such as ``home-city-7f3k``.

    At least *low* and at most *high* characters: the name gives way first, then the token.
    """
    token = stream.text(_BASE32, size)
    stem = "".join(one if one.isalnum() and one.isascii() else "-" for one in name.lower()).strip("-")
    room = len(stem) if high is None else high - size - 1
    word = f"{stem[:room].rstrip('-')}-{token}" if room > 0 and stem else token
    if high is not None:
        word = word[: max(high, 0)]
    return word + stream.text(_BASE32, max(low - len(word), 0))
