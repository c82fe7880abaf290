"""What tests came to, as the database has counted it while their events were appended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.coverage import Use
from seeder.db.border import translated
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from seeder.db.pool import Pool


async def read_coverage(pool: Pool, commit: str) -> tuple[Use, ...]:
    """Return each test's uses of scenarios at its newest commit, or the newest that begins with *commit*.

    By test id, then by scenario.
    """
    with translated("reading what tests came to"):
        rows = await pool.fetch(QUERIES["coverage"], commit)
    return tuple(Use(**{**row, "requirements": tuple(row["requirements"])}) for row in rows)
