"""What has been sealed is exported exactly once, whoever dies on the way, and the files vouch for themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pytest_atdm._audit_files import verify_files
from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict, SettingError, StoreUnavailable
from pytest_atdm.core.model import Cell
from pytest_atdm.core.ulid import make_ulid
from seeder.db.export import ExportQueue
from seeder.export import ROUND_S, Exporter
from seeder.metrics import Counters
from seeder.records import NewEvent, RunStart
from seeder.store.local import LocalStore
from tests.database.world import World, planned

MakeWorld = Callable[..., World]

RUNS: tuple[str, ...] = tuple(make_ulid(moment, bytes(10)) for moment in (1, 2, 3))
ONE, TWO, THREE = RUNS


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Three runs beside the one that every world begins with; all have events, and two have ended."""
    made = make_world("CREATE TABLE item (id serial PRIMARY KEY, label text)")
    for run_id in RUNS:
        made.start_run(run_id)
        made.reset(made.seed(planned("item", "item", {"label": 'é "q" \\ \n'}, id="item.id"), run_id=run_id))
    for run_id in (ONE, TWO):
        made.wait(made.database.reset_run(run_id))
    return made


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty folder as a store."""
    return LocalStore(tmp_path / "store")


def make_exporter(world: World, store: LocalStore, counters: Counters | None = None) -> Exporter:
    """An exporter of a seeder process of its own."""
    queue = ExportQueue(world.database._pool, holder=f"seeder of {id(store)}")
    return Exporter(queue, store, counters or Counters(), asyncio.Event())


def export(world: World, store: LocalStore) -> int:
    """Export what there is, and return the number of files."""
    return world.wait(make_exporter(world, store).export_all())


def list_events(world: World) -> list[tuple[Any, ...]]:
    """Every event that is under a seal, as the database has it."""
    rows = world.wait(
        world.sut.fetch(
            "SELECT e.run_id, seq, at, kind, request_id, (body::jsonb -> 'detail')::text, body, previous, hash"
            " FROM atdm.audit_event e JOIN atdm.run USING (run_id) WHERE seq <= sealed_seq ORDER BY run_id, seq"
        )
    )
    return [tuple(row) for row in rows]


def files(store: LocalStore) -> list[str]:
    """The names of the files of events, sorted."""
    return [name for name in store.names("audit/") if name.endswith(".parquet")]


def read_exported(store: LocalStore) -> list[dict[str, Any]]:
    """Every exported event, in the order of run and number."""
    found = []
    for name in files(store):
        with store.reading(name) as path:
            found += pq.ParquetFile(path).read().to_pylist()
    return sorted(found, key=lambda event: (event["run_id"], event["seq"]))


def test_every_sealed_event_is_exported_once(world: World, store: LocalStore) -> None:
    """What the files hold is what the database holds of the runs that have ended, value by value."""
    assert 2 == export(world, store)
    assert 0 == export(world, store)

    exported, logged = read_exported(store), list_events(world)
    assert [(one["run_id"], one["seq"], one["at"], one["kind"], one["request_id"]) for one in exported] == [
        row[:5] for row in logged
    ]
    assert [(one["body"], one["previous"], one["hash"]) for one in exported] == [row[6:] for row in logged]
    assert {ONE, TWO} == {one["run_id"] for one in exported}


def test_a_run_that_goes_on_is_exported_from_where_it_stood(world: World, store: LocalStore) -> None:
    """A second seal of a run has a file of its own, and no event is in two."""
    export(world, store)
    world.start_run(ONE)
    world.wait(world.database.reset_run(ONE))

    assert 1 == export(world, store)
    assert [row[:2] for row in list_events(world)] == [(one["run_id"], one["seq"]) for one in read_exported(store)]
    assert verify_files(store.place, None).intact


def test_a_names_says_log_date_run_and_events(world: World, store: LocalStore) -> None:
    """Files are found by the day of the seal and the run, as hive partitions."""
    export(world, store)

    log = world.fetch("SELECT id FROM atdm.log")
    date = world.fetch("SELECT to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM atdm.run WHERE run_id = $1", ONE)
    last = world.fetch("SELECT audit_seq FROM atdm.run WHERE run_id = $1", ONE)
    assert f"audit/log={log}/date={date}/run={ONE}/00000001-{last:08}.parquet" == files(store)[0]


def test_an_untouched_export_is_intact(world: World, store: LocalStore) -> None:
    """The files say the same as the log does: events, runs, seals, checkpoint."""
    export(world, store)

    verdict = verify_files(store.place, None)

    assert verdict.intact, verdict.flaws
    assert (len(list_events(world)), 2, 2) == (verdict.events, verdict.runs, verdict.seals)
    assert world.wait(world.database.verify_log([])).checkpoint == verdict.checkpoint


def test_odd_texts_are_exported_as_they_are(world: World, store: LocalStore) -> None:
    """Quotes, control characters and any Unicode in a detail come through, and the file is intact."""
    odd: dict[str, Cell] = {
        "text": 'tab\t "quotes" \\ \u2028 \U0001f600 \x7f',
        "nested": {"a": [1, 2.50, None, True]},
        "": "",
    }
    world.wait(world.database.append_run_events(THREE, [NewEvent(kind=EventKind.REFERENCE_SEEDED, detail=odd)]))
    world.wait(world.database.reset_run(THREE))

    export(world, store)

    assert verify_files(store.place, None).intact


def test_a_checkpoint_is_put_beside_the_files(world: World, store: LocalStore) -> None:
    """It names the newest seal that is exported with all before it, and is never written over."""
    export(world, store)
    first = world.wait(make_exporter(world, store).list_checkpoints())
    world.wait(world.database.reset_run(THREE))
    export(world, store)

    kept = world.wait(make_exporter(world, store).list_checkpoints())

    assert 1 == len(first)
    assert (*first, kept[-1]) == kept
    assert world.wait(world.database.verify_log([])).checkpoint == str(kept[-1])


def test_what_another_has_taken_is_left_to_it(world: World, store: LocalStore) -> None:
    """Two exporters never work on one seal, and none passes over one: the files are those of the first seals."""
    other = ExportQueue(world.database._pool, holder="another")
    assert world.wait(other.take(60)) is not None

    assert 0 == export(world, store)
    assert [] == files(store)


def test_a_claim_that_has_lapsed_is_taken_over(world: World, store: LocalStore) -> None:
    """Whoever died with a claim keeps nobody from exporting."""
    other = ExportQueue(world.database._pool, holder="another")
    world.wait(other.take(0))

    assert 2 == export(world, store)


def test_a_file_that_a_killed_exporter_left_is_found(world: World, store: LocalStore) -> None:
    """Where the file stands already and nobody noted it, it is compared, and not made twice."""
    export(world, store)
    before = {name: store.read_bytes(name) for name in files(store)}
    world.execute(
        "INSERT INTO atdm.export SELECT s.ordinal, t.run_id, 1, t.last_seq, t.at FROM atdm.seal s,"
        " json_to_record(s.body::json) AS t (run_id text, last_seq bigint, at timestamptz)"
    )

    assert 2 == export(world, store)
    assert before == {name: store.read_bytes(name) for name in files(store)}


def test_a_file_that_says_otherwise_stops_the_export(world: World, store: LocalStore) -> None:
    """What stands under the name of an export and is none is neither written over nor taken for done."""
    taken = world.wait(ExportQueue(world.database._pool, holder="one").take(0))
    assert taken is not None
    store.create_bytes(taken.name, b"forged")

    with pytest.raises(Conflict, match="is not what the audit log says") as caught:
        export(world, store)

    assert "move the file away" in caught.value.hint
    assert b"forged" == store.read_bytes(taken.name)
    assert 2 == world.fetch("SELECT count(*) FROM atdm.export")


def test_while_the_store_is_away_the_backlog_grows(world: World, store: LocalStore, tmp_path: Path) -> None:
    """Nothing is dropped: what is sealed meanwhile is counted, and exported once the store is back."""
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(StoreUnavailable):
        export(world, store)
    world.wait(world.database.reset_run(THREE))

    pending = world.wait(world.database.metrics())
    assert (3, world.fetch("SELECT sum(sealed_seq) FROM atdm.run")) == (pending.pending_seals, pending.pending_events)

    (tmp_path / "store").unlink()
    assert 3 == export(world, store)
    after = world.wait(world.database.metrics())
    assert (0, 0, 0.0) == (after.pending_seals, after.pending_events, after.pending_s)


def test_a_store_that_writes_over_what_stands_gets_nothing(world: World, tmp_path: Path) -> None:
    """The probe comes before the first file."""

    class Careless(LocalStore):
        def create_bytes(self, name: str, body: bytes) -> bool:
            self.remove(name)
            return super().create_bytes(name, body)

    careless = Careless(tmp_path / "store")

    with pytest.raises(SettingError, match="writes over") as caught:
        export(world, careless)

    assert "choose another folder" in caught.value.hint
    assert [] == files(careless)


def test_many_exporters_at_once_make_each_file_once(world: World, store: LocalStore) -> None:
    """Beside writers that end run after run, five exporters leave nothing out and nothing twice."""

    async def write() -> None:
        for moment in range(10, 30):
            start = RunStart(run_id=make_ulid(moment, bytes(10)), session_id="s", actor="t", seed=1, as_of="2026-01-15")
            await world.database.start_run(start)
            await world.database.reset_run(start.run_id)

    async def export_beside(writing: asyncio.Task[None], exporter: Exporter) -> None:
        while await exporter.export_all() or not writing.done():
            await asyncio.wait([writing], timeout=0.002)

    async def race() -> None:
        queues = [ExportQueue(world.database._pool, holder=f"seeder {number}") for number in range(5)]
        exporters = [Exporter(queue, store, Counters(), asyncio.Event()) for queue in queues]
        writing = asyncio.create_task(write())
        await asyncio.gather(writing, *(export_beside(writing, exporter) for exporter in exporters))

    world.wait(race())
    export(world, store)

    assert [row[:2] for row in list_events(world)] == [(one["run_id"], one["seq"]) for one in read_exported(store)]
    assert verify_files(store.place, None).intact


@pytest.mark.parametrize("pause_s", [0, 0.005, 0.02, 0.05])
def test_a_seeder_that_ends_as_a_run_does_ends_at_once(world: World, store: LocalStore, pause_s: float) -> None:
    """Wherever the end comes upon the exporter, the end of a wait included, it only does what is left."""
    database = world.database
    exporter = Exporter(database.exports, store, Counters(), database.sealed)

    async def work() -> None:
        async with exporter.running():
            await asyncio.sleep(0.2)  # it waits for the next seal
            await database.reset_run(THREE)
            await asyncio.sleep(pause_s)

    async def work_in_time() -> None:
        async with asyncio.timeout(ROUND_S / 2):
            await work()

    world.wait(work_in_time())

    assert THREE in "".join(files(store))
