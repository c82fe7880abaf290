"""Test data by intent: rows that exist for one test, typed, audited, and gone afterwards.

Nothing is imported until it is asked for: pytest loads this package in every session, used or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_atdm._markers import atdm_scenario
    from pytest_atdm.core.errors import AtdmError

__all__ = ("AtdmError", "__version__", "atdm_scenario")

__version__ = "0.1.0"


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> object:
        if name == "atdm_scenario":
            from pytest_atdm._markers import atdm_scenario  # lazy: startup

            return atdm_scenario
        if name == "AtdmError":
            from pytest_atdm.core.errors import AtdmError  # lazy: startup

            return AtdmError
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
