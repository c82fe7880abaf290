"""Restoring a baseline: the rows of then, and nothing but rows has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seeder.db.restore import rewrite
from tests.baselines.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site


@pytest.mark.parametrize("bulk", [False, True], ids=["few", "bulk"])
@pytest.mark.parametrize("shape", SHAPES)
def test_exactly_the_rows_of_then_stand(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, shape: str, bulk: bool
) -> None:
    """Whatever the shape of the tables: rows, sequences, constraints, triggers, rules and indexes are as they were."""
    ddl, change = SHAPES[shape]
    site = make_site(ddl)
    if bulk:
        monkeypatch.setattr(rewrite, "BULK_ROWS", 0)
        monkeypatch.setattr(rewrite, "BULK_PART", 0)
    state, catalog, dump = site.state(), site.catalog(), site.dump()
    site.take()
    site.execute(change)
    assert state != site.state()
    expected = site.compare()

    report = site.restore()

    assert state == site.state()
    assert catalog == site.catalog()
    assert dump == site.dump()
    assert (expected.tables, expected.sequences) == (report.tables, report.sequences)
    assert not any(one.changes for one in site.restore().tables.values())
