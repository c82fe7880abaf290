"""``atdm doctor``: every check with its state and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Atdm


def test_all_is_well(atdm: Atdm) -> None:
    """In a folder where all is in place every check is ok, and every scenario fits the database."""
    outcome = atdm("doctor", "--output", "json")

    assert outcome.err == ""
    problems = [check for check in outcome.payload["checks"] if check["state"] != "ok"]
    assert (problems, outcome.payload["ok"], outcome.code) == ([], True, 0)
    assert [check["name"] for check in outcome.payload["checks"]] == [
        "versions", "url", "database_url", "catalog", "packages", "catalog", "seeder", "database", "plans",
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
