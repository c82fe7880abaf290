"""The shop application in every situation of its catalog, on a database that holds rows of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.architecture.repository import ROOT
from tests.domains.database import insert_rows, read_catalog, scenarios_of
from tests.domains.page import TABLES
from tests.environment import bare_environment
from tests.shop.test_constraints import VALID

if TYPE_CHECKING:
    import asyncpg

    from tests.domains.database import DomainDatabase

MARKED: Final = Path(__file__).with_name("purchases.py")
CATALOG: Final = read_catalog()
TIMEOUT_S: Final = 300


async def insert_own_rows(connection: asyncpg.Connection) -> None:
    """Insert a row into each table as an application would, its keys taken from the sequences."""
    rows = {table: {name: value for name, value in row.items() if name != "id"} for table, row in VALID.items()}
    await insert_rows(connection, rows)


def read_rows(database: DomainDatabase) -> dict[str, list[str]]:
    """Return every row of every table of the shop."""
    return database.read_rows(TABLES["shop"]["tables"])


def run_marked_tests(database: DomainDatabase, *options: str) -> None:
    """Run the marked tests in a process of their own; they must pass."""
    inherited = bare_environment()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", str(MARKED), "-q", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        env={**inherited, "ATDM_DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_scenario_is_put_to_the_application() -> None:
    """The marked tests ask for each scenario of the shop at least once."""
    asked = set(re.findall(r'atdm_scenario\("(\w+)"', MARKED.read_text(encoding="utf-8")))

    assert asked == set(scenarios_of(CATALOG, "shop"))


def test_rows_are_afterwards_as_before(application_database: DomainDatabase) -> None:
    """After all situations, alone and on two workers, each table holds its rows of before and the reference rows."""
    application_database.ask(insert_own_rows, keeps_changes=True)
    before = read_rows(application_database)

    run_marked_tests(application_database)
    once = read_rows(application_database)
    run_marked_tests(application_database, "-n", "2")

    assert all(before.values())
    assert {table for table in before if before[table] != once[table]} == {"shop.countries", "shop.shipping_methods"}
    assert once == read_rows(application_database)
