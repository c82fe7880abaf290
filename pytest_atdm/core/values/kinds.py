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


def _iter_macaddr8(wish: Wish) -> Iterator[Cell]:
    while True:
        yield ":".join(("02", *(f"{byte:02x}" for byte in wish.stream.bytes(7))))


def _iter_oids(wish: Wish) -> Iterator[Cell]:
    while True:
        yield wish.stream.between(1, 2**31 if wish.unique else 1000)


def _iter_money(wish: Wish) -> Iterator[Cell]:
    while True:
        yield f"{wish.stream.between(1, 2**50 if wish.unique else 999)}.{wish.stream.below(100):02}"


def _iter_words(wish: Wish) -> Iterator[Cell]:
    """Words without a hyphen: labels of an ltree, words of a tsvector."""
    while True:
        yield make_word(wish.name, wish.stream, 13 if wish.unique else 4).replace("-", "_")


def _iter_hstore(wish: Wish) -> Iterator[Cell]:
    return (f"{word}=>1" for word in _iter_words(wish))


def _iter_lsn(wish: Wish) -> Iterator[Cell]:
    while True:
        yield f"{wish.stream.below(2**31):X}/{wish.stream.below(2**31):X}"


def _iter_points(wish: Wish) -> Iterator[Cell]:
    while True:
        yield f"({wish.stream.between(-90, 90)},{wish.stream.between(-90, 90)})"


def _iter_vectors(wish: Wish) -> Iterator[Cell]:
    """Vectors of the dimensions that the type says, in quarters."""
    size = (*wish.kind.modifiers, 3)[0]
    while True:
        yield f"[{','.join(str(wish.stream.between(1, 2**20) / 4) for _ in range(size))}]"


def _iter_sparse_vectors(wish: Wish) -> Iterator[Cell]:
    size = (*wish.kind.modifiers, 3)[0]
    while True:
        yield f"{{1:{wish.stream.between(1, 2**20) / 4}}}/{size}"


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
    "macaddr8": _iter_macaddr8,
    "oid": _iter_oids,
    "money": _iter_money,
    "tsvector": _iter_words,
    "ltree": _iter_words,
    "hstore": _iter_hstore,
    "pg_lsn": _iter_lsn,
    "point": _iter_points,
    "vector": _iter_vectors,
    "halfvec": _iter_vectors,
    "sparsevec": _iter_sparse_vectors,
}
#: Types of which any value will do: hardly any column of theirs is under a unique constraint.
_SAMPLES: Final[dict[str, tuple[Cell, ...]]] = {
    "regclass": ("pg_class",),
    "regtype": ("integer",),
    "regproc": ("pg_backend_pid",),
    "regprocedure": ("pg_backend_pid()",),
    "regoper": ("||/",),
    "regoperator": ("+(integer,integer)",),
    "regnamespace": ("pg_catalog",),
    "regrole": ("pg_monitor",),
    "regconfig": ("simple",),
    "regdictionary": ("simple",),
    "regcollation": ('"C"',),
    "xml": ("<a/>",),
    "tsquery": ("word",),
    "jsonpath": ("$.a",),
    "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("((0,0),(1,1))",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1>",),
    "lquery": ("*",),
    "ltxtquery": ("word",),
    "cube": ("(1,2)",),
    "seg": ("1 .. 2",),
    "isbn13": ("978-0-393-04002-9",),
    "isbn": ("0-393-04002-X",),
    "ean13": ("978-0-393-04002-9",),
    "geometry": ("POINT(1 2)",),
    "geography": ("POINT(1 2)",),
    "pg_snapshot": ("10:20:10,14,15",),
    "txid_snapshot": ("10:20:10,14,15",),
    "xid": ("3",),
    "xid8": ("3",),
    "cid": ("0",),
    "tid": ("(0,1)",),
    "oidvector": ("1 2",),
    "int2vector": ("1 2",),
    "aclitem": ("=r/pg_monitor",),
    '"char"': ("a", "b"),
}
