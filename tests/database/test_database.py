"""Opening the database, its migrations, runs and reference rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from pytest_atdm.core.errors import (
    Conflict,
    DatabaseBusy,
    DatabaseUnavailable,
    InvalidRequest,
    MigrationFailed,
    NotATestDatabase,
    NotFound,
    SettingError,
)
from seeder.db.database import Database
from seeder.records import ReferenceReport, ReferenceTable, RunStart
from tests.database.world import RUN, World, command, planned, settings

MakeWorld = Callable[..., World]

ITEMS = "CREATE TABLE item (id serial PRIMARY KEY, label text)"
START = RunStart(run_id="01A", session_id="s", actor="a", seed=5, as_of="2026-01-15")


async def execute(url: str, sql: str) -> object:
    """Execute on a connection of its own and return the first value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_an_unmarked_database_is_refused_untouched(fresh_url: str) -> None:
    """Neither embedded, nor marked, nor allowed by name: nothing is written, the hint says how to mark it."""
    with pytest.raises(NotATestDatabase) as caught:
        asyncio.run(Database.open(settings(fresh_url, embedded=False)))

    assert "ALTER DATABASE" in caught.value.hint
    assert asyncio.run(execute(fresh_url, "SELECT to_regnamespace('atdm')")) is None


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (lambda url: url + "_missing", "_missing"),
        (lambda url: url.replace("//tester:", "//nobody_here:"), "nobody_here"),
        (lambda url: url.replace("postgresql:", "mysql:"), "mysql"),
    ],
)
def test_a_url_that_leads_nowhere_is_a_setting_to_mend(fresh_url: str, broken: Callable[[str], str], word: str) -> None:
    """A missing database, a role that may not enter and a foreign scheme say so, and no password is repeated."""
    with pytest.raises(SettingError) as caught:
        asyncio.run(Database.open(settings(broken(fresh_url), embedded=False)))

    assert word in caught.value.message
    assert "postgresql://role:password@host:port/database" in caught.value.hint
    assert (urlsplit(fresh_url).password or "no password") not in caught.value.message


@pytest.mark.parametrize("way", ["mark", "name"])
def test_a_marked_or_allowed_database_is_opened(fresh_url: str, way: str) -> None:
    """The mark in the database, or its name in the settings, opens it."""
    name = fresh_url.rpartition("/")[2]

    async def open_it() -> None:
        if way == "mark":
            await execute(fresh_url, f"ALTER DATABASE \"{name}\" SET atdm.test_database = 'on'")
        allowed = frozenset({name} if way == "name" else ())
        database = await Database.open(settings(fresh_url, embedded=False, allow_databases=allowed))
        await database.ping()
        await database.close()

    asyncio.run(open_it())


