"""A database of its own with the demo domain, and suites of marked tests that run on it in processes of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import pytest

from pytest_atdm.data import folder
from tests.environment import bare_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: Shuffles the collected tests by a seed of its own; the product is tested, not a plugin that shuffles.
CONFTEST = """\
import json, os, pathlib, random

import pytest


def pytest_collection_modifyitems(items):
    if "SHUFFLE" in os.environ:
        random.Random(int(os.environ["SHUFFLE"])).shuffle(items)


@pytest.fixture
def note(request, atdm_data):
    name = f"{os.environ['NOTES']}/{abs(hash(request.node.nodeid))}-{os.getpid()}.json"
    rows = {entity: [dict(row) for row in atdm_data.rows(entity)] for entity in atdm_data}
    text = json.dumps({"test": request.node.nodeid, "rows": rows}, default=str)
    pathlib.Path(name).write_text(text)
"""
TESTS = """\
import pytest


{tests}
"""
ONE_TEST = """\
@pytest.mark.atdm_scenario({scenario!r})
def test_{number}_{scenario}(note):
    pass
"""


@dataclass
class Suite:
    """Marked tests in a folder, and the database they run on. Each run writes down the rows that each test got."""

    folder: Path
    database_url: str

    def start(self, *options: str, notes: str, **environment: str) -> subprocess.Popen[str]:
        """Start pytest with *options*; its tests write the rows that they got below the folder *notes*."""
        (self.folder / notes).mkdir()
        inherited = bare_environment()
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
            cwd=self.folder,
            env={**inherited, **environment, "ATDM_DATABASE_URL": self.database_url, "NOTES": notes},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str, notes: str, **environment: str) -> dict[str, dict[str, object]]:
        """Run pytest, which must pass, and return the rows by test."""
        process = self.start(*options, notes=notes, **environment)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return self.read_notes(notes)

    def read_notes(self, notes: str) -> dict[str, dict[str, object]]:
        """Return what the tests of a run wrote down: entity to rows, by test."""
        texts = [json.loads(path.read_text()) for path in (self.folder / notes).iterdir()]
        return {text["test"]: text["rows"] for text in texts}

    def read_tables(self) -> Mapping[str, list[str]]:
        """Return every row of every table of the target as text, sorted."""
        return asyncio.run(_read_tables(self.database_url))


async def _read_tables(url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(url)
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    tables = {}
    for (name,) in names:
        rows = await connection.fetch(f'SELECT t::text FROM "{name}" t ORDER BY 1')  # noqa: S608
        tables[name] = [row[0] for row in rows]
    await connection.close()
    return tables


async def _prepare(url: str) -> None:
    """Migrate the database as its application would, mark it as a test database, and leave rows of its own in it."""
    connection = await asyncpg.connect(url)
    for path in sorted((folder("migrations") / "healthcare").glob("*.sql")):
        await connection.execute(path.read_text(encoding="utf-8"))
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'")
    await connection.execute(
        "INSERT INTO providers (npi, name, specialty, network_status, phone, state)"
        " VALUES ('9000000001', 'FAKE_Old', 'imaging', 'out_of_network', '555-0100', 'ZZ')"
    )
    await connection.close()


@pytest.fixture
def suite(tmp_path: Path, make_database: Callable[[str], str], request: pytest.FixtureRequest) -> Suite:
    """Fifty marked tests over all scenarios of the shipped catalog, on a database of their own."""
    names = sorted(path.stem for path in (folder("catalog") / "healthcare" / "scenarios").iterdir())
    chosen = [names[number % len(names)] for number in range(50)]
    tests = "\n\n".join(ONE_TEST.format(number=number, scenario=name) for number, name in enumerate(chosen))
    (tmp_path / "test_fifty.py").write_text(TESTS.format(tests=tests))
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    url = make_database(f"accept_{abs(hash(request.node.name)) % 10_000}")
    asyncio.run(_prepare(url))
    return Suite(tmp_path, url)
