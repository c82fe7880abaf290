"""Strategies of installed packages, by the entry points that they declare."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.masks import Hook

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from importlib.metadata import EntryPoint

GROUP: Final = "pytest_atdm.masks"


class InstalledStrategies:
    """Those of the group ``pytest_atdm.masks``; none is imported before it is loaded."""

    def names(self) -> Collection[str]:
        """Return what they are called."""
        return self._found.keys()

    def load(self, name: str) -> Hook:
        """Return one of them.

        Raises:
            SettingError: it cannot be imported, is no function, or two packages have one of this name.
        """
        first, *others = self._found[name]
        if others:
            packages = ", ".join(sorted(_package_of(one) for one in (first, *others)))
            raise SettingError(
                f'the strategy "{name}" is in several packages: {packages}', hint="remove all of them but one"
            )
        where = f'the strategy "{name}" of the package {_package_of(first)}'
        try:
            function = first.load()
        except Exception as error:
            raise SettingError(
                f"{where} cannot be loaded: {error.__class__.__name__}: {error}", hint=f"mend {first.value}"
            ) from error
        if not callable(function):
            raise SettingError(f"{where} is no function", hint=f"let {first.value} be called with a value and a key")
        return Hook(function=function, package=_package_of(first))

    @cached_property
    def _found(self) -> Mapping[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for one in entry_points(group=GROUP):
            found.setdefault(one.name, []).append(one)
        return found


def _package_of(found: EntryPoint) -> str:
    return found.dist.name if found.dist is not None else found.module