@pytest.mark.parametrize("way", ["name", "search_path"])
def test_a_role_that_finds_our_schema_first_is_refused(fresh_url: str, way: str) -> None:
    """A role called atdm, or with atdm first in its search_path, would mix the target's tables with ATDM's own."""
    role = "atdm" if way == "name" else "lookalike"
    name = fresh_url.rpartition("/")[2]
    url = f"postgresql://{role}:secret@{fresh_url.rpartition('@')[2]}"

    async def open_as_role() -> None:
        await execute(fresh_url, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'secret'")
        if way == "search_path":
            await execute(fresh_url, f"ALTER ROLE {role} IN DATABASE {name} SET search_path = atdm, public")
        try:
            await (await Database.open(settings(url))).close()
        finally:
            await execute(fresh_url, f"DROP OWNED BY {role}")
            await execute(fresh_url, f"DROP ROLE {role}")

    with pytest.raises(SettingError, match=f'role "{role}" looks for names in the schema atdm first') as caught:
        asyncio.run(open_as_role())

    assert f'ALTER ROLE "{role}" SET search_path' in caught.value.hint
    assert asyncio.run(execute(fresh_url, "SELECT to_regnamespace('atdm')")) is None


def test_an_unreachable_postgres_is_one_clear_error() -> None:
    """Nobody listens: the error is retryable and comes at once."""
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(Database.open(settings("postgresql://nobody@127.0.0.1:1/none")))


def test_starters_at_once_do_not_fight(fresh_url: str) -> None:
    """Six processes that open a new database at the same time all succeed."""

    async def open_all() -> None:
        opened = await asyncio.gather(*(Database.open(settings(fresh_url)) for _ in range(6)))
        await asyncio.gather(*(database.close() for database in opened))

    asyncio.run(open_all())


def test_target_migrations_are_applied_once(make_world: MakeWorld, tmp_path: Path) -> None:
    """Files in the order of their names, each once; a new one later; all in the target's own schema."""
    world = make_world("SELECT 1")
    (tmp_path / "0002_b.sql").write_text("ALTER TABLE made ADD b integer; INSERT INTO made VALUES (1, 2);")
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE made (a integer PRIMARY KEY);")

    async def apply() -> list[str]:
        return await world.database.apply_target_migrations(tmp_path)

    assert ["0001_a.sql", "0002_b.sql"] == world.wait(apply())
    assert [] == world.wait(apply())
    (tmp_path / "0003_c.sql").write_text("ALTER TABLE made ADD c integer")
    assert ["0003_c.sql"] == world.wait(apply())
    assert ['{"a": 1, "b": 2, "c": null}'] == world.rows()["public.made"]


def test_a_changed_migration_is_an_error(make_world: MakeWorld, tmp_path: Path) -> None:
    """A file that was applied and differs now is named."""
    world = make_world("SELECT 1")
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE made (a integer)")
    world.wait(world.database.apply_target_migrations(tmp_path))
    file.write_text("CREATE TABLE made (b integer)")

    with pytest.raises(SettingError, match="has been applied"):
        world.wait(world.database.apply_target_migrations(tmp_path))


def test_a_broken_migration_leaves_nothing_of_its_folder(make_world: MakeWorld, tmp_path: Path) -> None:
    """The file is named with what Postgres says, and the files before it are not applied either."""
    world = make_world("SELECT 1")
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE made (a integer)")
    (tmp_path / "0002_b.sql").write_text("CREATE TABEL oops ()")

    with pytest.raises(MigrationFailed, match=r"0002_b\.sql, line 1: .*TABEL"):
        world.wait(world.database.apply_target_migrations(tmp_path))

    assert {} == world.rows()


def test_a_run_is_started_once(make_world: MakeWorld) -> None:
    """The same values again find the same run; others are a conflict that says who has it and how to end it."""
    world = make_world(ITEMS)
    first = world.wait(world.database.start_run(START))
    second = world.wait(world.database.start_run(START))

    assert (True, False) == (first.created, second.created)
    assert first.started_at == second.started_at
    with pytest.raises(Conflict, match=r"other values: a started it at 2.*; its lease lapses at 2") as caught:
        world.wait(world.database.start_run(replace(START, seed=6)))
    assert "atdm reap" in caught.value.hint


def test_a_run_that_has_ended_is_started_again(make_world: MakeWorld) -> None:
    """It has the new start's values and positions and one more epoch; its audit chain goes on where it stood."""
    world = make_world(ITEMS)
    first = world.wait(world.database.start_run(START))
    world.wait(world.database.reset_run("01A"))
    world.execute("INSERT INTO item (id) VALUES (900)")

    again = world.wait(world.database.start_run(replace(START, session_id="t", as_of="2026-02-01")))

    assert (True, "active", None, "t", "2026-02-01") == (
        again.created, again.state, again.ended_at, again.session_id, again.as_of,
    )  # fmt: skip
    assert first.started_at < again.started_at
    assert 2 == world.fetch("SELECT epoch FROM atdm.run WHERE run_id = '01A'")
    ahead = "SELECT positions -> 'ahead' ->> 'public.item' FROM atdm.run WHERE run_id = '01A'"
    assert "[900, 900]" == world.fetch(ahead)
    trail = world.wait(world.database.read_events("01A"))
    assert trail.intact
    assert [("run_started", 1), ("run_ended", None), ("run_started", 2)] == [
        (event.kind, event.detail.get("epoch")) for event in trail.events
    ]


def test_no_request_of_a_run_is_left_live_by_its_end(make_world: MakeWorld) -> None:
    """A seed that is just committing when its run is reset is waited for, and reset with the others."""
    world = make_world(
        "CREATE TABLE shelf (id integer PRIMARY KEY);"
        "CREATE TABLE item (id serial PRIMARY KEY, shelf_id integer REFERENCES shelf DEFERRABLE INITIALLY DEFERRED)",
        before="INSERT INTO shelf VALUES (1)",
    )

    async def wait_until_blocked(sessions: int) -> None:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while await world.sut.fetchval(query) < sessions:  # noqa: ASYNC110  Postgres tells nobody
            await asyncio.sleep(0.01)

    async def collide() -> None:
        async with world.sut.transaction():
            await world.sut.execute("SELECT FROM shelf FOR UPDATE")  # which the commit's check of the key waits for
            row = planned("a", "item", {"shelf_id": 1})
            seeding = asyncio.create_task(world.database.seed(command(row, request_id="q1")))
            await wait_until_blocked(1)
            resetting = asyncio.create_task(world.database.reset_run(RUN))
            await wait_until_blocked(2)
        await asyncio.gather(seeding, resetting)

    world.wait(collide())

    assert [] == world.rows()["public.item"]


def test_a_run_ends_once(make_world: MakeWorld) -> None:
    """Ending twice is one event; an unknown run is not found."""
    world = make_world(ITEMS)
    for _ in range(2):
        world.wait(world.database.reset_run(RUN))

    kinds = [event.kind for event in world.wait(world.database.read_events(RUN)).events]
    assert ["run_started", "run_ended"] == kinds
    with pytest.raises(NotFound):
        world.wait(world.database.reset_run("01NONE"))


def test_values_that_postgres_cannot_hold_are_the_callers(make_world: MakeWorld) -> None:
    """A seed beyond 64 bits or a date that is none is a malformed request."""
    world = make_world(ITEMS)

    with pytest.raises(InvalidRequest):
        world.wait(
            world.database.start_run(RunStart(run_id="01B", session_id="s", actor="a", seed=2**70, as_of="2026-01-15"))
        )


def test_runs_are_listed_newest_first(make_world: MakeWorld) -> None:
    """Pages follow each other by the last id; each run says how many requests it made and how many rows stand."""
    world = make_world(ITEMS)
    for run_id in ("01X", "01Y", "01Z"):
        world.start_run(run_id)
    gone = world.seed(planned("a", "item", {}, id="a.id"), run_id="01Y")
    world.seed(planned("a", "item", {}, id="a.id"), planned("b", "item", {}, id="b.id"), run_id="01Y")
    world.reset(gone)

    newest = world.wait(world.database.list_runs(limit=2))
    older = world.wait(world.database.list_runs(limit=9, before="01Y"))

    assert ["01Z", "01Y"] == [run.run_id for run in newest]
    assert ["01X", RUN] == [run.run_id for run in older]
    assert (2, 2) == (newest[1].requests, newest[1].live_rows)


def test_a_request_can_be_read(make_world: MakeWorld) -> None:
    """State, counts and, after the reset, the report."""
    world = make_world(ITEMS)
    outcome = world.seed(planned("a", "item", {}, id="a.id"))

    live = world.wait(world.database.read_request(outcome.request_id))
    report = world.reset(outcome)
    reset = world.wait(world.database.read_request(outcome.request_id))

    assert ("live", {"public.item": 1}, None) == (live.state, live.rows, live.report)
    assert ("reset", report) == (reset.state, reset.report)
    with pytest.raises(NotFound):
        world.wait(world.database.read_request("01NONE"))


def test_metrics_count_what_stands(make_world: MakeWorld) -> None:
    """Active runs, live requests, rows in the ledger, events."""
    world = make_world(ITEMS)
    world.seed(planned("a", "item", {}, id="a.id"))

    metrics = world.wait(world.database.metrics())

    assert (1, 1, 1, 3) == (metrics.active_runs, metrics.live_requests, metrics.live_rows, metrics.events)


def test_reference_rows_are_upserted(make_world: MakeWorld) -> None:
    """Lacking rows are inserted, differing ones updated, equal ones not touched, others left alone."""
    world = make_world(
        "CREATE TABLE kind (code text PRIMARY KEY, title text, facts json)",
        "CREATE TABLE part (kind text REFERENCES kind, number integer, PRIMARY KEY (kind, number))",
        before="INSERT INTO kind VALUES ('same', 't', '{\"a\": 1}'), ('differs', 'old', NULL), ('own', 'mine', NULL)",
    )
    kinds = ReferenceTable(
        table="kind",
        key=("code",),
        rows=(
            {"code": "same", "title": "t", "facts": {"a": 1}},
            {"code": "differs", "title": "new"},
            {"code": "lacks", "title": "x"},
        ),
    )
    parts = ReferenceTable(table="part", key=("kind", "number"), rows=({"kind": "lacks", "number": 1},))

    reports = [world.wait(world.database.seed_reference(RUN, "made", [kinds, parts])) for _ in range(2)]

    assert (
        ReferenceReport(
            inserted={"public.kind": 1, "public.part": 1},
            updated={"public.kind": 1, "public.part": 0},
            unchanged={"public.kind": 1, "public.part": 0},
        )
        == reports[0]
    )
    assert {"public.kind": 3, "public.part": 1} == reports[1].unchanged
    assert "mine" == world.fetch("SELECT title FROM kind WHERE code = 'own'")
    assert "new" == world.fetch("SELECT title FROM kind WHERE code = 'differs'")


def test_a_statement_that_waits_too_long_is_given_up(make_world: MakeWorld) -> None:
    """A lock that somebody else holds ends the request with a retryable error, within the lock timeout."""
    world = make_world(ITEMS)

    async def collide() -> None:
        database = await Database.open(settings(world.url, lock_timeout_ms=50))
        await database.read_schema()
        async with world.sut.transaction():
            await world.sut.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseBusy, match="lock timeout"):
                await database.seed(command(planned("a", "item", {"label": "x"}), request_id="q1"))
        await database.close()

    world.wait(collide())
