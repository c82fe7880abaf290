"""``atdm schema check``."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.cli.conftest import Atdm

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = itertools.count(1)

DDL = """
CREATE TABLE parent (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE child (parent_id integer PRIMARY KEY REFERENCES parent, kind text NOT NULL REFERENCES kinds);
CREATE TABLE kinds_wanted (n integer CONSTRAINT never CHECK (n IS NULL AND n IS NOT NULL));
CREATE TABLE told (child_id integer NOT NULL);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO told VALUES (coalesce(NEW.parent_id, OLD.parent_id)); RETURN NEW; END';
CREATE TRIGGER tells AFTER INSERT OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TABLE parted (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""
LOOKUP = "CREATE TABLE kinds (name text PRIMARY KEY CHECK (name IN ('a', 'b'))); INSERT INTO kinds VALUES ('a'), ('b');"


@pytest.fixture
def url(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database with the tables, which counts as a test database."""
    made = make_database(f"checked{next(_NUMBERS)}")

    async def fill() -> None:
        connection = await asyncpg.connect(made)
        await connection.execute(LOOKUP + DDL)
        await connection.close()

    asyncio.run(fill())
    monkeypatch.setenv("ATDM_ALLOW_DATABASES", urlsplit(made).path.removeprefix("/"))
    return made


def by_table(payload: Any) -> dict[str, dict[str, Any]]:
    """Return what is said of each table."""
    return {one["table"]: one for one in payload["tables"]}


def test_each_table_has_an_outcome_and_a_reason(atdm_alone: Atdm, url: str) -> None:
    """Partitions count as tables; what is refused names the constraint; triggers' rows go with the others."""
    outcome = atdm_alone("schema", "check", "--database-url", url, "--output", "json")

    found = by_table(outcome.payload)
    assert 0 == outcome.code
    assert {"planted": 5, "reused": 1, "refused": 1, "failed": 0} == outcome.payload["summary"]
    assert "reused" == found["public.kinds"]["outcome"]
    assert "refused" == found["public.kinds_wanted"]["outcome"]
    assert "never" in found["public.kinds_wanted"]["reason"]
    assert {"public.told": 1} == found["public.child"]["made_by_triggers"]
    assert {"row.kind": "public.kinds"} == found["public.child"]["reused"]
    assert {"public.parent": 1, "public.child": 1} == found["public.child"]["rows"]
    assert [] == [one for one in found.values() if one.get("residue")]
    assert "planted" == found["public.parted_2026"]["outcome"]


def test_a_commit_leaves_rows_and_relations_as_before(atdm_alone: Atdm, url: str) -> None:
    """With --commit each row is seeded and reset for good."""
    outcome = atdm_alone(
        "schema", "check", "--table", "child", "--table", "told", "--commit", "--database-url", url, "--output", "json"
    )

    found = by_table(outcome.payload)
    assert {"public.child", "public.told"} == found.keys()
    for one in found.values():
        assert ([], 0) == (one["committed"]["residue"], one["committed"]["relations"])


def test_people_read_a_table_and_a_sum(atdm_alone: Atdm, url: str) -> None:
    """A line for each table, and how many came out how."""
    outcome = atdm_alone("schema", "check", "--table", "parent", "--database-url", url)

    assert ["table          outcome  reason", "-------------  -------  ------", "public.parent  planted"] == (
        outcome.out.splitlines()[:3]
    )
    assert "1 planted, 0 reused, 0 refused, 0 failed" == outcome.out.splitlines()[-1]


def test_an_unknown_table_is_an_error(atdm_alone: Atdm, url: str) -> None:
    """The table that is misspelt is named, and one that is there suggested."""
    outcome = atdm_alone("schema", "check", "--table", "parents", "--database-url", url)

    assert 2 == outcome.code
    assert 'no table "parents"' in outcome.err
    assert 'did you mean "parent"' in outcome.err
    assert "schema_mismatch" in outcome.err
