"""ULIDs: 128-bit ids that sort by time (https://github.com/ulid/spec); the caller has the clock and the randomness."""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_PATTERN: Final = re.compile(f"[0-7][{_ALPHABET}]{{25}}")


def make_ulid(unix_ms: int, randomness: bytes) -> str:
    """Return the 26 characters for *unix_ms* (milliseconds since 1970 UTC, 48 bits) and 10 bytes of *randomness*."""
    number = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(randomness[:10], "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    """Return whether *text* is a ULID in its canonical upper-case form."""
    return _PATTERN.fullmatch(text) is not None
