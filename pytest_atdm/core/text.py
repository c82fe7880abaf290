"""Small pure functions over words: suggestions for a misspelt name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN: Final = 20


def suggest(word: str, known: Iterable[str], kind: str) -> str:
    """Return what to write instead of *word*: the nearest of *known*, or the list of them."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    if not names:
        return f"there is no {kind} at all"
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    plural = f"{kind[:-1]}ies" if kind.endswith("ty") else f"{kind}s"
    return f"known {plural}: {', '.join(names[:SHOWN])}{more}"
