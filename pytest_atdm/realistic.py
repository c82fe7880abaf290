"""Values that look real: what mimesis offers by a dotted name, without arguments, and gives again for the same seed."""

from __future__ import annotations

import inspect
import threading
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.errors import CatalogError, SettingError
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("iter_realistic",)

#: What they give depends on the clock, the machine, or its randomness; or they only choose of what they are given.
_UNSTEADY: Final = frozenset({"choice", "cryptographic", "datetime", "development.calver", "internet.uri", "path"})
#: What draws is shared, and baselines are masked in threads.
_DRAWING: Final = threading.Lock()


def iter_realistic(name: str, locale: str, seed: int, source: str) -> Iterator[object]:
    """Yield what mimesis calls *name*, such as ``address.city``, without end; the same for the same seed.

    *source* is where the catalog names it.

    Raises:
        CatalogError: mimesis has no such name or locale.
        SettingError: mimesis is not installed.
    """
    reseed, draw = _open(name, locale, source)
    for number in count(seed):  # a seed for each, whoever else draws in between
        with _DRAWING:
            reseed(number)
            drawn = draw()
        yield drawn


@lru_cache(maxsize=1024)
def _open(name: str, locale: str, source: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    generic = _make_generic(locale, source)
    offered = _list_names(generic)
    if name not in offered:
        raise CatalogError(f'{source}: mimesis has no "{name}"', hint=suggest(name, offered, "name"))
    group, _, method = name.partition(".")
    part = getattr(generic, group)
    draw: Callable[[], object] = getattr(part, method)
    if _draw_first(part, draw) != _draw_first(part, draw):
        raise CatalogError(
            f'{source}: "{name}" gives other values each time', hint="use one whose values depend on a seed alone"
        )
    return part.reseed, draw


def _draw_first(part: Any, draw: Callable[[], object]) -> object:
    part.reseed(0)
    return draw()


def _make_generic(locale: str, source: str) -> Any:
    try:
        from mimesis import Generic, Locale  # lazy: an extra
    except ImportError as exc:
        raise SettingError(
            f"{source}: the values come from mimesis, which is not installed",
            hint='pip install "pytest-atdm[providers]"',
        ) from exc
    known = [one.value for one in Locale]
    if locale not in known:
        raise CatalogError(f'{source}: mimesis has no locale "{locale}"', hint=suggest(locale, known, "locale"))
    return Generic(Locale(locale))


def _list_names(generic: Any) -> list[str]:
    """Return every public method of every part of mimesis that needs no argument, as ``part.method``."""
    names = []
    for group in sorted(set(dir(generic)) - _UNSTEADY):
        part = getattr(generic, group)
        shared = dir(type(part).__mro__[-2])  # what all parts have: reseed and the like
        own = sorted(name for name in dir(part) if not name.startswith("_") and name not in shared)
        names += [f"{group}.{name}" for name in own if _needs_nothing(getattr(part, name))]
    return [name for name in names if name not in _UNSTEADY]


def _needs_nothing(method: Any) -> bool:
    if not inspect.ismethod(method):
        return False
    given = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(method).parameters.values()
    return all(one.default is not one.empty or one.kind in given for one in parameters)
