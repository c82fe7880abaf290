"""Values of the same shape: a bijection for each pattern of characters, so that what is unique stays unique.

Letters' case is kept and does not count: values that differ in case alone do so afterwards too, and no others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.masks.permutation import permute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
#: So many letters and digits are one number; each further lot of a longer text depends on those before it.
_LOT: Final = 64


def mask_text(value: str, key: bytes) -> str:
    """Return a text of the same length, with a letter of that case for each letter and a digit for each digit (ASCII).

    Every other character stays. Of two texts or more of a pattern, none stays what it is; *key* has up to 64 bytes.
    """
    places = [place for place, one in enumerate(value) if one.isascii() and one.isalnum()]
    masked = list(value)
    tweak = _digest(key, "".join(map(_kind_of, value)))
    for start in range(0, len(places), _LOT):
        lot = places[start : start + _LOT]
        plain = "".join(value[place] for place in lot).lower()
        for place, one in zip(lot, _permute_text(plain, tweak), strict=True):
            masked[place] = one.upper() if value[place].isupper() else one
        tweak = _digest(tweak, plain)
    return "".join(masked)


def _kind_of(character: str) -> str:
    if not character.isascii():
        return character.lower()
    return "a" if character.isalpha() else "0" if character.isdigit() else character


def _digest(key: bytes, text: str) -> bytes:
    return hashlib.blake2b(text.encode(), key=key, digest_size=32).digest()


def _permute_text(plain: str, key: bytes) -> Iterator[str]:
    """Yield the letters and digits that stand for *plain*, which has small letters and digits only."""
    alphabets = [_DIGITS if one.isdigit() else _LETTERS for one in plain]
    size, rank = 1, 0
    for one, alphabet in zip(plain, alphabets, strict=True):
        size *= len(alphabet)
        rank = rank * len(alphabet) + alphabet.index(one)
    rank = permute(rank, size, key)
    for alphabet in alphabets:
        size //= len(alphabet)
        found, rank = divmod(rank, size)
        yield alphabet[found]


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
