"""Texts that a regular expression finds, drawn from Python's own parse of it."""

from __future__ import annotations

import string
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]  # the parser has no public name
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.values.stream import Stream

#: Stands for "anything, any length" in a drawn text; whoever draws puts a word there.
GAP: Final = "\0"

_PLAIN: Final = string.ascii_lowercase + string.digits
_POOL: Final = string.ascii_letters + string.digits + " _-.,:;/+@#"
_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: string.digits,
    op.CATEGORY_WORD: _PLAIN,
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_DIGIT: string.ascii_lowercase,
    op.CATEGORY_NOT_WORD: "-",
    op.CATEGORY_NOT_SPACE: _PLAIN,
}
#: How far an open repetition goes beyond its minimum.
_SPREAD: Final = 5
_UNIQUE_SPREAD: Final = 16
_LONGEST: Final = 64

_REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_Node = tuple[Any, Any]


def draw_match(
    pattern: str, stream: Stream, *, unique: bool, longest: int | None = None, spread: int | None = None
) -> str:
    """Return a text that the Python *pattern* matches, with at most one ``GAP``.

    *unique* makes repetitions long, so that two draws hardly ever meet; *longest* caps each of them; *spread* says
    instead how far they go beyond their minimum. Look-arounds and word boundaries are not heeded: whoever draws tries
    the text.
    """
    usual = _UNIQUE_SPREAD if unique else _SPREAD
    writer = _Writer(
        stream,
        unique=unique,
        longest=_LONGEST if longest is None else longest,
        spread=usual if spread is None else spread,
    )
    text = writer.write(_parse(pattern))
    head, gap, tail = text.partition(GAP)
    return head + gap + tail.replace(GAP, "")


@lru_cache(maxsize=1024)
def _parse(pattern: str) -> Sequence[_Node]:
    return _flatten(_parser.parse(pattern))


def _flatten(nodes: Any) -> Sequence[_Node]:
    """Return Python's nodes as plain tuples, literals that follow one another as one text: what is walked often."""
    flat: list[_Node] = []
    for kind, body in nodes:
        if kind is op.LITERAL and flat and flat[-1][0] is op.LITERAL:
            flat[-1] = (op.LITERAL, flat[-1][1] + chr(body))
        elif kind is op.LITERAL:
            flat.append((op.LITERAL, chr(body)))
        elif kind is op.BRANCH:
            flat.append((kind, [_flatten(branch) for branch in body[1]]))
        elif kind is op.SUBPATTERN:
            flat.append((kind, (body[0], _flatten(body[-1]))))
        elif kind in _REPEATS:
            flat.append((kind, (*body[:2], _flatten(body[2]))))
        elif kind is op.IN:
            flat.append((kind, _allowed(tuple(body))))
        else:
            flat.append((kind, _flatten(body) if kind is op.ATOMIC_GROUP else body))
    return tuple(flat)


def vagueness(pattern: str) -> int:
    """Return how many places of *pattern* leave the character wholly open: the fewer, the more it tells."""
    return pattern.replace("\\.", "").count(".")


class _Writer:
    """Writes one text, node by node."""

    def __init__(self, stream: Stream, *, unique: bool, longest: int, spread: int) -> None:
        self.spread = spread
        self.stream = stream
        self.unique = unique
        self.longest = longest
        self.groups: dict[int, str] = {}

    def write(self, nodes: Sequence[_Node]) -> str:
        return "".join([body if kind is op.LITERAL else self._write_node(kind, body) for kind, body in nodes])

    def _write_node(self, kind: object, body: Any) -> str:
        if kind is op.ANY:
            return self.stream.choice(_PLAIN)
        if kind is op.NOT_LITERAL:
            return self.stream.choice(_PLAIN.replace(chr(body), ""))
        if kind is op.IN:
            return self.stream.choice(str(body))
        if kind is op.BRANCH:
            return self.write(self.stream.choice(body))
        if kind is op.SUBPATTERN:
            return self._write_group(body[0], body[-1])
        if kind in _REPEATS:
            return self._write_repeat(*body)
        if kind is op.GROUPREF:
            return self.groups.get(body, "")
        return self.write(body) if kind is op.ATOMIC_GROUP else ""

    def _write_group(self, number: int | None, nodes: Sequence[_Node]) -> str:
        text = self.write(nodes)
        if number is not None:
            self.groups[number] = text
        return text

    def _write_repeat(self, low: int, high: int, nodes: Sequence[_Node]) -> str:
        if high is op.MAXREPEAT and len(nodes) == 1 and nodes[0][0] is op.ANY:
            return self.write(list(nodes) * low) + GAP
        wide = low + self.spread
        most = max(low, min(self.longest, wide if high is op.MAXREPEAT else min(high, wide)))
        least = max(low, most // 2 if self.unique else min(1, most) if high is op.MAXREPEAT else low)
        times = self.stream.between(least, most)
        if len(nodes) == 1 and nodes[0][0] is op.IN:
            return self.stream.text(nodes[0][1], times)
        return "".join(self.write(nodes) for _ in range(times))


@lru_cache(maxsize=1024)
def _allowed(items: tuple[_Node, ...]) -> str:
    negated = items[0][0] is op.NEGATE
    characters = "".join(_characters_of(kind, body) for kind, body in items)
    if not negated:
        return characters or "?"
    return (
        "".join(one for one in _PLAIN if one not in characters)
        or "".join(one for one in _POOL if one not in characters)
        or "~"
    )


def _characters_of(kind: object, body: Any) -> str:
    if kind is op.LITERAL:
        return chr(body)
    if kind is op.RANGE:
        return "".join(map(chr, range(body[0], min(body[1], body[0] + 255) + 1)))
    return _CATEGORIES.get(body, "") if kind is op.CATEGORY else ""
