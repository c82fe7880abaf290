"""A reset while others hold what it needs: it waits, tries again, ends in bounded time, and says who was in the way."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import asyncpg
import pytest

from pytest_atdm.core.errors import Conflict, DatabaseBusy, RowRefused
from pytest_atdm.core.model import ResetReport
from seeder.db.database import Database
from tests.database.world import TOKEN_HASH, World, planned

MakeWorld = Callable[..., World]
_Answer = TypeVar("_Answer")

HANG_S = 120  # only so that what never ends fails instead of hanging
SHELF = "CREATE TABLE shelf (id serial PRIMARY KEY, label text)"


def together(world: World, *work: Coroutine[Any, Any, _Answer]) -> list[_Answer]:
    """Run all of *work* at the same time."""

    async def run() -> list[_Answer]:
        return await asyncio.wait_for(asyncio.gather(*work), HANG_S)

    return world.wait(run())


def fail_to_reset(world: World, hold: str, **changes: Any) -> DatabaseBusy:
    """Reset a request while the application has executed *hold* and keeps its transaction open; return the error."""
    outcome = world.seed(planned("shelf", "shelf", {"label": "x"}, id="shelf.id"))

    async def collide() -> DatabaseBusy:
        database = await world.open_beside(lock_timeout_ms=50, **changes)
        async with world.sut.transaction():
            await world.sut.execute("SET LOCAL application_name = 'the shop'")
            await world.sut.execute(hold)
            with pytest.raises(DatabaseBusy) as caught:
                await database.reset_request(outcome.request_id, TOKEN_HASH)
        return caught.value

    error = world.wait(collide())
    assert {"public.shelf": 1} == world.reset(outcome).seeded
    return error


def test_who_holds_the_rows_is_named(make_world: MakeWorld) -> None:
    """Process, name, role, table, state and for how long; the hint says what to do, and afterwards the reset works."""
    world = make_world(SHELF)

    error = fail_to_reset(world, "UPDATE shelf SET label = 'mine'")

    pid = world.fetch("SELECT pg_backend_pid()")
    assert f'held by process {pid} ("the shop", role ' in error.message
    assert re.search(r"on public\.shelf, idle in transaction, its transaction open for \d+ s$", error.message)
    assert "lock timeout" in error.message
    assert "does the application hold a transaction open" in error.hint


def test_a_role_that_may_not_look_is_told_the_process_at_least(make_world: MakeWorld) -> None:
    """Another role's session has a number and a name for everybody, and a state for those who may read statistics."""
    role = "busy_clerk"
    world = make_world(SHELF, f"GRANT ALL ON shelf, shelf_id_seq TO {role}", role=role)
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))

    async def collide() -> str:
        database = await world.open_beside(lock_timeout_ms=50)
        async with world.sut.transaction():
            await world.sut.execute("UPDATE shelf SET label = 'mine'")
            with pytest.raises(DatabaseBusy) as caught:
                await database.reset_request(outcome.request_id, TOKEN_HASH)
        return caught.value.message

    message = world.wait(collide())

    assert f"held by process {world.fetch('SELECT pg_backend_pid()')} (" in message
    assert "in a state that only its own role and pg_read_all_stats see" in message


def test_a_lock_elsewhere_is_no_lock_of_these_tables(make_world: MakeWorld) -> None:
    """What a trigger waits for may be anything; the message does not guess."""
    world = make_world(
        SHELF,
        "CREATE TABLE tally (n integer); INSERT INTO tally VALUES (0)",
        """CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN UPDATE tally SET n = n + 1; RETURN OLD; END $$""",
        "CREATE TRIGGER act BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION act()",
    )

    error = fail_to_reset(world, "LOCK TABLE tally")

    assert "no session holds locks on its tables now" in error.message
    assert "triggers" in error.hint


