"""Values of the types that are neither texts nor on a grid."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pytest_atdm.core.values.grids import GRIDS, iter_grid
from pytest_atdm.core.values.texts import iter_texts, make_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.values.wish import Wish


def iter_kind(wish: Wish) -> Iterator[Cell]:
    """Yield values of the wish's built-in type, without end unless it has few; an unknown type gets texts."""
    if wish.kind.name in GRIDS:
        return iter_grid(wish, GRIDS[wish.kind.name](wish))
    if wish.kind.name in _SAMPLES:
        return iter(_SAMPLES[wish.kind.name])
    return _DRAWERS.get(wish.kind.name, iter_texts)(wish)


def _iter_booleans(wish: Wish) -> Iterator[Cell]:
    yield from wish.stream.shuffled((True, False))


def _iter_uuids(wish: Wish) -> Iterator[Cell]:
    while True:
        yield str(UUID(bytes=wish.stream.bytes(16), version=4))


def _iter_bytes(wish: Wish) -> Iterator[Cell]:
    low, high = wish.shape.min_length, wish.shape.max_length
    size = max(low, 16 if high is None else min(16, high))
    while True:
        yield "\\x" + wish.stream.bytes(size).hex()


def _iter_json(wish: Wish) -> Iterator[Cell]:
    """One of each kind of JSON; marked where it must be unique."""
    for turn in cycle(range(4)):
        mark = make_word(wish.name, wish.stream, 13)
        marked: tuple[Cell, ...] = ({"id": mark}, [mark], mark, wish.stream.below(2**53))
        plain: tuple[Cell, ...] = ({}, [], mark, 1)
        yield (marked if wish.unique else plain)[turn]


def _iter_inet(wish: Wish) -> Iterator[Cell]:
    """Addresses that are set aside for documentation: 192.0.2.0/24 and 2001:db8::/32."""
    while True:
        groups = [f"{wish.stream.below(2**16):x}" for _ in range(6)]
        yield f"2001:db8:{':'.join(groups)}" if wish.unique else f"192.0.2.{wish.stream.between(1, 254)}"


def _iter_cidr(wish: Wish) -> Iterator[Cell]:
    while True:
        groups = [f"{wish.stream.below(2**16):x}" for _ in range(3)]
        yield f"2001:db8:{':'.join(groups[:2])}::/64" if wish.unique else f"192.0.2.{wish.stream.below(64) * 4}/30"


def _iter_macaddr(wish: Wish) -> Iterator[Cell]:
    """Addresses with the bit that says: given locally, by no maker."""
    while True:
        yield ":".join(("02", *(f"{byte:02x}" for byte in wish.stream.bytes(5))))


def _iter_bits(wish: Wish) -> Iterator[Cell]:
    while True:
        yield wish.stream.text("01", (*wish.kind.modifiers, 1)[0])


_DRAWERS: Final[dict[str, Callable[[Wish], Iterator[Cell]]]] = {
    "boolean": _iter_booleans,
    "uuid": _iter_uuids,
    "bytea": _iter_bytes,
    "json": _iter_json,
    "jsonb": _iter_json,
    "inet": _iter_inet,
    "cidr": _iter_cidr,
    "macaddr": _iter_macaddr,
    "bit": _iter_bits,
    "bit varying": _iter_bits,
}
#: Types of which any value will do.
_SAMPLES: Final[dict[str, tuple[Cell, ...]]] = {
    "money": ("1.00", "25.50", "0.00"),
    "oid": (1, 2, 3),
    "xml": ("<a/>",),
    "tsvector": ("word",),
    "tsquery": ("word",),
    "point": ("(1,2)",),
    "int4range": ("[1,10)",),
    "int8range": ("[1,10)",),
    "numrange": ("[1.0,10.0)",),
    "daterange": ("[2020-01-01,2020-12-31)",),
    "tsrange": ("[2020-01-01 00:00:00,2020-12-31 00:00:00)",),
    "tstzrange": ("[2020-01-01 00:00:00+00,2020-12-31 00:00:00+00)",),
    "hstore": ("", "key=>value"),
    "ltree": ("top", "top.below"),
}
