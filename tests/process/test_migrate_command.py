"""``atdm-seeder migrate``: what the owner of a database does once, so that others can seed there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from pytest_atdm.core.errors import SettingError
from seeder.__main__ import read_owners_settings
from seeder.ownership import describe
from seeder.records import Preparation

if TYPE_CHECKING:
    from collections.abc import Callable


def run_migrate(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing of ATDM in its environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATDM_", "PG"))}
    command = [sys.executable, "-m", "seeder", "migrate"]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False)


async def ask(url: str, statement: str) -> object:
    """Return the first value of what the database answers."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def test_a_database_is_made_ready_and_the_command_says_how(make_database: Callable[[str], str]) -> None:
    """Migrations and grants are named as they are done; a second time there is nothing to do."""
    url = make_database("to_migrate")
    name = url.rpartition("/")[2]
    asyncio.run(ask(url, "CREATE TABLE shelf (id serial PRIMARY KEY)"))

    first, second = (run_migrate(ATDM_OWNER_DATABASE_URL=url, ATDM_ALLOW_DATABASES=name) for _ in range(2))

    assert (0, "", 0, "") == (first.returncode, first.stderr, second.returncode, second.stderr)
    assert "migrations applied: 0001_runs_requests_ledger.sql, " in first.stdout
    assert "\n  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.shelf TO atdm_seeder;\n" in first.stdout
    assert second.stdout.splitlines() == [
        "migrations applied: none, they were all there",
        "rights granted: none, they were all there",
        "to seed here as a role with no more rights than that: GRANT atdm_seeder TO the role that connects",
    ]
    assert asyncio.run(ask(url, "SELECT has_table_privilege('atdm_reader', 'shelf', 'SELECT')"))


def test_it_migrates_test_databases_only(make_database: Callable[[str], str]) -> None:
    """A database without the mark is refused as it is to a seeder, and nothing is made there."""
    url = make_database("not_to_migrate")

    done = run_migrate(ATDM_DATABASE_URL=url)

    assert (2, "") == (done.returncode, done.stdout)
    assert "[not_a_test_database]" in done.stderr
    assert asyncio.run(ask(url, "SELECT to_regnamespace('atdm')")) is None


def test_the_owners_url_comes_first() -> None:
    """The option wins over the owner's variable, that over the target's; without any there is nothing to migrate."""
    target, owner = "postgresql://me@localhost/shop", "postgresql://owner@localhost/shop"
    both = {"ATDM_DATABASE_URL": target, "ATDM_OWNER_DATABASE_URL": owner}

    assert "here" == read_owners_settings(["migrate", "--database-url", "here"], both).database_url
    assert owner == read_owners_settings(["migrate"], both).database_url
    assert target == read_owners_settings(["migrate"], {"ATDM_DATABASE_URL": target}).database_url
    with pytest.raises(SettingError, match="no database to migrate") as caught:
        read_owners_settings(["migrate"], {})
    assert "ATDM_OWNER_DATABASE_URL" in caught.value.hint


def test_roles_that_somebody_else_has_to_make_are_named() -> None:
    """An owner who may make no roles is told the statements for one who may."""
    done = Preparation(applied=(), granted=(), lacking=("CREATE ROLE one", "CREATE ROLE two"))

    assert ["  CREATE ROLE one;", "  CREATE ROLE two;"] == list(describe(done))[-2:]
