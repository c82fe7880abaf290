"""Taking a baseline: what is in it, that it is one moment, and that it is whole or not there."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from pytest_atdm.core.errors import Conflict, DatabaseBusy, InvalidRequest, NotFound, SettingError, StoreUnavailable
from seeder.baselines import object_names, taking
from seeder.baselines.manifest import StoredColumn, StoredSequence
from seeder.baselines.shelf import Shelf
from seeder.baselines.taking import take_baseline
from seeder.store.local import LocalStore
from tests.baselines.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from seeder.baselines.manifest import Manifest

    MakeSource = Callable[..., Source]

ROOT = Path(__file__).parents[2]


def rows_of(manifest: Manifest) -> dict[str, int]:
    """The number of rows by table."""
    return {table.table: table.rows for table in manifest.tables}


def read_back(source: Source, store: LocalStore, manifest: Manifest, table: str) -> list[tuple[Any, ...]]:
    """The rows of the table as the baseline has them."""
    stored = next(one for one in manifest.tables if one.table == table)
    columns = ", ".join(f'"{column.name}" {column.type}' for column in stored.columns)
    source.execute(f"DROP TABLE IF EXISTS back; CREATE TABLE back ({columns})")
    source.load(store, stored, "back")
    return source.fetch("SELECT * FROM back ORDER BY 1")


def test_all_tables_and_sequences_are_in_it(make_source: MakeSource, store: LocalStore) -> None:
    """Leaf partitions, heirs, parents, tables of other schemas and odd names are each there with their own rows."""
    source = make_source(
        'CREATE SCHEMA "Other.x"; CREATE TABLE "Other.x"."T ""1""" ("a.b" int, " " int)',
        "CREATE TABLE parent (id serial, doubled int GENERATED ALWAYS AS (id * 2) STORED, note text)",
        "CREATE TABLE heir (more int) INHERITS (parent)",
        "CREATE TABLE parts (id int, kind text) PARTITION BY LIST (kind)",
        "CREATE TABLE part_a (kind text, id int); ALTER TABLE parts ATTACH PARTITION part_a FOR VALUES IN ('a')",
        "CREATE TABLE part_b PARTITION OF parts FOR VALUES IN ('b') PARTITION BY RANGE (id)",
        "CREATE TABLE part_b1 PARTITION OF part_b DEFAULT",
        "CREATE UNLOGGED TABLE nothing (); INSERT INTO nothing DEFAULT VALUES",
        "CREATE SEQUENCE free START 5; CREATE SEQUENCE used; SELECT nextval('used')",
        "CREATE SCHEMA atdm; CREATE TABLE atdm.own (id serial)",
        "INSERT INTO parent (note) VALUES ('x'); INSERT INTO heir (note, more) VALUES ('y', 1), ('z', 2)",
        "INSERT INTO parts VALUES (1, 'a'), (2, 'b')",
    )

    manifest = source.take(store, "all")

    expected = {
        'Other.x.T "1"': 0, "public.heir": 2, "public.nothing": 1, "public.parent": 1, "public.part_a": 1,
        "public.part_b1": 1,
    }  # fmt: skip
    assert expected == rows_of(manifest)
    assert (6, True) == (manifest.rows, manifest.whole)
    tables = {table.table: table.columns for table in manifest.tables}
    assert (StoredColumn(name="kind", type="text"), StoredColumn(name="id", type="integer")) == tables["public.part_a"]
    assert ["id", "note"] == [column.name for column in tables["public.parent"]]
    assert (
        StoredSequence(sequence="public.free", value=5, is_called=False),
        StoredSequence(sequence="public.parent_id_seq", value=3, is_called=True),
        StoredSequence(sequence="public.used", value=1, is_called=True),
    ) == manifest.sequences
    assert manifest == Shelf(store).read("all")
    assert [(2, "y", 1), (3, "z", 2)] == read_back(source, store, manifest, "public.heir")


