"""Fixture emitters: what a request left in the database, as files that other tools read.

An emitter has a ``name`` and ``emit(bundle, folder) -> Path``. The two that come with ATDM are below; a plugin adds its
own with the hook ``pytest_atdm_emitters``. The formats are described in ``docs/reference/fixture-format.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_atdm.emit.bundle import FixtureBundle

__all__ = ("Emitter", "built_in_emitters")


class Emitter(Protocol):
    """Writes a bundle in one format; *name* is what callers ask for it by."""

    name: str

    def emit(self, bundle: FixtureBundle, folder: Path) -> Path:
        """Write one file into *folder*, which is made where it is missing, and return its path."""


def built_in_emitters() -> tuple[Emitter, ...]:
    """Return the emitters that come with ATDM: ``playwright`` and ``pytest``."""
    from pytest_atdm.emit.playwright_json import PlaywrightJson  # lazy: startup
    from pytest_atdm.emit.pytest_module import PytestModule  # lazy: startup

    return (PlaywrightJson(), PytestModule())
