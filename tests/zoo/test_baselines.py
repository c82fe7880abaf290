"""Tables of every shape: baselines of them without rows and with some, restored in turn."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import RowConflict
from tests.baselines.site import Site
from tests.database.world import command_of
from tests.zoo.conftest import EXHIBITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.zoo.exhibits import Exhibit
    from tests.zoo.visit import Visit


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("exhibit", "version"), EXHIBITS)
def test_every_table_comes_back(
    open_visit: Callable[..., Visit],
    make_database_of: Callable[[int, str], str],
    tmp_path: Path,
    exhibit: Exhibit,
    version: int,
) -> None:
    """What is planted goes with the baseline from before, comes with that from after, and nothing else changes."""
    visit = open_visit(make_database_of(version, f"baselines_{exhibit.name}"), exhibit.sql, role=exhibit.role)
    site = Site(visit.world.url, "SELECT 1", tmp_path / "store")
    try:
        states, catalog = {"before": site.state()}, site.catalog()
        site.take("before")
        for table, verdict in visit.verdicts.items():
            # Each plan was made for a database without the others' rows.
            with contextlib.suppress(RowConflict):
                if verdict.plan is not None:
                    visit.world.wait(visit.world.database.seed(command_of(verdict.plan, request_id=f"R-{table}")))
        states["after"] = site.state()
        site.take("after")
        for name in ("before", "after", "before"):
            expected = site.compare(name)

            report = site.restore(name, force=True)

            assert states[name] == site.state()
            assert catalog == site.catalog()
            assert (expected.tables, expected.sequences) == (report.tables, report.sequences)
    finally:
        site.close()
