from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_atdm.data import folder
from tests.domains.database import read_catalog
from tests.domains.page import TABLES

if TYPE_CHECKING:
    from tests.domains.database import DomainDatabase

ROOT: Final = Path(__file__).parents[2]


def count_rows(database: DomainDatabase) -> dict[str, int]:
    """Return the number of rows in each table of the domain that has any."""
    counts = {
        table: database.fetch(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
        for table in chain(*TABLES["healthcare"].values())
    }
    return {table: count for table, count in counts.items() if count}


def test_application_confirms_every_scenario(application_database: DomainDatabase, tmp_path: Path) -> None:
    """The demo's tests pass against the running application, and leave nothing but the reference rows."""
    environment = os.environ | {"ATDM_DATABASE_URL": application_database.url}
    command = [sys.executable, "-m", "pytest", str(folder("demo") / "test_claims.py"), "-q", "-p", "no:cacheprovider"]

    run = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'inner'}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    reference = read_catalog().domain("healthcare").reference
    assert count_rows(application_database) == {one.table: len(one.rows) for one in reference}
