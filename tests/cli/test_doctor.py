"""``atdm doctor``: every check with its state and what to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Atdm


async def execute(url: str, statement: str) -> None:
    """Execute *statement* on a connection of its own."""
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def test_all_is_well(atdm: Atdm) -> None:
    """In a folder where all is in place every check is ok, and every scenario fits the database."""
    outcome = atdm("doctor", "--output", "json")

    assert outcome.err == ""
    problems = [check for check in outcome.payload["checks"] if check["state"] != "ok"]
    assert (problems, outcome.payload["ok"], outcome.code) == ([], True, 0)
    details = {check["name"]: check["detail"] for check in outcome.payload["checks"]}
    assert 'seeding and reset run as "atdm_seeder", connected as "tester"' == details["role"]
    assert [check["name"] for check in outcome.payload["checks"]] == [
        "versions", "url", "database_url", "catalog", "packages", "catalog", "seeder", "database", "role", "plans",
    ]  # fmt: skip


def test_all_is_well_for_people(atdm: Atdm) -> None:
    """One line per check."""
    lines = atdm("doctor").out.splitlines()

    assert {line.split()[0] for line in lines} == {"ok"}
    assert lines[1] == "ok       url           not given (default)"


def test_a_broken_scenario_is_named(atdm_alone: Atdm, tmp_path: Path) -> None:
    """A fault in the catalog is a problem with file and line, and the other checks go on."""
    folder = tmp_path / "catalog" / "shop" / "scenarios"
    folder.mkdir(parents=True)
    (folder.parent / "domain.yaml").write_text("title: A shop\nrules: {}\n")
    (folder / "odd.yaml").write_text("title: Odd\nintent: Odd.\nentitties: {}\n")

    outcome = atdm_alone("doctor", "--url", "http://127.0.0.1:9", "--output", "json")

    problems = [check for check in outcome.payload["checks"] if check["state"] == "problem"]
    assert [problem["name"] for problem in problems] == ["catalog", "seeder"]
    assert "shop/scenarios/odd.yaml:3" in problems[0]["detail"]
    assert problems[0]["detail"].endswith("[catalog_error]")
    assert all(problem["advice"] for problem in problems)


def test_a_role_that_may_do_more_than_its_work_is_a_warning(
    atdm_alone: Atdm, make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who works as an owner is told so, and what to do about it; that alone keeps nobody from working."""
    url = make_database("doctor")
    name = urlsplit(url).path[1:]
    login = f"{name}_owner"
    asyncio.run(execute(url, f"CREATE ROLE {login} LOGIN PASSWORD 'x'; GRANT CREATE ON DATABASE {name} TO {login}"))
    monkeypatch.setenv("ATDM_ALLOW_DATABASES", name)
    monkeypatch.setenv("ATDM_DATABASE_URL", f"postgresql://{login}:x@{url.rpartition('@')[2]}")

    outcome = atdm_alone("doctor", "--output", "json")

    (role,) = (check for check in outcome.payload["checks"] if check["name"] == "role")
    assert "warning" == role["state"]
    assert f'seeding and reset run as "{login}", an owner of tables: it may do more than that' == role["detail"]
    assert "atdm_seeder" in role["advice"]


def test_an_unreachable_seeder_is_a_problem(atdm_alone: Atdm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the setting came from is shown, nobody's answer is a problem, and the exit code says of which kind."""
    monkeypatch.setenv("ATDM_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ATDM_TOKEN", "token")

    outcome = atdm_alone("doctor")

    assert outcome.code == 3
    assert "ok       url           http://127.0.0.1:9 (env ATDM_URL)\n" in outcome.out
    assert "problem  seeder        the seeder at http://127.0.0.1:9 cannot be reached" in outcome.out
    assert "do: start the seeder at this address" in outcome.out


def test_a_password_is_not_shown(atdm_alone: Atdm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database URL is told by its source only."""
    monkeypatch.setenv("ATDM_DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:9/shop")

    outcome = atdm_alone("doctor")

    assert outcome.code == 3
    assert "hunter2" not in outcome.out + outcome.err
    assert "ok       database_url  given (env ATDM_DATABASE_URL)" in outcome.out


def test_a_wrong_setting_ends_the_checks(atdm_alone: Atdm) -> None:
    """Without settings nothing further can be checked, and the problem says which one."""
    outcome = atdm_alone("doctor", "--url", "localhost")

    assert outcome.code == 2
    assert outcome.out.splitlines()[1:] == [
        'problem  settings      --url: "localhost" is not an address of HTTP [setting_error]',
        "                       do: write it like http://127.0.0.1:8080",
    ]
