"""Where the database refuses the first plan, another one of the same situation is found, or the refusal stands."""

from __future__ import annotations

import asyncio
import itertools
import json
import textwrap
from typing import TYPE_CHECKING
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

#: No state can be added; a ticket needs one. The default of urgency refers to a row that is not there.
DDL = """
CREATE TABLE states (name text PRIMARY KEY CHECK (name IN ('new', 'done')));
INSERT INTO states VALUES ('new'), ('done');
CREATE TABLE urgencies (n integer PRIMARY KEY);
CREATE TABLE tickets (
    id serial PRIMARY KEY,
    state text NOT NULL REFERENCES states,
    urgency integer NOT NULL DEFAULT 7 REFERENCES urgencies
);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
CREATE TABLE closed (id serial PRIMARY KEY);
CREATE TRIGGER refuses BEFORE INSERT ON closed FOR EACH ROW EXECUTE FUNCTION refuse();
"""
SUITE = """
    import asyncio, asyncpg
    from pytest_atdm import atdm_scenario

    async def fetch(url, sql):
        connection = await asyncpg.connect(url)
        found = [tuple(row) for row in await connection.fetch(sql)]
        await connection.close()
        return found

    @atdm_scenario("one_ticket")
    def test_it(atdm_data, atdm_database_url):
        rows = asyncio.run(fetch(atdm_database_url, "SELECT id, state, urgency FROM tickets"))
        assert [(atdm_data.ticket.id, atdm_data.ticket.state, atdm_data.ticket.urgency)] == rows
        assert atdm_data.ticket.state in ("new", "done")

    @atdm_scenario("many_tickets")
    def test_many(atdm_data, atdm_database_url):
        rows = asyncio.run(fetch(atdm_database_url, "SELECT count(*), count(DISTINCT state) FROM tickets"))
        assert [(1_500, 1)] == rows
        assert 1_500 == len(atdm_data.ticket)

    @atdm_scenario("closed_row")
    def test_refused(atdm_data): ...
"""
ROWS = "SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM states), (SELECT count(*) FROM urgencies)"


async def ask(url: str, sql: str) -> tuple[object, ...]:
    """Execute on a connection of its own and return the first row."""
    connection = await asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(sql) or ())
    finally:
        await connection.close()


@pytest.fixture
def url(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database with the tables, which counts as a test database."""
    made = make_database(f"refusing{next(_NUMBERS)}")

    async def fill() -> None:
        connection = await asyncpg.connect(made)
        await connection.execute(DDL)
        await connection.close()

    asyncio.run(fill())
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.setenv("ATDM_ALLOW_DATABASES", urlsplit(made).path.removeprefix("/"))
    return made


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog with two situations that can be planted and one that cannot."""
    folder = tmp_path / "catalog"
    entities = {
        "one_ticket": "ticket: {table: tickets}",
        "many_tickets": "ticket: {table: tickets, count: 1500}",
        "closed_row": "row: {table: closed}",
    }
    for name, entity in entities.items():
        path = folder / "help" / "scenarios" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"title: T\nintent: I.\nentities:\n  {entity}\n")
    (folder / "help" / "domain.yaml").write_text("title: Tickets\n")
    return folder


def test_the_test_gets_rows_that_the_database_takes(pytester: pytest.Pytester, url: str, catalog: Path) -> None:
    """A full list is referred to, a default without a row gets one; a trigger that never lets a row in is named."""
    pytester.makepyfile(textwrap.dedent(SUITE))

    settings = ("--atdm-database-url", url, "--atdm-catalog", str(catalog))
    # Else the root is the folder above both, where what later tests have in their folders is looked for too.
    result = pytester.runpytest_subprocess(f"--rootdir={pytester.path}", *settings, timeout=120)

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*never*", "*row_refused*"])
    assert (0, 2, 0) == asyncio.run(ask(url, ROWS))


def test_who_asks_over_http_gets_them_too(tmp_path: Path, url: str, catalog: Path) -> None:
    """A situation asked for by intent is planned in the seeder, and there as often as it takes."""
    sidecar = ensure_seeder(tmp_path / ".atdm", catalog=catalog, database_url=url, timeout_s=60)
    with httpx.Client(
        base_url=sidecar.address.url, headers={"Authorization": f"Bearer {sidecar.address.token}"}
    ) as http:
        answer = http.post("/test-data/requests", content=json.dumps({"scenario": "one_ticket"}), timeout=60)
        many = http.post("/test-data/requests", content=json.dumps({"scenario": "many_tickets"}), timeout=60)
        refused = http.post("/test-data/requests", content=json.dumps({"scenario": "closed_row"}), timeout=60)
        during = asyncio.run(ask(url, ROWS))
        for receipt in (many.json(), answer.json()):
            http.delete(
                f"/test-data/requests/{receipt['request_id']}",
                headers={"ATDM-Cleanup-Token": receipt["cleanup_token"]},
            )
    sidecar.close()

    assert 201 == answer.status_code
    assert (1_501, 2, 2) == during
    assert ("row_refused", True) == (refused.json()["code"], "never" in refused.json()["detail"])
    assert (0, 2, 0) == asyncio.run(ask(url, ROWS))
