"""A catalog folder, read from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import CatalogError
from pytest_atdm.realistic import iter_realistic

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_atdm.core.catalog import Catalog


def open_catalog(folder: Path) -> Catalog:
    """Return the catalog in *folder*: every ``.yaml`` file below it; a ``.yml`` is refused.

    Raises:
        CatalogError: a file cannot be read, or the catalog has a fault.
    """
    return load_catalog(read_files(folder), iter_realistic)


def read_files(folder: Path) -> dict[str, str]:
    """Return the text of every YAML file below *folder* by its relative path.

    Raises:
        CatalogError: a file cannot be read.
    """
    return {path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*.y*ml"))}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise CatalogError(f"{path}: cannot be read: {exc}", hint="make it a readable file in UTF-8") from exc


def list_scenarios(folder: Path) -> list[str]:
    """Return a line for each scenario of the catalog in *folder*, by domain: its name and its title.

    Raises:
        CatalogError: as ``open_catalog``.
    """
    catalog = open_catalog(folder)
    found = sorted((catalog.scenario(name) for name in catalog.scenario_ids), key=lambda one: (one.domain, one.id))
    width = max((len(one.id) for one in found), default=0)
    return [f"{one.id:{width}}  {one.title}" for one in found]
