"""A stream of deterministic choices, drawn from a hash of who asks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

_SPARE_BITS: Final = 64  # so many bits more than needed make the bias of a remainder unmeasurable


class Stream:
    """Draws that depend on *parts* and on nothing else; two streams of equal parts draw the same."""

    __slots__ = ("_block", "_counter", "_key")

    def __init__(self, *parts: str | int) -> None:
        self._key = hashlib.sha256(_tell_apart(parts)).digest()
        self._counter = 0
        self._block = b""

    @classmethod
    def family(cls, *parts: str | int) -> Callable[..., Stream]:
        """Return what makes ``Stream(*parts, *more)`` of *more* parts, in half the time."""
        head = hashlib.sha256(_tell_apart(parts))

        def make(*more: str | int) -> Stream:
            stream = cls.__new__(cls)
            whole = head.copy()
            whole.update(_tell_apart(more))
            stream._key, stream._counter, stream._block = whole.digest(), 0, b""
            return stream

        return make

    def digest(self) -> bytes:
        """Return the 32 bytes that identify the stream; nothing is drawn."""
        return self._key

    def bytes(self, n: int) -> bytes:
        """Draw *n* bytes."""
        while len(self._block) < n:
            self._block += hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        drawn, self._block = self._block[:n], self._block[n:]
        return drawn

    def below(self, n: int) -> int:
        """Draw a whole number from 0 to *n* - 1, evenly."""
        return int.from_bytes(self.bytes(_size_below(n)), "big") % n

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from *low* to *high*, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """Draw one of *items*."""
        return items[self.below(len(items))]

    def text(self, alphabet: str, n: int) -> str:
        """Draw *n* characters of *alphabet*, each as ``choice`` would."""
        size, letters = _size_below(len(alphabet)), len(alphabet)
        drawn = self.bytes(size * n)
        read = int.from_bytes
        return "".join([alphabet[read(drawn[at : at + size], "big") % letters] for at in range(0, n * size, size)])

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return *items* in a drawn order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]


def _tell_apart(parts: Iterable[str | int]) -> bytes:
    return "".join([f"{type(part).__name__}{len(str(part))}:{part}" for part in parts]).encode()


def _size_below(n: int) -> int:
    """Return how many bytes are drawn for a number below *n*."""
    return (n.bit_length() + _SPARE_BITS + 7) // 8
