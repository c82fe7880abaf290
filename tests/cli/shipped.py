"""The scenarios that ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm._catalog import open_catalog
from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_CATALOG = open_catalog(folder("catalog"))

#: The domain of each scenario, by its name, in the order of names.
SHIPPED: Final[Mapping[str, str]] = {name: _CATALOG.scenario(name).domain for name in sorted(_CATALOG.scenario_ids)}
