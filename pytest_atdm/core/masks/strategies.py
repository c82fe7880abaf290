"""What makes masked values: functions of a value, in Postgres' text form, and a key."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.expressions.casting import INTEGER_RANGES, parse_type
from pytest_atdm.core.masks.format import mask_integer, mask_text

if TYPE_CHECKING:
    from collections.abc import Collection

#: Given a value that is not NULL, and a key of 32 bytes; None is NULL.
Strategy: TypeAlias = Callable[[str, bytes], str | None]

#: Text without a limit of its own, or with one; ``citext`` does not tell case apart.
TEXT_LIKE: Final = frozenset({"text", "character varying", "character", "bpchar", "citext"})
_PADDED: Final = frozenset({"character", "bpchar"})
#: Hexadecimal digits of a hash: fewer than the least are not different enough.
LEAST_DIGITS: Final = 16
_MOST_DIGITS: Final = 32
_UUID_BYTES: Final = 16


def type_name(type: str) -> str:
    """Return the name of *type*, a base type; of an extension's type without the schema."""
    name = parse_type(type)
    return "" if name.dimensions else name.name.rpartition(".")[2]


def longest(type: str) -> int | None:
    """Return how many characters a text of *type* may have, None without a limit."""
    return next(iter(parse_type(type).modifiers), None)


def make_hash(types: Collection[str]) -> Strategy:
    """Return what hashes values of columns of *types*, which are tied: all are text, or uuid, or bytea."""
    names = set(map(type_name, types))
    if names == {"uuid"}:
        return _hash_uuid
    if names == {"bytea"}:
        return lambda value, key: "\\x" + _digest(value, key).hex()[:_MOST_DIGITS]
    size = min([_MOST_DIGITS, *(length for one in types if (length := longest(one)) is not None)])
    if names == {"citext"}:
        return lambda value, key: _digest(value.lower(), key).hex()[:size]
    return lambda value, key: _digest(value, key).hex()[:size]


def _hash_uuid(value: str, key: bytes) -> str:
    return str(uuid.UUID(bytes=_digest(value, key)[:_UUID_BYTES], version=4))


def _digest(value: str, key: bytes) -> bytes:
    return hmac.digest(key, value.encode(), hashlib.sha256)


def make_format(types: Collection[str]) -> Strategy:
    """Return what keeps the shape of values of columns of *types*, which are tied: all are text, or all integers."""
    names = set(map(type_name, types))
    if names <= INTEGER_RANGES.keys():
        limits = sorted((INTEGER_RANGES[name] for name in names), reverse=True)
        return lambda value, key: str(mask_integer(int(value), key, limits))
    return mask_text


def without_padding(strategy: Strategy, type: str) -> Strategy:
    """Return *strategy* for a column of *type*: blanks that Postgres fills a text up with do not count."""
    if type_name(type) not in _PADDED:
        return strategy
    return lambda value, key: strategy(value.rstrip(" "), key)


def make_constant(text: str) -> Strategy:
    """Return what gives *text* for every value."""
    return lambda _value, _key: text


def give_null(_value: str, _key: bytes) -> None:
    """Give NULL for every value."""
