"""Tables of every shape: what comes of each is what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.zoo.conftest import EXHIBITS
from tests.zoo.exhibits import describe_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.zoo.exhibits import Exhibit
    from tests.zoo.visit import Visit


@pytest.mark.parametrize(("exhibit", "version"), EXHIBITS)
def test_every_table_comes_out_as_its_comment_says(
    open_visit: Callable[..., Visit], make_database_of: Callable[[int, str], str], exhibit: Exhibit, version: int
) -> None:
    """Each table is planted, reused or refused as its comment tells, and a commit of it leaves nothing."""
    visit = open_visit(make_database_of(version, f"zoo_{exhibit.name}"), exhibit.sql, role=exhibit.role)

    found = {table: describe_verdict(one, exhibit.expected.get(table)) for table, one in visit.verdicts.items()}

    assert {table: one.describe() for table, one in exhibit.expected.items()} == found
    for table, verdict in visit.verdicts.items():
        if verdict.plan is not None and not exhibit.expected[table].leaves:
            visit.plant(table)
    assert visit.before == visit.world.rows()
