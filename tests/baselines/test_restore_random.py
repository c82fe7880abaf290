"""Over made-up tables and changes: after a restore exactly the state of the baseline stands."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from seeder.db.restore import rewrite
from tests.baselines.random_tables import Made, draw_statement, draw_tables, write_ddl
from tests.baselines.site import Site

#: The same few each time, so that every run says the same; many others with ``ATDM_RESTORE_EXAMPLES=2000``.
ASKED: Final = os.environ.get("ATDM_RESTORE_EXAMPLES")
EXAMPLES: Final = int(ASKED or 25)


@pytest.fixture(scope="module")
def site(make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A database whose schema public is made anew for every example."""
    made = Site(make_database("restored"), "SELECT 1", Path(tmp_path_factory.mktemp("store")))
    yield made
    made.close()


def change(site: Site, chance: Random, tables: list[Made], count: int) -> None:
    """Run so many statements; those that the database refuses have changed nothing."""
    for _ in range(count):
        statement = draw_statement(chance, tables)
        with contextlib.suppress(asyncpg.PostgresError):
            site.execute(statement)
            note(statement)


@settings(max_examples=EXAMPLES, derandomize=ASKED is None, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.integers(0, 2**32).map(Random))
def test_exactly_the_state_of_the_baseline_stands(site: Site, chance: Random) -> None:
    """Rows and sequences are those of then, the catalog is as before, and the comparison had told the same counts."""
    tables = draw_tables(chance)
    ddl = write_ddl(tables)
    note(ddl)
    site.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {ddl}")
    change(site, chance, tables, chance.choice((0, 5, 30)))
    state, catalog = site.state(), site.catalog()
    name = site.next_name()
    site.take(name)
    note("-- taken")
    change(site, chance, tables, chance.choice((1, 5, 30)))
    expected = site.compare(name)

    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.3:
            patch.setattr(rewrite, "BULK_ROWS", 3)
        report = site.restore(name)

    assert state == site.state()
    assert catalog == site.catalog()
    assert (expected.tables, expected.sequences) == (report.tables, report.sequences)
