"""A keyed permutation of the whole numbers below any size."""

from __future__ import annotations

import hashlib
from math import isqrt
from typing import Final

#: Even, so that each half is changed as often as the other.
_ROUNDS: Final = 8
_TURNS: Final = tuple(bytes((turn,)) for turn in range(_ROUNDS))
_SPARE_BYTES: Final = 8  # so many more than needed make the bias of a remainder unmeasurable
#: Of so many numbers, none is ever met that stays where it is.
_COUNTLESS: Final = 1 << 64


def permute(rank: int, size: int, key: bytes) -> int:
    """Return where *rank*, from 0 to *size* - 1, goes; *size* is at most 2**800, keys have one length.

    The permutation is ``P' (P(rank) + 1)``, where P is a Feistel network, and P' its inverse: one cycle through all
    numbers, so that none stays where it is unless it is alone. Of countless numbers it is P itself, in half the time.
    """
    network = _Network(size, key)
    there = network.forwards(rank)
    return there if size >= _COUNTLESS else network.backwards((there + 1) % size)


class _Network:
    """Permutes the pairs of a number below *height* and one below *width*, which are as few as hold all ranks.

    A rank that goes to a pair beyond *size* goes on from there, until it is back. There are fewer such pairs than one
    side has numbers: that happens hardly ever, and it ends, since the rank itself lies on the same cycle.
    """

    def __init__(self, size: int, key: bytes) -> None:
        self._size = size
        self._width = isqrt(size - 1) + 1
        self._height = -(-size // self._width)
        self._bytes = (self._width.bit_length() + 7) // 8
        self._keys = [key + turn for turn in _TURNS]

    def forwards(self, rank: int) -> int:
        """Return where *rank* goes."""
        while True:
            left, right = divmod(rank, self._width)
            for turn in range(0, _ROUNDS, 2):
                left = (left + self._draw(right, turn)) % self._height
                right = (right + self._draw(left, turn + 1)) % self._width
            rank = left * self._width + right
            if rank < self._size:
                return rank

    def backwards(self, rank: int) -> int:
        """Return what goes to *rank*."""
        while True:
            left, right = divmod(rank, self._width)
            for turn in range(_ROUNDS - 2, -1, -2):
                right = (right - self._draw(left, turn + 1)) % self._width
                left = (left - self._draw(right, turn)) % self._height
            rank = left * self._width + right
            if rank < self._size:
                return rank

    def _draw(self, half: int, turn: int) -> int:
        seed = self._keys[turn] + half.to_bytes(self._bytes, "big")
        return int.from_bytes(hashlib.blake2b(seed, digest_size=self._bytes + _SPARE_BYTES).digest(), "big")
