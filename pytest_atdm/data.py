"""The folders that ship with ATDM: the demo catalog, the migrations and the demo itself.

They stand at the top of the repository. ``_shipped`` holds a symlink to each, and building the wheel turns the symlinks
into the folders themselves. So one path finds them in a checkout, an editable install and an installed wheel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_atdm.core.errors import DataNotFound

__all__ = ("FOLDERS", "folder")

FOLDERS: Final = ("catalog", "migrations", "demo")

_SHIPPED: Final = Path(__file__).parent / "_shipped"


def folder(name: str) -> Path:
    """Return the absolute path of the shipped folder *name*, one of ``FOLDERS``, symlinks resolved.

    Raises:
        DataNotFound: *name* is none of them, or the folder is missing.
    """
    if name not in FOLDERS:
        raise DataNotFound(f'no folder "{name}" ships with pytest-atdm', hint=f"ask for one of {', '.join(FOLDERS)}")
    path = (_SHIPPED / name).resolve()
    if not path.is_dir():
        raise DataNotFound(
            f'the folder "{name}" that ships with pytest-atdm is missing at {path}',
            hint="install pytest-atdm again; in a checkout, let git keep symlinks: git config core.symlinks true",
        )
    return path