def test_a_lock_that_is_given_up_between_two_tries_is_no_error(make_world: MakeWorld) -> None:
    """Whoever holds it for longer than one lock timeout, and shorter than two, is waited for."""
    world = make_world(SHELF)
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))

    async def collide() -> ResetReport:
        database = await world.open_beside(lock_timeout_ms=1_000)
        writing = world.sut.transaction()
        await writing.start()
        await world.sut.execute("UPDATE shelf SET label = 'mine'")
        reset = asyncio.create_task(database.reset_request(outcome.request_id, TOKEN_HASH))
        first = await find_waiting(world.url)
        await find_waiting(world.url, not_since=first)
        await writing.commit()
        return await reset

    assert {"public.shelf": 1} == world.wait(collide()).seeded


async def find_waiting(url: str, not_since: str = "") -> str:
    """Return since when a statement has waited for a lock, once there is one that has not waited since *not_since*."""
    watcher = await asyncpg.connect(url)
    query = (
        "SELECT query_start::text FROM pg_stat_activity, pg_sleep(0.005)"
        " WHERE wait_event_type = 'Lock' AND datname = current_database() AND query_start::text <> $1"
    )
    while (found := await watcher.fetchval(query, not_since)) is None:
        pass
    await watcher.close()
    return str(found)


