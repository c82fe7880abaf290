"""The audit log is append-only in the database itself, and its chain shows every change."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Callable

import asyncpg
import pytest

from pytest_atdm.core.audit import EventKind, chain_hash, find_break
from pytest_atdm.core.errors import NotFound, Unauthorized
from seeder.records import NewEvent
from tests.database.world import RUN, TOKEN_HASH, World, planned

MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One table, a run, and a request in it."""
    made = make_world("CREATE TABLE item (id serial PRIMARY KEY, label text)")
    made.seed(planned("item", "item", {"label": 'é "q" \\ \n'}, id="item.id"))
    return made


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE atdm.audit_event SET body = '{}'",
        "DELETE FROM atdm.audit_event",
        "DELETE FROM atdm.audit_event WHERE false",
        "UPDATE atdm.seal SET body = '{}'",
        "DELETE FROM atdm.seal",
        "TRUNCATE atdm.seal",
        "TRUNCATE atdm.audit_event",
        "SET session_replication_role = replica; DELETE FROM atdm.audit_event",
        "MERGE INTO atdm.audit_event e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    ],
)
def test_no_event_is_changed_or_removed(world: World, change: str) -> None:
    """Whoever owns the table, superuser included, is refused by the database."""
    before = world.fetch("SELECT count(*) FROM atdm.audit_event")

    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        world.execute(change)

    assert before == world.fetch("SELECT count(*) FROM atdm.audit_event")


def test_an_owner_without_superuser_rights_lacks_the_rights_too(world: World) -> None:
    """The rights to change events are revoked from the owner himself."""
    world.execute("CREATE ROLE plain; GRANT CREATE, USAGE ON SCHEMA atdm TO plain")
    world.execute("ALTER TABLE atdm.audit_event OWNER TO plain; SET ROLE plain")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.execute("DELETE FROM atdm.audit_event")

    world.execute("RESET ROLE; DROP OWNED BY plain CASCADE; DROP ROLE plain")


def test_the_stored_text_is_what_is_hashed(world: World) -> None:
    """Each hash follows from its predecessor and the exact body; run, request and detail stand in the body."""
    trail = world.wait(world.database.read_events(RUN))

    assert trail.intact
    assert ["run_started", "request_received", "seed_committed"] == [event.kind for event in trail.events]
    last = trail.events[-1]
    assert chain_hash(last.stored.previous, last.stored.body) == last.stored.hash
    assert {"item": {"id": 1}} == last.detail["keys"]
    assert RUN == json.loads(last.stored.body)["run_id"]
    assert last.at.endswith("Z")


def test_it_is_said_which_token_was_shown(world: World) -> None:
    """The begin of a run has the first digits of the token's hash; the token itself stands nowhere."""
    trail = world.wait(world.database.read_events(RUN))

    assert hashlib.sha256(b"bearer").hexdigest()[:8] == trail.events[0].detail["token"]
    assert not [event for event in trail.events if "bearer" in event.stored.body]


def test_every_tampering_is_found(world: World) -> None:
    """A changed, missing, doubled or reordered event breaks the chain where it stands."""
    events = [event.stored for event in world.wait(world.database.read_events(RUN)).events]
    changed = dataclasses.replace(events[1], body=events[1].body.replace("received", "planned"))

    assert find_break(events) is None
    assert 2 == find_break([events[0], changed, events[2]])
    assert 2 == find_break([events[0], events[2]])
    assert 2 == find_break([events[0], events[0], *events[1:]])
    assert 2 == find_break([events[0], events[2], events[1]])


def test_clients_append_with_their_token(world: World) -> None:
    """Events of a client join the chain of its request's run; without the token nothing is added."""
    request_id = f"{RUN}-0001"
    event = NewEvent(kind=EventKind.FIXTURES_WRITTEN, detail={"path": "x.py"})

    world.wait(world.database.append_events(request_id, TOKEN_HASH, [event, event]))
    with pytest.raises(Unauthorized):
        world.wait(world.database.append_events(request_id, bytes(32), [event]))
    with pytest.raises(NotFound):
        world.wait(world.database.append_events("01NONE", TOKEN_HASH, [event]))

    trail = world.wait(world.database.read_events(RUN))
    assert ["fixtures_written"] * 2 == [each.kind for each in trail.events[3:]]
    assert [request_id] * 2 == [each.request_id for each in trail.events[3:]]
    assert trail.intact


def test_concurrent_writers_make_one_chain(world: World) -> None:
    """Thirty writers at once neither lose an event nor fork the chain."""
    event = NewEvent(kind=EventKind.REQUEST_REFUSED, detail={})

    async def write_all() -> None:
        await asyncio.gather(*(world.database.append_run_events(RUN, [event]) for _ in range(30)))

    world.wait(write_all())

    trail = world.wait(world.database.read_events(RUN))
    assert 33 == len(trail.events)
    assert trail.intact


def test_dropping_the_schema_uninstalls_everything(world: World) -> None:
    """Nothing of ATDM stands outside its schema, and the target's tables are as they were."""
    world.execute("DROP SCHEMA atdm CASCADE")

    assert 0 == world.fetch(
        "SELECT count(*) FROM pg_proc WHERE proname IN ('append_events', 'is_new', 'refuse_change')"
    )
    assert 0 == world.fetch("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
    assert {"public.item"} == set(world.rows())