def test_equal_states_have_equal_content(make_source: MakeSource, store: LocalStore) -> None:
    """The order in which rows lie does not count; a value, how often a row is there, and where sequences stand do."""
    source = make_source(
        "CREATE TABLE plain (a int, b text); INSERT INTO plain VALUES (1, 'x'), (1, 'x'), (2, ''), (3, NULL)",
        "CREATE SEQUENCE free",
    )
    first = source.take(store, "first").content
    source.execute("UPDATE plain SET b = b WHERE a = 1", "VACUUM FULL plain")

    assert first == source.take(store, "again").content
    changes = (
        "UPDATE plain SET b = NULL WHERE a = 2",
        "UPDATE plain SET b = '' WHERE a = 2; INSERT INTO plain VALUES (1, 'x')",
        "DELETE FROM plain WHERE a = 1",
        "SELECT setval('free', 1, true)",
        "SELECT setval('free', 2, true)",
        "ALTER TABLE plain ALTER b TYPE varchar",
    )
    seen = [first]
    for number, change in enumerate(changes):
        source.execute(change)
        seen.append(source.take(store, f"changed-{number}").content)
    assert len(seen) == len(set(seen))


def test_each_is_one_moment(make_source: MakeSource, store: LocalStore) -> None:
    """While others move amounts between rows and add parents with children, each of twenty holds the invariant."""
    source = make_source(
        "CREATE TABLE account (id int PRIMARY KEY, amount int)",
        "INSERT INTO account SELECT i, 100 FROM generate_series(1, 50) i",
        "CREATE TABLE a_child (id serial, parent int); CREATE TABLE z_parent (id serial PRIMARY KEY)",
        "ALTER TABLE a_child ADD FOREIGN KEY (parent) REFERENCES z_parent",
    )
    over = threading.Event()
    writers = [threading.Thread(target=asyncio.run, args=(_write(source.url, over, number),)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        taken = [source.take(store, f"moment-{number}") for number in range(20)]
    finally:
        over.set()
        for writer in writers:
            writer.join()

    for manifest in taken:
        accounts = read_back(source, store, manifest, "public.account")
        parents = {row[0] for row in read_back(source, store, manifest, "public.z_parent")}
        children = read_back(source, store, manifest, "public.a_child")
        assert 5000 == sum(amount for _, amount in accounts)
        assert sorted(parents) == sorted({parent for _, parent in children})
        assert 2 * len(parents) == len(children)
        positions = {one.sequence: one.value for one in manifest.sequences}
        assert max(parents, default=0) <= positions["public.z_parent_id_seq"]
    assert len({manifest.content for manifest in taken}) > 1


async def _write(url: str, over: threading.Event, number: int) -> None:
    connection = await asyncpg.connect(url)
    place = number
    while not over.is_set():
        place += 7
        async with connection.transaction():
            changes = ((1 + place % 50, -5), (1 + (place * 3 + 1) % 50, 5))
            for account, change in sorted(changes):  # in one order, or two writers wait for each other
                await connection.execute("UPDATE account SET amount = amount + $2 WHERE id = $1", account, change)
        async with connection.transaction():
            parent = await connection.fetchval("INSERT INTO z_parent DEFAULT VALUES RETURNING id")
            await connection.execute("INSERT INTO a_child (parent) VALUES ($1), ($1)", parent)
    await connection.close()


def test_progress_is_told(make_source: MakeSource, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is told how many rows of which table are done, and how many Postgres expects."""
    source = make_source("CREATE TABLE t AS SELECT generate_series(1, 100000) AS i; ANALYZE t")
    monkeypatch.setattr(taking, "_FIRST_BLOCK_BYTES", 100_000)
    told: list[tuple[str, int, int]] = []

    source.take(store, "told", progress=lambda *what: told.append(what))

    assert {("public.t", 100_000)} == {(table, expected) for table, _, expected in told}
    assert sorted(told) == told
    assert 100_000 == told[-1][1]
    assert len(told) > 3


def test_a_name_is_given_once(make_source: MakeSource, store: LocalStore) -> None:
    """A baseline is never written over."""
    source = make_source("CREATE TABLE t (id int)")
    source.take(store, "once")
    before = store.names("baselines/")

    with pytest.raises(Conflict) as caught:
        source.take(store, "once")

    assert "drop it first, or choose another name" == caught.value.hint
    assert before == store.names("baselines/")


def test_of_two_who_take_one_name_at_once_one_gets_it(make_source: MakeSource, store: LocalStore) -> None:
    """The later one is refused and removes what is his; the other's baseline is whole."""
    source = make_source("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i")

    async def take_twice() -> list[Manifest | BaseException]:
        attempts = [take_baseline(source.settings, store, "one", actor=f"a{number}") for number in range(4)]
        return await asyncio.gather(*attempts, return_exceptions=True)

    outcomes = asyncio.run(take_twice())

    (manifest,) = (one for one in outcomes if not isinstance(one, BaseException))
    assert 3 == len([one for one in outcomes if isinstance(one, Conflict)])
    assert manifest == Shelf(store).read("one")
    assert ("baselines/one/manifest.json",) == tuple(n for n in store.names("baselines/") if n not in _files(manifest))
    with Shelf(store).open_file(manifest.tables[0]) as path:
        assert path.is_file()


def _files(manifest: Manifest) -> set[str]:
    return {table.file for table in manifest.tables}


class _LameStore(LocalStore):
    """A store that fails with the object number *point*, before or after it stands."""

    def __init__(self, folder: Path, point: int) -> None:
        super().__init__(folder)
        self.point = point

    def create(self, name: str, source: Path) -> bool:
        self._pass()
        made = super().create(name, source)
        self._pass()
        return made

    def create_bytes(self, name: str, body: bytes) -> bool:
        self._pass()
        made = super().create_bytes(name, body)
        self._pass()
        return made

    def _pass(self) -> None:
        self.point -= 1
        if self.point == -1:
            raise StoreUnavailable("away", hint="wait")


@pytest.mark.parametrize("point", range(6))
def test_a_failure_of_the_store_leaves_a_whole_baseline_or_none(
    make_source: MakeSource, tmp_path: Path, point: int
) -> None:
    """Wherever the store gives up, there is no baseline; unless it was the answer to the last step that was lost."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)")
    store = _LameStore(tmp_path / "store", point)

    with pytest.raises(StoreUnavailable) as caught:
        source.take(store, "lame")

    assert "wait" == caught.value.hint
    is_there = point == 5
    assert (("lame",) if is_there else ()) == Shelf(store).list_names()
    # Before the manifest's turn everything is removed; from then on nobody knows, and its files must stay.
    assert (point >= 4) == bool([name for name in store.names("baselines/") if name.endswith("parquet")])
    if is_there:
        for table in Shelf(store).read("lame").tables:
            with Shelf(store).open_file(table):
                pass


@pytest.mark.parametrize("point", range(6))
def test_a_kill_leaves_a_whole_baseline_or_none(
    make_source: MakeSource, store: LocalStore, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    """Whoever is killed leaves nothing that is in the way, and what he left goes when it is old."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)")
    command = [sys.executable, "-m", "tests.baselines.killed", source.url, store.place, "killed", str(point)]

    assert -signal.SIGKILL == subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode

    shelf = Shelf(store)
    if point < 5:
        assert () == shelf.list_names()
        left = store.names("baselines/")
        source.take(store, "killed")
        assert set(left) <= set(store.names("baselines/"))
    manifest = shelf.read("killed")
    for table in manifest.tables:
        with shelf.open_file(table):
            pass
    monkeypatch.setattr(object_names, "ABANDONED_S", -60)
    shelf.sweep("killed")
    assert {*_files(manifest), "baselines/killed/manifest.json"} == set(store.names("baselines/"))
    shelf.drop("killed")
    assert () == store.names("baselines/")


class _SlowStore(LocalStore):
    """A store that waits before it makes the object whose name ends with *slow*."""

    def __init__(self, folder: Path, slow: str) -> None:
        super().__init__(folder)
        self._slow = slow
        self.reached, self.go_on = threading.Event(), threading.Event()

    def create(self, name: str, source: Path) -> bool:
        self._wait(name)
        return super().create(name, source)

    def create_bytes(self, name: str, body: bytes) -> bool:
        self._wait(name)
        return super().create_bytes(name, body)

    def _wait(self, name: str) -> None:
        if name.endswith(self._slow):
            self.reached.set()
            assert self.go_on.wait(60)


@pytest.mark.parametrize(("slow", "left"), [("1.parquet", ()), ("manifest.json", ("slow",))])
def test_who_is_cancelled_leaves_nothing_half(
    make_source: MakeSource, tmp_path: Path, slow: str, left: tuple[str, ...]
) -> None:
    """A cancelled one waits for the store to end, then removes its files; or the baseline is there, and whole."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    store = _SlowStore(tmp_path / "store", slow)

    async def cancel() -> None:
        task = asyncio.create_task(take_baseline(source.settings, store, "slow", actor="a"))
        await asyncio.to_thread(store.reached.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        store.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert left == Shelf(store).list_names()
    assert (3 if left else 0) == len(store.names("baselines/"))


def test_tables_are_not_changed_meanwhile(make_source: MakeSource, tmp_path: Path) -> None:
    """Whoever wants to drop a table waits until the baseline is taken; rows can be written."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO b VALUES (1)")
    store = _SlowStore(tmp_path / "store", "0.parquet")

    async def change() -> Manifest:
        task = asyncio.create_task(take_baseline(source.settings, store, "still", actor="a"))
        await asyncio.to_thread(store.reached.wait, 60)
        connection = await asyncpg.connect(source.url)
        await connection.execute("SET lock_timeout = '50ms'; INSERT INTO b VALUES (2)")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await connection.execute("DROP TABLE b")
        await connection.close()
        store.go_on.set()
        return await task

    assert {"public.a": 0, "public.b": 1} == rows_of(asyncio.run(change()))


def test_a_table_that_somebody_holds_is_waited_for_in_bounded_time(make_source: MakeSource, store: LocalStore) -> None:
    """Who changes a table keeps a baseline from being taken, which says so."""
    source = make_source("CREATE TABLE a (id int)")

    async def hold() -> None:
        connection = await asyncpg.connect(source.url)
        await connection.execute("BEGIN; LOCK TABLE a")
        with pytest.raises(DatabaseBusy) as caught:
            await take_baseline(_with(source, lock_timeout_ms=50), store, "held", actor="a")
        assert "end it and try again" in caught.value.hint
        await connection.close()

    asyncio.run(hold())
    assert () == store.names("baselines/")


def _with(source: Source, **changes: Any) -> Any:
    return dataclasses.replace(source.settings, **changes)


def test_rows_that_the_role_may_not_see_are_named(make_source: MakeSource, store: LocalStore) -> None:
    """Without the right to all rows of all tables and to sequences there is no baseline, rather than a part of one."""
    source = make_source(
        "CREATE TABLE closed (id int); CREATE TABLE hidden (id int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY",
        "CREATE SEQUENCE free; DROP ROLE IF EXISTS half_sighted; CREATE ROLE half_sighted LOGIN PASSWORD 'half'",
        "GRANT SELECT ON hidden TO half_sighted; GRANT USAGE ON SCHEMA public TO half_sighted",
    )
    owner = source.owned_by("half_sighted", "half")

    with pytest.raises(SettingError, match=r"may not read these tables: public\.closed\n") as closed:
        owner.take(store, "part")
    source.execute("GRANT SELECT ON closed TO half_sighted")
    with pytest.raises(SettingError, match=r"row-level security hides .*: public\.hidden\n") as hidden:
        owner.take(store, "part")
    source.execute("ALTER ROLE half_sighted BYPASSRLS")
    with pytest.raises(SettingError, match=r"sequences stand: public\.free\n") as sequence:
        owner.take(store, "part")
    source.execute("GRANT SELECT ON free TO half_sighted")
    whole = owner.take(store, "whole")
    source.execute("DROP OWNED BY half_sighted; DROP ROLE half_sighted")

    assert "GRANT SELECT" in closed.value.hint
    assert "BYPASSRLS" in hidden.value.hint
    assert "GRANT SELECT" in sequence.value.hint
    # Who takes it is of no account.
    assert (whole.schema, whole.content) == ((again := source.take(store, "again")).schema, again.content)


def test_a_partition_of_another_database_is_refused(make_source: MakeSource, store: LocalStore) -> None:
    """The rows of a foreign table are not this database's to keep."""
    source = make_source(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE TABLE parts (id int) PARTITION BY LIST (id)",
        "CREATE FOREIGN TABLE part PARTITION OF parts FOR VALUES IN (1) SERVER far",
    )

    with pytest.raises(SettingError, match=r"in another database: public\.part\n") as caught:
        source.take(store, "far")

    assert "detach" in caught.value.hint


def test_names_of_baselines_are_checked(make_source: MakeSource, store: LocalStore) -> None:
    """A name cannot lead out of the folder of baselines."""
    source = make_source("CREATE TABLE t (id int)")

    with pytest.raises(InvalidRequest) as caught:
        source.take(store, "../t")

    assert "lower-case" in caught.value.hint


def test_one_that_takes_too_long_is_given_up(
    make_source: MakeSource, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time that an attempt has, none is at work any more."""
    monkeypatch.setattr(taking, "TAKING_S", 0)
    source = make_source("CREATE TABLE t (id int)")

    with pytest.raises(DatabaseBusy) as caught:
        source.take(store, "late")

    assert "take it of fewer rows" == caught.value.hint
    with pytest.raises(NotFound):
        Shelf(store).read("late")


def test_who_is_cancelled_in_the_middle_of_a_table_leaves_nothing(
    make_source: MakeSource, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of which a part has been read is given up, its connection too."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE t AS SELECT generate_series(1, 300000) AS i")
    monkeypatch.setattr(taking, "_MAX_BLOCK_BYTES", 500_000)

    async def cancel() -> None:
        task: asyncio.Task[Manifest] | None = None

        def tell(table: str, rows: int, _: int) -> None:
            if table == "public.t" and rows < 100_000:
                assert task is not None
                task.cancel()

        task = asyncio.create_task(take_baseline(source.settings, store, "middle", actor="a", progress=tell))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert () == store.names("baselines/")
    source.execute("SET lock_timeout = '20s'; DROP TABLE t")


def test_bytes_that_are_no_text_are_refused(make_source: MakeSource, store: LocalStore) -> None:
    """A database without an encoding may hold what no Parquet file can; the reason is told, not that of the driver."""
    maker = make_source()
    name = f"{maker.url.rpartition('/')[2]}_ascii"
    maker.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    source = Source(maker.url.rpartition("/")[0] + f"/{name}")
    source.execute("CREATE TABLE t (b text); INSERT INTO t SELECT E'\\xff' FROM generate_series(1, 200000)")

    with pytest.raises(SettingError, match=r'reading table "public.t": invalid byte') as caught:
        source.take(store, "ascii")

    assert "encoding UTF8" in caught.value.hint
    assert () == store.names("baselines/")


def test_no_more_space_for_temporary_files_is_told(
    make_source: MakeSource, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files cannot be written on their way to the store, the folder is named."""
    source = make_source("CREATE TABLE t (id int)")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")

    with pytest.raises(StoreUnavailable, match="writing to /nowhere") as caught:
        source.take(store, "full")

    assert "TMPDIR" in caught.value.hint


def test_tables_that_come_and_go_meanwhile_are_those_of_the_moment(make_source: MakeSource, store: LocalStore) -> None:
    """Who waits for another one's change of tables takes those that there are after it, with their rows."""
    source = make_source("CREATE TABLE a (id int); CREATE TABLE gone (id int)")

    async def change() -> Manifest:
        connection = await asyncpg.connect(source.url)
        await connection.execute(
            "BEGIN; DROP TABLE gone; CREATE TABLE fresh AS SELECT 1 AS id; ALTER TABLE a ADD b int"
        )
        task = asyncio.create_task(take_baseline(source.settings, store, "moment", actor="a"))
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not task.done()
        await connection.execute("COMMIT")
        await connection.close()
        return await task

    manifest = asyncio.run(change())

    assert {"public.a": 0, "public.fresh": 1} == rows_of(manifest)
    assert ["id", "b"] == [column.name for column in manifest.tables[0].columns]


def test_a_database_without_tables_has_a_baseline(make_source: MakeSource, store: LocalStore) -> None:
    """Nothing is a state too."""
    manifest = make_source().take(store, "nothing")

    assert ((), (), True) == (manifest.tables, manifest.sequences, manifest.whole)
    assert manifest == Shelf(store).read("nothing")
