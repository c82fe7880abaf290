"""A state folder of one's own, and seeders that no test leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_atdm._sidecar import ensure_seeder
from tests.process.actors import CATALOG, PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_atdm._sidecar import Sidecar
    from pytest_atdm.core.migrations import MigrationSource


class Ensure(Protocol):
    """``ensure_seeder`` with the values of these tests as defaults."""

    def __call__(
        self,
        *,
        catalog: Path = CATALOG,
        database_url: str | None = None,
        migrations: MigrationSource | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Sidecar:
        """Return a hold on a seeder of the test's folder."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the project keeps its state: a folder that does not exist yet."""
    return tmp_path / ".atdm"


@pytest.fixture
def ensure(folder: Path) -> Iterator[Ensure]:
    """Return a function that gets a hold on a seeder; whatever the test still holds is let go at its end."""
    holds: list[Sidecar] = []

    def ensure(
        *,
        catalog: Path = CATALOG,
        database_url: str | None = None,
        migrations: MigrationSource | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Sidecar:
        hold = ensure_seeder(
            folder, catalog=catalog, database_url=database_url, migrations=migrations, timeout_s=timeout_s
        )
        holds.append(hold)
        return hold

    yield ensure
    for hold in holds:
        hold.close()
