"""Values of the same shape: a bijection for each pattern of characters, so that what is unique stays unique.

Letters' case is kept and does not count: values that differ in case alone do so afterwards too, and no others.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.masks.permutation import permute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_RANKS: Final = {one: rank for alphabet in (_LETTERS, _DIGITS) for rank, one in enumerate(alphabet)}
#: What each ASCII character counts for in a pattern, but for those that count for themselves.
_KINDS: Final = str.maketrans(
    dict.fromkeys(_LETTERS, "a") | dict.fromkeys(_LETTERS.upper(), "a") | dict.fromkeys(_DIGITS, "0")
)
_OTHERS: Final = re.compile("[^A-Za-z0-9]+")
#: So many letters and digits are one number; each further lot of a longer text depends on those before it.
_LOT: Final = 64


def mask_text(value: str, key: bytes) -> str:
    """Return a text of the same length, with a letter of that case for each letter and a digit for each digit (ASCII).

    Every other character stays. Of two texts or more of a pattern, none stays what it is; *key* has up to 64 bytes.
    """
    plain = _OTHERS.sub("", value).lower()
    tweak = _digest(key, value.lower().translate(_KINDS))
    lots = [plain[start : start + _LOT] for start in range(0, len(plain), _LOT)]
    masked: list[str] = []
    for lot in lots:
        masked += _permute_text(lot, tweak)
        tweak = _digest(tweak, lot)
    if len(plain) == len(value) and value.islower():
        return "".join(masked)
    return "".join(_put_in_place(value, iter(masked)))


def _put_in_place(value: str, masked: Iterator[str]) -> Iterator[str]:
    """Yield the characters of *value*, each letter and digit replaced by the next of *masked*."""
    for one in value:
        if one.lower() not in _RANKS or not one.isascii():
            yield one
        else:
            yield next(masked).upper() if one.isupper() else next(masked)


def _digest(key: bytes, text: str) -> bytes:
    return hashlib.blake2b(text.encode(), key=key, digest_size=32).digest()


@lru_cache(maxsize=4096)
def _sizes_of(pattern: str) -> tuple[tuple[int, str], ...]:
    """Return for each place of a pattern of ``a`` and ``0``, the last first, how many values it has, and which."""
    return tuple(
        (len(alphabet), alphabet) for alphabet in (_LETTERS if one == "a" else _DIGITS for one in pattern[::-1])
    )


def _permute_text(plain: str, key: bytes) -> list[str]:
    """Return the letters and digits that stand for *plain*, which has small letters and digits only."""
    sizes = _sizes_of(plain.translate(_KINDS))
    whole, rank = 1, 0
    for one, (size, _) in zip(reversed(plain), sizes, strict=True):
        rank += whole * _RANKS[one]
        whole *= size
    rank = permute(rank, whole, key)
    masked = []
    for size, alphabet in sizes:
        rank, found = divmod(rank, size)
        masked.append(alphabet[found])
    return masked[::-1]


def mask_integer(value: int, key: bytes, limits: Sequence[tuple[int, int]]) -> int:
    """Return another integer with as many digits and that sign.

    *limits* are the least and the greatest value of each type that it may have, the narrowest first: it stays within
    the narrowest that it is in.
    """
    low, high = _digits_of(value)
    narrower = (low, low - 1)
    for least, greatest in limits:
        found = (max(low, least), min(high, greatest))
        if found[0] <= value <= found[1]:
            return _permute_integer(value, key, found, narrower)
        if found[0] <= found[1]:
            narrower = found
    raise ValueError("the number is beyond its type")


def _digits_of(value: int) -> tuple[int, int]:
    """Return the least and the greatest integer with as many digits as *value*, and its sign; 0 has one digit."""
    digits = len(str(abs(value)))
    least, greatest = 10 ** (digits - 1), 10**digits - 1
    if value < 0:
        return -greatest, -least
    return (0 if digits == 1 else least), greatest


def _permute_integer(value: int, key: bytes, wide: tuple[int, int], narrow: tuple[int, int]) -> int:
    """Permute the integers of *wide* without those of *narrow*, which lie together; none where it is empty."""
    gap = narrow[1] - narrow[0] + 1
    size = wide[1] - wide[0] + 1 - gap
    rank = value - wide[0] - (gap if gap and value > narrow[1] else 0)
    found = permute(rank, size, _digest(key, f"{wide} {narrow}")) + wide[0]
    return found + gap if gap and found >= narrow[0] else found
