"""The project's migrations outside of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Atdm

READER = "title: A reader\nintent: A reader.\nentities:\n  reader: {table: readers}\n"


def test_who_plans_brings_the_tables_up_to_date_and_who_reads_leaves_them(
    run_atdm: Atdm, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request has the tables made; the audit of it finds the run, though the migrations have changed meanwhile."""
    scenarios = open_folder / "catalog/library/scenarios"
    scenarios.mkdir(parents=True)
    (scenarios.parent / "domain.yaml").write_text("title: A library\n")
    (scenarios / "reader.yaml").write_text(READER)
    (open_folder / "sql").mkdir()
    (open_folder / "sql/1.sql").write_text("CREATE TABLE readers (id bigint PRIMARY KEY)")
    monkeypatch.chdir(open_folder)
    monkeypatch.setenv("ATDM_MIGRATIONS", "sql")

    requested = run_atdm("request", "reader", "--output", "json")
    (open_folder / "sql/1.sql").write_text("CREATE TABLE readers (id bigint PRIMARY KEY, name text)")
    audited = run_atdm("audit", requested.payload["run_id"])
    examined = run_atdm("doctor")

    assert (0, 0) == (requested.code, audited.code), requested.err + audited.err
    assert "seed_committed" in audited.out
    assert f"ok       migrations    {open_folder / 'sql'} (env ATDM_MIGRATIONS)" in examined.out
    assert "a test database with 1 tables" in examined.out
    assert 2 == run_atdm("audit", requested.payload["run_id"]).code, "the doctor has made the database anew"
