"""What a restore leaves alone, and what a comparison does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.baseline import TableChanges
from seeder.db.restore import rewrite
from tests.baselines.shaped import read_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site

PAIR = (
    "CREATE TABLE p (id serial PRIMARY KEY, v text)",
    "CREATE TABLE c (id serial PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)",
    "INSERT INTO p (v) SELECT i FROM generate_series(1, 2000) i",
    "INSERT INTO c (p) SELECT i FROM generate_series(1, 2000) i",
)


def test_rows_that_are_the_same_are_not_written(make_site: Callable[..., Site]) -> None:
    """A row that is as then keeps its place and the transaction that wrote it."""
    site = make_site(*PAIR)
    site.take()
    before = {table: site.places(table) for table in ("p", "c")}
    site.execute("UPDATE p SET v = 'x' WHERE id = 7; DELETE FROM p WHERE id = 8; INSERT INTO p (v) VALUES ('new')")

    report = site.restore()

    after = {table: site.places(table) for table in ("p", "c")}
    moved = {table: [row for row in before[table] if before[table][row] != after[table][row]] for table in before}
    assert {"p": ["(7,7)", "(8,8)"], "c": ["(8,8)"]} == {table: sorted(rows) for table, rows in moved.items()}
    assert {
        "public.p": TableChanges(inserted=1, updated=1, deleted=1),
        "public.c": TableChanges(inserted=1, updated=0, deleted=0),
    } == report.tables
    assert ("public.p_id_seq",) == report.sequences


def test_restoring_twice_changes_nothing_the_second_time(make_site: Callable[..., Site]) -> None:
    """Where everything is as then, no table is written and no sequence is moved."""
    site = make_site(*PAIR)
    site.take()
    before = site.places("p")

    report = site.restore()

    assert before == site.places("p")
    assert not any(one.changes for one in report.tables.values())
    assert () == report.sequences


@pytest.mark.parametrize(("rows", "is_new"), [(rewrite.SCANNED_ROWS, False), (rewrite.SCANNED_ROWS + 1, True)])
def test_no_table_is_scanned_for_each_of_many_rows(make_site: Callable[..., Site], rows: int, *, is_new: bool) -> None:
    """A foreign key without an index is made anew where many rows go; the rows that refer are looked at once."""
    site = make_site(*PAIR)
    site.take()
    key = site.fetch("SELECT oid FROM pg_constraint WHERE conname = 'c_p_fkey'")
    site.execute("INSERT INTO p (v) SELECT 'new' FROM generate_series(1, $1::int)", rows)

    site.restore()

    assert is_new == (key != site.fetch("SELECT oid FROM pg_constraint WHERE conname = 'c_p_fkey'"))


def test_comparing_writes_nothing(make_site: Callable[..., Site]) -> None:
    """A comparison tells what a restore would do, and leaves rows, sequences, catalog and audit log as they are."""
    site = make_site(read_shape("forced_row_security")[0], *PAIR)
    site.take()
    site.execute(
        read_shape("forced_row_security")[1],
    )
    site.execute("DELETE FROM p WHERE id < 5; SELECT nextval('p_id_seq')")
    state, catalog, events = site.state(), site.catalog(), site.fetch("SELECT count(*) FROM atdm.audit_event")

    report = site.compare()

    assert {
        "public.c": TableChanges(inserted=4, updated=0, deleted=0),
        "public.p": TableChanges(inserted=4, updated=0, deleted=0),
        "public.t": TableChanges(inserted=1, updated=4, deleted=1),
    } == report.tables
    assert ("public.p_id_seq",) == report.sequences
    assert state == site.state()
    assert catalog == site.catalog()
    assert events == site.fetch("SELECT count(*) FROM atdm.audit_event")


def test_rows_of_another_server_are_compared_too(make_site: Callable[..., Site]) -> None:
    """Hashes of another major version of Postgres are not relied on: the rows themselves are compared."""
    site = make_site(*PAIR, read_shape("equal_rows_without_a_key")[0])
    manifest = site.take()
    state = site.state()
    site.execute("UPDATE p SET v = 'x' WHERE id = 7; DELETE FROM p WHERE id = 8; INSERT INTO p (v) VALUES ('new')")
    site.execute(read_shape("equal_rows_without_a_key")[1])

    report = site.restore_from(site.with_server(manifest, 13))

    assert state == site.state()
    assert TableChanges(inserted=1, updated=1, deleted=1) == report.tables["public.p"]


def test_progress_is_told(make_site: Callable[..., Site]) -> None:
    """Who asks for it is told of each table when it is compared, and when its rows are loaded."""
    site = make_site(*PAIR)
    site.take()
    site.execute("DELETE FROM c")
    told: list[tuple[str, str, int, int]] = []

    site.restore(progress=lambda *step: told.append(step))

    assert [
        ("public.c", "compare", 0, 2000),
        ("public.p", "compare", 0, 2000),
        ("public.c", "compare", 2000, 2000),
        ("public.p", "compare", 2000, 2000),
        ("public.c", "load", 2000, 2000),
        ("public.c", "load", 2000, 2000),
        ("", "commit", 0, 1),
    ] == told
