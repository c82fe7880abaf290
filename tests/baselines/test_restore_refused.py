"""When a restore is refused, it says why, and nothing has changed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import (
    BaselineDamaged,
    Conflict,
    DatabaseBusy,
    LeaseLost,
    NotFound,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    SettingError,
)
from tests.database.world import log_in, make_member

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.baselines.site import Site

TABLES = (
    "CREATE TABLE p (id int PRIMARY KEY, v text); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)",
    "INSERT INTO p SELECT i, i FROM generate_series(1, 5) i; INSERT INTO c SELECT i, i FROM generate_series(1, 5) i",
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE c", 'there is no table "public.c"'),
        ("ALTER TABLE p DROP v", 'table "public.p" has no column "v"'),
        ("ALTER TABLE p ADD w int", 'table "public.p" has a new column "w"'),
        (
            "ALTER TABLE p ALTER v TYPE varchar(9)",
            'column "v" of table "public.p" is character varying(9), and was text',
        ),
        ("CREATE TABLE other ()", 'table "public.other" is new'),
    ],
)
def test_other_tables_are_refused(make_site: Callable[..., Site], change: str, words: str) -> None:
    """A table or column that has gone, come or changed since is named."""
    site = make_site(*TABLES)
    site.take()
    site.execute(change)

    with pytest.raises(SchemaMismatch, match="is of other tables") as refused:
        site.restore()

    assert words in refused.value.message
    assert refused.value.hint == "bring the tables to where they were, or take the baseline anew"


def test_sequence_that_has_gone_is_named(make_site: Callable[..., Site]) -> None:
    """A sequence of the baseline that is not there any more is named."""
    site = make_site(*TABLES, "CREATE SEQUENCE s")
    site.take()
    site.execute("DROP SEQUENCE s")

    with pytest.raises(SchemaMismatch, match=r'there is no sequence "public\.s"') as refused:
        site.restore()

    assert refused.value.hint == "bring the tables to where they were, or take the baseline anew"


def test_role_that_owns_nothing_is_told_whose_rights_it_takes(make_site: Callable[..., Site]) -> None:
    """Whoever does not own the tables is told the owner, and the variable, before anything is done."""
    site = make_site(*TABLES)
    manifest = site.take()
    make_member(site, "no_owner", "atdm_seeder")
    site.execute("DELETE FROM c")
    state = site.state()

    with pytest.raises(SettingError, match='restoring needs the rights of the role "') as refused:
        site.restore_from(manifest, url=log_in(site.url, "no_owner"))

    assert "ATDM_OWNER_DATABASE_URL" in refused.value.hint
    assert state == site.state()


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_rows_of_other_tables_are_not_left_dangling_nor_taken(make_site: Callable[..., Site], action: str) -> None:
    """A row that a table beyond the baseline refers to stays: the foreign key that refuses it is named."""
    site = make_site(*TABLES)
    manifest = site.take()
    site.execute(f"CREATE TABLE beyond (p int CONSTRAINT to_p REFERENCES p {action})")
    site.execute("INSERT INTO p VALUES (9, '9'); INSERT INTO beyond VALUES (9)")
    state = site.state()

    with pytest.raises(RowRefused, match="to_p") as refused:
        site.restore_from(dataclasses.replace(manifest, whole=False))

    assert refused.value.hint
    assert state == site.state()


def test_row_that_a_newer_constraint_forbids_is_refused(make_site: Callable[..., Site]) -> None:
    """A check or a unique key that has come since, and that rows of then break, is named."""
    site = make_site(*TABLES)
    site.take()
    site.execute("DELETE FROM c WHERE id = 5; ALTER TABLE c ADD CONSTRAINT small CHECK (id < 5)")
    state = site.state()

    with pytest.raises(RowRefused, match='constraint "small"'):
        site.restore()

    site.execute("ALTER TABLE c DROP CONSTRAINT small; ALTER TABLE c ADD k int GENERATED ALWAYS AS (id / 4) STORED")
    site.execute("DELETE FROM c WHERE id <> 4; ALTER TABLE c ADD CONSTRAINT one UNIQUE (k)")
    with pytest.raises(RowConflict, match='constraint "one"'):
        site.restore()
    assert state["p"] == site.state()["p"]


def test_who_holds_a_table_is_waited_for_so_long(make_site: Callable[..., Site]) -> None:
    """Where the application keeps a transaction open on the rows, the restore gives up and changes nothing."""
    site = make_site(*TABLES)
    site.take()
    site.execute("DELETE FROM c")
    state = site.state()
    site.execute("BEGIN; UPDATE p SET v = v")

    with pytest.raises(DatabaseBusy, match=r"locked for 200 ms; held by process \d+ .* on public\.p") as refused:
        site.restore(lock_timeout_ms=200)

    assert "transaction" in refused.value.hint
    site.execute("ROLLBACK")
    assert state == site.state()


def test_damaged_file_is_refused(make_site: Callable[..., Site]) -> None:
    """A file that is not what was written is named, and nothing has changed."""
    site = make_site(*TABLES)
    manifest = site.take()
    site.execute("DELETE FROM c")
    state = site.state()
    with site.store.reading(manifest.tables[0].file) as path:
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(BaselineDamaged) as refused:
        site.restore()

    assert "take" in refused.value.hint
    assert state == site.state()


def test_run_must_be_there_and_active(make_site: Callable[..., Site]) -> None:
    """The event has to stand in the log of an active run: otherwise nothing is restored."""
    site = make_site(*TABLES)
    site.take()
    site.execute("DELETE FROM c")
    state = site.state()

    with pytest.raises(NotFound):
        site.restore(run_id="01NOBODY", force=True)
    site.wait(site.database.reset_run("01RUN"))
    with pytest.raises((Conflict, LeaseLost)):
        site.restore()

    assert state == site.state()
