"""What the rules file says of a schema that somebody else wrote, on a real database."""

from __future__ import annotations

import asyncio
import itertools
import textwrap
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from pytest_atdm._options import OPTIONS
from pytest_atdm._sidecar import ensure_seeder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NUMBERS = itertools.count(1)

DDL = """
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE authors (
    id serial PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text,
    city text,
    country text NOT NULL REFERENCES countries
);
CREATE TABLE books (id serial PRIMARY KEY, author_code text NOT NULL, title text NOT NULL);
CREATE TABLE comments (id serial PRIMARY KEY, subject_type text NOT NULL, subject_id integer NOT NULL);
CREATE TABLE audit_log (id serial PRIMARY KEY, what text NOT NULL);
"""
DOMAIN = """
title: Books
columns:
  authors.code: {pattern: 'A-[0-9]{9}'}
  authors.name: {values: [Sample Ann, Sample Bo]}
  authors.city: {mimesis: address.city}
tables:
  countries: reference
  audit_log: untouched
references:
  - {table: books, columns: [author_code], to: authors, to_columns: [code]}
  - {table: comments, columns: [subject_id], by: subject_type, to: {author: authors.id, book: books.id}}
"""
SUITE = """
    import asyncio, asyncpg, re
    from pytest_atdm import atdm_scenario

    async def fetch(url, sql):
        connection = await asyncpg.connect(url)
        found = [tuple(row) for row in await connection.fetch(sql)]
        await connection.close()
        return found

    @atdm_scenario("two_authors")
    def test_values(atdm_data, atdm_database_url):
        rows = asyncio.run(fetch(atdm_database_url, "SELECT code, name, city, country FROM authors ORDER BY id"))
        assert [(one.code, one.name, one.city, one.country) for one in atdm_data.author] == rows
        codes, names, cities, countries = zip(*rows)
        assert len(set(codes)) == 2 and all(re.fullmatch("A-[0-9]{9}", code) for code in codes)
        assert set(names) <= {"Sample Ann", "Sample Bo"}
        assert all(cities)
        assert set(countries) <= {"XA", "XB"}

    @atdm_scenario("comment_on_a_book")
    def test_references(atdm_data, atdm_database_url):
        comment, book = atdm_data.comment, atdm_data.book
        assert (comment.subject_type, comment.subject_id) == ("book", book.id)
        asyncio.run(fetch(atdm_database_url, f"INSERT INTO books VALUES (DEFAULT, '{book.author_code}', 'by the app')"))
        asyncio.run(fetch(atdm_database_url, "INSERT INTO comments SELECT nextval('comments_id_seq'), 'book', id"
            " FROM books WHERE title = 'by the app'"))
        asyncio.run(fetch(atdm_database_url, f"INSERT INTO comments VALUES (DEFAULT, 'author', {book.id + 1000})"))
"""
REFUSED = """
    from pytest_atdm import atdm_scenario

    @atdm_scenario("new_country")
    def test_country(atdm_data): ...
"""
SCENARIOS = {
    "two_authors": "author: {table: authors, count: 2}",
    "comment_on_a_book": "book: {table: books}\n  comment: {table: comments, subject: $book}",
    "new_country": "home: {table: countries}",
}


def execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Execute on a connection of its own and return the rows."""

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(run())


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(DDL)
    await connection.close()


@pytest.fixture
def url(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database with the tables, which counts as a test database; no country stands there yet."""
    made = make_database(f"rules{next(_NUMBERS)}")
    asyncio.run(_fill(made))
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.setenv("ATDM_ALLOW_DATABASES", urlsplit(made).path.removeprefix("/"))
    return made


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The catalog of the books."""
    folder = tmp_path / "catalog"
    (folder / "books" / "scenarios").mkdir(parents=True)
    (folder / "books" / "domain.yaml").write_text(DOMAIN)
    for name, entity in SCENARIOS.items():
        path = folder / "books" / "scenarios" / f"{name}.yaml"
        path.write_text(f"title: T\nintent: I.\nentities:\n  {entity}\n")
    return folder


def test_a_test_gets_what_the_rules_file_says(pytester: pytest.Pytester, url: str, catalog: Path) -> None:
    """Values come from generators, countries stand there and stay, and rows go that refer without a foreign key."""
    execute(url, "INSERT INTO countries VALUES ('XA', 'A'), ('XB', 'B')")
    pytester.makepyfile(test_taken=textwrap.dedent(SUITE), test_refused=textwrap.dedent(REFUSED))
    options = (
        f"--rootdir={pytester.path}",
        "--continue-on-collection-errors",
        "--atdm-database-url",
        url,
        "--atdm-catalog",
        str(catalog),
    )

    result = pytester.runpytest_subprocess(*options, timeout=120)

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(['*new_country.yaml:4: entity "home"*are reference data: none is made*'])
    assert [(0, 0)] == execute(url, "SELECT (SELECT count(*) FROM authors), (SELECT count(*) FROM books)")
    assert [("author",)] == execute(url, "SELECT subject_type FROM comments")
    assert [("XA",), ("XB",)] == execute(url, "SELECT code FROM countries ORDER BY 1")


def test_who_asks_over_http_gets_it_too(tmp_path: Path, url: str, catalog: Path) -> None:
    """A situation that is planned in the seeder sees the rows that stand there at that moment."""
    sidecar = ensure_seeder(tmp_path / ".atdm", catalog=catalog, database_url=url, timeout_s=60)
    token = {"Authorization": f"Bearer {sidecar.address.token}"}
    with httpx.Client(base_url=sidecar.address.url, headers=token, timeout=60) as http:
        empty = http.post("/test-data/requests", json={"scenario": "two_authors"})
        execute(url, "INSERT INTO countries VALUES ('XC', 'C')")
        answer = http.post("/test-data/requests", json={"scenario": "two_authors"})
        during = execute(url, "SELECT country FROM authors")
    sidecar.close()

    assert ("plan_impossible", True) == (empty.json()["code"], "no other row of it stands" in empty.json()["detail"])
    assert (201, [("XC",), ("XC",)]) == (answer.status_code, during)
