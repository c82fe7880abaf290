"""All the way: out of the tables into a store, and back into tables that somebody has bent meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from seeder.baselines.restoring import restore_baseline
from seeder.baselines.taking import take_baseline
from seeder.store.local import LocalStore
from seeder.store.places import open_store
from seeder.store.port import Store
from tests.baselines.site import Site
from tests.baselines.test_types import CASES, MADE, WITHOUT_BINARY
from tests.database.world import RUN, settings
from tests.store.server import S3Server

MakeSite = Callable[..., Site]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    """An S3 server of this module."""
    with tempfile.TemporaryDirectory(prefix="atdm-s3-") as folder, S3Server(Path(folder)) as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def kept_in(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn."""
    if request.param == "folder":
        return LocalStore(tmp_path / "kept")
    server: S3Server = request.getfixturevalue("s3_server")
    return open_store(server.place("round-trip"))


def make_tables() -> Iterator[str]:
    """Yield the statements that make a table for each type, with all its cases and NULL."""
    yield from MADE
    for number, (kind, cases) in enumerate(CASES.items()):
        values = ", ".join(f"({place}, ({value})::{kind})" for place, value in enumerate(cases))
        null = "" if kind == "some_texts" else ", (-1, NULL)"
        yield f"CREATE TABLE of_{number} (n int PRIMARY KEY, v {kind})"
        yield f"INSERT INTO of_{number} VALUES {values}{null}"  # noqa: S608


def read_tables(site: Site) -> list[list[tuple[object, ...]]]:
    """Every row of each of these tables, its value as text and, where it has one, in binary."""
    found = []
    for number, kind in enumerate(CASES):
        binary = "''" if kind in WITHOUT_BINARY else "record_send(ROW(v))"
        rows = site.wait(site.sut.fetch(f"SELECT n, v::text, {binary} FROM of_{number} ORDER BY n"))  # noqa: S608
        found.append([tuple(row) for row in rows])
    return found


def test_every_type_comes_back_bit_by_bit(make_site: MakeSite, kept_in: Store) -> None:
    """Whatever store it was in: after rows of each table changed, went and came, all values are what they were."""
    site = make_site(*make_tables())
    before = read_tables(site)
    kept = site.wait(take_baseline(settings(site.url), kept_in, "typed", actor="tests"))
    for number in range(len(CASES)):
        site.execute(
            f"UPDATE of_{number} SET n = n + 100 WHERE n > 0; DELETE FROM of_{number} WHERE n = 0;"  # noqa: S608
            f"INSERT INTO of_{number} SELECT 7, v FROM of_{number} LIMIT 1"
        )

    site.shelf = type(site.shelf)(kept_in)
    report = site.wait(restore_baseline(settings(site.url), site.shelf, kept, run_id=RUN))

    assert before == read_tables(site)
    assert len(CASES) <= sum(1 for one in report.tables.values() if one.changes)


def test_each_of_twenty_taken_beside_writers_is_restored(make_site: MakeSite) -> None:
    """Whatever moment it is of, its rows come back whole: sums hold, and each parent has its children."""
    site = make_site(
        "CREATE TABLE account (id int PRIMARY KEY, amount int)",
        "INSERT INTO account SELECT i, 100 FROM generate_series(1, 50) i",
        "CREATE TABLE z_parent (id serial PRIMARY KEY)",
        "CREATE TABLE a_child (id serial PRIMARY KEY, parent int NOT NULL REFERENCES z_parent)",
    )
    over = threading.Event()
    writers = [threading.Thread(target=asyncio.run, args=(_write(site.url, over, number),)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        taken = [site.take(f"moment-{number}") for number in range(20)]
    finally:
        over.set()
        for writer in writers:
            writer.join()

    contents = set()
    for manifest in taken:
        site.restore_from(manifest)
        assert 5_000 == site.fetch("SELECT sum(amount) FROM account")
        assert 0 == site.fetch(
            "SELECT count(*) FROM z_parent p WHERE 2 <> (SELECT count(*) FROM a_child WHERE parent = p.id)"
        )
        rows = {table.table: table.rows for table in manifest.tables}
        assert rows["public.z_parent"] == site.fetch("SELECT count(*) FROM z_parent")
        contents.add(manifest.content)
    assert len(contents) > 10


async def _write(url: str, over: threading.Event, number: int) -> None:
    connection = await asyncpg.connect(url)
    place = number
    while not over.is_set():
        place += 7
        async with connection.transaction():
            for id, change in sorted(((1 + place % 50, -5), (1 + (place * 3 + 1) % 50, 5))):
                await connection.execute("UPDATE account SET amount = amount + $2 WHERE id = $1", id, change)
        async with connection.transaction():
            parent = await connection.fetchval("INSERT INTO z_parent DEFAULT VALUES RETURNING id")
            await connection.execute("INSERT INTO a_child (parent) VALUES ($1), ($1)", parent)
    await connection.close()
