"""``atdm init``, and the tests that run on what it wrote."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from pytest_atdm._catalog import open_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.cli.conftest import Atdm, Outcome

SCHEMAS: Final = Path(__file__).with_name("schemas")
PYTEST_TIMEOUT_S: Final = 120


def ask(url: str, *statements: str) -> list[Any]:
    """Have the database at *url* do what *statements* say, and return the rows of the last."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    return asyncio.run(run())


@dataclass(frozen=True, slots=True)
class Project:
    """An empty folder, and a database with tables that nothing has been said about."""

    folder: Path
    url: str
    name: str
    atdm: Atdm

    def init(self, *words: str) -> Outcome:
        """Run ``atdm init`` in the folder."""
        return self.atdm("init", "--database-url", self.url, "--domain", self.name, "--as-of", "2026-03-31", *words)

    def read(self, path: str) -> str:
        """Return the text of a file of the folder."""
        return (self.folder / path).read_text(encoding="utf-8")

    def read_files(self) -> dict[str, str]:
        """Return the text of all files that were written, by path."""
        paths = [path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()]
        return {str(path): self.read(str(path)) for path in sorted(paths) if path.parts[0] != ".atdm"}

    def read_rows(self) -> dict[str, list[str]]:
        """Return every row of every table as text."""
        tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('atdm', 'pg_catalog', 'information_schema')"
        names = [f'"{schema}"."{table}"' for schema, table in ask(self.url, tables)]
        return {name: [row[0] for row in ask(self.url, f"SELECT t::text FROM {name} t ORDER BY 1")] for name in names}  # noqa: S608

    def run_pytest(self, *words: str) -> str:
        """Run pytest in the folder in a process of its own, see that it passes, and return what it said."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATDM_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
            cwd=self.folder,
            env={**kept, "ATDM_DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=PYTEST_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def target_urls(make_database: Callable[[str], str]) -> dict[str, str]:
    """The databases of this module by name of their schema; tests leave no rows there."""
    urls = {path.stem: make_database(path.stem) for path in SCHEMAS.glob("*.sql")}
    for name, url in urls.items():
        mark = f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET atdm.test_database = 'on'"
        ask(url, (SCHEMAS / f"{name}.sql").read_text(encoding="utf-8"), mark, "SELECT 1")
    return urls


@pytest.fixture
def lending(atdm_alone: Atdm, tmp_path: Path, target_urls: dict[str, str]) -> Iterator[Project]:
    """A project on a plain schema: people, things, dates, an enum, a list of values."""
    yield from _make_project("lending", atdm_alone, tmp_path, target_urls)


@pytest.fixture
def planning(atdm_alone: Atdm, tmp_path: Path, target_urls: dict[str, str]) -> Iterator[Project]:
    """A project on an awkward schema: two namespaces, a circle, composite keys, full lookups, misleading names."""
    yield from _make_project("planning", atdm_alone, tmp_path, target_urls)


def _make_project(name: str, atdm: Atdm, folder: Path, urls: dict[str, str]) -> Iterator[Project]:
    project = Project(folder, urls[name], name, atdm)
    before = project.read_rows()
    yield project
    assert project.read_rows() == before, "nothing is left behind"


def test_a_test_passes_on_what_was_written(lending: Project) -> None:
    """From an empty folder to a marked test that passes it takes one command, and the rows are gone afterwards."""
    outcome = lending.init()

    assert (outcome.code, outcome.err) == (0, "")
    said = lending.run_pytest("--atdm-as-of", "2026-03-31")
    assert "1 passed" in said
    assert "1 request, 3 rows seeded, 3 removed" in said


@pytest.mark.parametrize("name", ["lending", "planning"])
def test_every_scenario_is_planted(request: pytest.FixtureRequest, name: str) -> None:
    """Not only the first: a test per scenario passes, on plain and on awkward schemas."""
    project: Project = request.getfixturevalue(name)
    ids = [one["scenario"] for one in project.init("--output", "json").payload["scenarios"]]
    marks = [f"@atdm_scenario({id!r})\ndef test_{id}_too(atdm_data):\n    assert len(atdm_data.rows({id!r}[4:]))\n" for id in ids]
    body = "\n\n".join(mark.replace(f"rows({id!r}[4:])", "rows(next(iter(atdm_data)))") for id, mark in zip(ids, marks, strict=True))
    (project.folder / "test_all.py").write_text(f"from pytest_atdm import atdm_scenario\n\n\n{body}")

    assert f"{len(ids) + 1} passed" in project.run_pytest()
