"""Names of files, classes and attributes that any entity, column or scenario can have in Python."""

from __future__ import annotations

import itertools
import keyword
import unicodedata
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

Key = TypeVar("Key", bound="Hashable")


def to_identifier(name: str) -> str:
    """Return *name* as Python can write it: every character that no identifier has becomes ``_``.

    A keyword gets ``_`` at its end; nothing at all becomes ``_x``. Leading underscores shrink to one, because Python
    mangles two of them in a class.
    """
    folded = "".join(char if f"a{char}".isidentifier() else "_" for char in unicodedata.normalize("NFKC", name))
    bare = folded.lstrip("_") or "x"
    word = bare if bare == folded else f"_{bare}"
    if not word.isidentifier():
        word = f"_{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def to_class_name(name: str) -> str:
    """Return *name* in CamelCase: ``visit_note`` becomes ``VisitNote``."""
    words = to_identifier(name).split("_")
    return to_identifier("".join(word[:1].upper() + word[1:] for word in words))


def name_uniquely(names: Iterable[Key], convert: Callable[[Key], str], taken: Collection[str]) -> Mapping[Key, str]:
    """Return *names* (or what they are made from) -> converted names that differ from each other and from *taken*.

    A clash gets ``_`` at its end, the next one ``_2``, then ``_3``; of two that clash the first keeps its name.
    """
    used = set(taken)
    found: dict[Key, str] = {}
    for name in names:
        found[name] = _find_free(convert(name), used)
        used.add(found[name])
    return found


def _find_free(name: str, used: Collection[str]) -> str:
    endings = itertools.chain(("", "_"), (f"_{count}" for count in itertools.count(2)))
    return next(name + ending for ending in endings if name + ending not in used)