def test_a_reset_ends_in_bounded_time(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many waits it consists of, it ends before its caller gives up, and nothing has changed."""
    world = make_world(
        SHELF,
        "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN OLD; END $$",
        "CREATE TRIGGER act BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION act()",
    )
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
    before = world.rows()

    with monkeypatch.context() as patched:
        patched.setattr("seeder.db.database.command_timeout_s", lambda _: 0.1)
        with pytest.raises(DatabaseBusy, match=r"did not come to an end within 0\.1 s"):
            world.reset(outcome)

    assert before == world.rows()
    assert {"public.shelf": 1} == world.reset(outcome).seeded


def test_two_seeders_reset_a_request_at_once(make_world: MakeWorld) -> None:
    """Both answer the same report, one of them as a repetition."""
    world = make_world(
        SHELF, "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer REFERENCES shelf ON DELETE CASCADE)"
    )
    other = world.wait(world.open_beside())
    for _ in range(5):
        outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))
        world.execute("INSERT INTO box (shelf_id) VALUES ($1)", outcome.rows["shelf"]["id"])

        calls = [one.reset_request(outcome.request_id, TOKEN_HASH) for one in (world.database, other) * 2]
        reports = together(world, *calls)

        assert [False, True, True, True] == sorted(report.already for report in reports)
        assert [({"public.shelf": 1}, {"public.box": 1})] * 4 == [(one.seeded, one.made_by_sut) for one in reports]


def test_more_resets_than_connections_do_not_wait_for_each_other_for_ever(make_world: MakeWorld) -> None:
    """One that looks from outside at what its transaction does needs no second connection of those that all share."""
    world = make_world(
        SHELF,
        "CREATE TABLE tombstone (id integer)",
        """CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(0.01); INSERT INTO tombstone VALUES (OLD.id); RETURN OLD; END $$""",
        "CREATE TRIGGER act BEFORE DELETE ON shelf FOR EACH ROW EXECUTE FUNCTION act()",
        "ALTER TABLE tombstone ADD PRIMARY KEY (id)",
    )
    small = world.wait(world.open_beside(pool_size=2))
    outcomes = [world.seed(planned("shelf", "shelf", {}, id="shelf.id")) for _ in range(8)]

    reports = together(world, *(small.reset_request(one.request_id, TOKEN_HASH) for one in outcomes))

    assert [{"public.shelf": 1}] * 8 == [report.seeded for report in reports]
    assert {"public.shelf": [], "public.tombstone": []} == world.rows()


CROWD = """
CREATE TABLE top (id serial PRIMARY KEY);
CREATE TABLE middle (id serial PRIMARY KEY, top_id integer REFERENCES top ON DELETE CASCADE);
CREATE TABLE last (id serial PRIMARY KEY, middle_id integer REFERENCES middle ON DELETE SET NULL,
    top_id integer REFERENCES top);
CREATE INDEX ON middle (top_id);
CREATE INDEX ON last (middle_id);
CREATE INDEX ON last (top_id);
INSERT INTO middle (id) SELECT -n FROM generate_series(1, 20) n;
INSERT INTO last (id) SELECT -n FROM generate_series(1, 20) n
"""
WRITES = (
    "INSERT INTO middle (top_id) SELECT id FROM top OFFSET {n} LIMIT 1",
    "INSERT INTO last (middle_id, top_id) SELECT id, top_id FROM middle WHERE top_id IS NOT NULL OFFSET {n} LIMIT 1",
    "UPDATE middle SET top_id = (SELECT id FROM top OFFSET {n} LIMIT 1) WHERE id = -{n}",
    "UPDATE last SET middle_id = (SELECT max(id) FROM middle), top_id = (SELECT min(id) FROM top) WHERE id = -{n}",
)


async def write_until(done: asyncio.Event, url: str, seed: int) -> int:
    """Play an application that writes in small transactions; return how many were committed."""
    chance = random.Random(seed)
    connection = await asyncpg.connect(url)
    committed = 0
    while not done.is_set():
        try:
            async with connection.transaction():
                for _ in range(chance.randint(1, 3)):
                    await connection.execute(chance.choice(WRITES).format(n=chance.randint(1, 8)))
                await asyncio.sleep(chance.random() / 100)
            committed += 1
        except asyncpg.PostgresError:
            await asyncio.sleep(0.001)  # the row that it referred to has gone, or somebody waited for somebody
    await connection.close()
    return committed


async def reset_stubbornly(database: Database, request_id: str) -> ResetReport:
    """Reset the request, again where it was told to try again."""
    while True:
        try:
            return await database.reset_request(request_id, TOKEN_HASH)
        except (Conflict, DatabaseBusy, RowRefused):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(3))
def test_resets_beside_a_writing_application_leave_no_row_and_take_none_from_before(
    make_world: MakeWorld, seed: int
) -> None:
    """Whatever comes to refer while they run: rows of ours and new ones go, old ones stand and refer to nothing."""
    world = make_world(CROWD)
    other = world.wait(world.open_beside())
    outcomes = [
        world.seed(planned("top", "top", {}, id="top.id"), planned("m", "middle", {}, id="m.id", top_id="top.id"))
        for _ in range(12)
    ]

    async def crowd() -> int:
        done = asyncio.Event()
        writers = [asyncio.create_task(write_until(done, world.url, 10 * seed + n)) for n in range(3)]
        await asyncio.sleep(0.05)
        resets = [reset_stubbornly(one, outcome.request_id) for outcome in outcomes for one in (world.database, other)]
        try:
            await asyncio.wait_for(asyncio.gather(*resets), HANG_S)
        finally:
            done.set()
        return sum(await asyncio.gather(*writers))

    committed = world.wait(crowd())

    assert committed > 10
    old = {f'"id": {-n}' for n in range(1, 21)}
    rows = world.rows()
    assert [] == rows["public.top"]
    assert [old, old] == [{row[1 : row.index(",")] for row in rows[f"public.{name}"]} for name in ("middle", "last")]
    assert all('"top_id": null' in row for row in rows["public.middle"] + rows["public.last"])


WRITE_ON = "DO $$ BEGIN LOOP INSERT INTO box (shelf_id) VALUES ({}); COMMIT; END LOOP; END $$"


def test_an_application_that_writes_without_end_is_made_to_wait(make_world: MakeWorld) -> None:
    """Rows that come below ours faster than they are found are kept out by locks, and all are gone in the end."""
    world = make_world(SHELF, "CREATE TABLE box (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf)")
    outcome = world.seed(planned("shelf", "shelf", {}, id="shelf.id"))

    async def write_on(shelf_id: object) -> None:
        connection = await asyncpg.connect(world.url)
        try:
            await connection.execute(WRITE_ON.format(shelf_id))
        except asyncpg.ForeignKeyViolationError:
            await connection.close()

    async def reset_meanwhile() -> None:
        writers = [asyncio.create_task(write_on(outcome.rows["shelf"]["id"])) for _ in range(3)]
        await asyncio.sleep(0.05)
        await world.database.reset_request(outcome.request_id, TOKEN_HASH)
        await asyncio.gather(*writers)

    world.wait(reset_meanwhile())

    assert {"public.shelf": [], "public.box": []} == world.rows()
