"""The suite with pytest-postgresql: each test has its own clone of a database with tables and codes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql import factories

from tests.bench.peers.rows import make_rows

TESTS = int(os.environ["BENCH_TESTS"])
URL = urlsplit(os.environ["BENCH_DATABASE_URL"])

server = factories.postgresql_noproc(
    host=URL.hostname,
    port=URL.port,
    user=URL.username,
    password=URL.password,
    dbname="bench_suite",
    load=[Path(name) for name in os.environ["BENCH_SQL"].split(":")],
)
database = factories.postgresql("server")


@pytest.fixture
def claim(database: psycopg.Connection[Any]) -> str:
    """The number of a denied claim with its member, coverage, plan and provider."""
    allotted: dict[str, int] = {}
    rows = make_rows()
    for table, values in rows.items():
        if table == "eligibility":
            values["plan_id"] = allotted["plans"]
        if table == "claims":
            values["eligibility_id"] = allotted["eligibility"]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        allotted[table] = database.execute(statement, list(values.values())).fetchall()[0][0]
    database.commit()
    return str(rows["claims"]["claim_number"])


@pytest.mark.parametrize("number", range(TESTS))
def test_claim(claim: str, database: psycopg.Connection[Any], number: int) -> None:
    """The claim stands, committed."""
    found = database.execute("SELECT status FROM claims WHERE claim_number = %s", [claim])
    assert found.fetchone() == ("denied",)
