"""Restoring a baseline: the rows of then, and nothing but rows has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seeder.db.restore import rewrite
from tests.baselines.shaped import NAMES, read_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site


@pytest.mark.parametrize("bulk_rows", [rewrite.BULK_ROWS, 0], ids=["few", "bulk"])
@pytest.mark.parametrize("shape", NAMES)
def test_exactly_the_rows_of_then_stand(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, shape: str, bulk_rows: int
) -> None:
    """Whatever the shape of the tables: rows, sequences, constraints, triggers, rules and indexes are as they were."""
    ddl, change = read_shape(shape)
    site = make_site(ddl)
    monkeypatch.setattr(rewrite, "BULK_ROWS", bulk_rows)
    monkeypatch.setattr(rewrite, "BULK_PART", min(rewrite.BULK_PART, bulk_rows))
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
