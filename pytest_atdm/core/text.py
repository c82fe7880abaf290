"""Small pure functions over words: suggestions for a misspelt name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], kind: str) -> str:
    """Return what to write instead of *word*: the nearest of *known*, or the list of them."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known {kind}s: {', '.join(names[:20])}" if names else f"there is no {kind} at all"
