"""Test data by intent: rows that exist for one test, typed, audited, and gone afterwards.

Nothing is imported until it is asked for: pytest loads this package in every session, used or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_atdm._data import AliasedData, AtdmData, Facts, Row
    from pytest_atdm._live import AtdmWarning
    from pytest_atdm._markers import atdm_scenario
    from pytest_atdm.core.errors import AtdmError

__all__ = ("AliasedData", "AtdmData", "AtdmError", "AtdmWarning", "Facts", "Row", "__version__", "atdm_scenario")

__version__ = "0.1.0"


if not TYPE_CHECKING:  # a type checker knows the names above, and no others
    _HOMES = {
        "AliasedData": "pytest_atdm._data",
        "AtdmData": "pytest_atdm._data",
        "AtdmError": "pytest_atdm.core.errors",
        "AtdmWarning": "pytest_atdm._live",
        "Facts": "pytest_atdm._data",
        "Row": "pytest_atdm._data",
        "atdm_scenario": "pytest_atdm._markers",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # lazy: startup

        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
