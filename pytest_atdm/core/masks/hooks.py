"""Strategies of other packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_atdm.core.errors import CatalogError, SettingError
from pytest_atdm.core.masks.texts import settle_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_atdm.core.catalog import Mask
    from pytest_atdm.core.masks.families import Place
    from pytest_atdm.core.masks.strategies import Strategy
    from pytest_atdm.core.schema import Schema

#: What needs no package.
BUILT_IN = ("hash", "format", "generator", "null", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A function of *package*: given a value in Postgres' text form and a key of 32 bytes, it returns another value."""

    function: Callable[[str, bytes], object]
    package: str


class Installed(Protocol):
    """The strategies of installed packages."""

    def names(self) -> Collection[str]:
        """Return what they are called."""

    def load(self, name: str) -> Hook:
        """Return one of them.

        Raises:
            SettingError: its package cannot be loaded, or has no function there.
        """


def load_hook(mask: Mask, installed: Installed) -> Hook:
    """Return the function that *mask* names.

    Raises:
        CatalogError: there is none of this name.
        SettingError: it cannot be loaded.
    """
    names = sorted(installed.names())
    if mask.strategy not in names:
        raise CatalogError(
            f'{mask.source}: there is no strategy "{mask.strategy}"',
            hint=f"built in: {', '.join(BUILT_IN)}; installed: {', '.join(names) or 'none'}",
        )
    return installed.load(mask.strategy)


def make_hooked(hook: Hook, mask: Mask, place: Place, type: str, schema: Schema) -> Strategy:
    """Return what calls *hook* for the column at *place*, of *type*, and lets nothing pass that is no value of it.

    It raises SettingError, which never says a value: neither what was given nor what came.
    """
    where = f"column {'.'.join(place)}: the strategy {mask.strategy} of the package {hook.package}"
    hint = f"mend the package, or name another strategy in {mask.source}"

    def apply(value: str, key: bytes) -> str:
        try:
            found = hook.function(value, key)
        except Exception as error:  # noqa: BLE001 - whatever somebody else's code raises, it may say the value
            raise SettingError(f"{where} raised {error.__class__.__name__}", hint=hint) from None
        if not isinstance(found, str):
            raise SettingError(f"{where} gave {found.__class__.__name__} where a text is wanted", hint=hint)
        try:
            return settle_text(type, found, schema)
        except ValueError:
            raise SettingError(f"{where} gave what is no {type}", hint=hint) from None

    return apply
