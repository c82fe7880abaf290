"""Whoever changes the audit log is found out, whether hashes are made to fit or not."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import pytest

from pytest_atdm.core.audit_check import Flaw, LogVerdict, parse_checkpoint
from pytest_atdm.core.errors import Conflict, InvalidRequest
from pytest_atdm.core.ulid import make_ulid
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]

RUNS = tuple(make_ulid(moment, bytes(10)) for moment in (1, 2, 3))
ONE, TWO, THREE = RUNS
#: Only an owner of the log can do this; Postgres refuses everybody else (test_audit.py, test_roles.py).
OPEN = "ALTER TABLE atdm.audit_event DISABLE TRIGGER append_only; ALTER TABLE atdm.seal DISABLE TRIGGER append_only"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Three runs beside the one that every world begins with, all but the last ended, and an owner of the log."""
    made = make_world("CREATE TABLE item (id serial PRIMARY KEY)")
    for run_id in RUNS:
        made.start_run(run_id)
        made.reset(made.seed(planned("item", "item", {}, id="item.id"), run_id=run_id))
    for run_id in (RUN, ONE, TWO):
        made.wait(made.database.reset_run(run_id))
    made.execute(OPEN)
    return made


def verify(world: World, expected: str = "") -> LogVerdict:
    """Return what the seeder says of the log."""
    return world.wait(world.database.verify_log([parse_checkpoint(expected)] if expected else []))


def rehash_run(world: World, run_id: str) -> None:
    """Make the hashes of a run's events fit, as somebody would who knows how, and its row too."""
    previous = bytes(32)
    for seq, body in world.wait(
        world.sut.fetch("SELECT seq, body FROM atdm.audit_event WHERE run_id = $1 ORDER BY seq", run_id)
    ):
        digest = hashlib.sha256(previous + body.encode()).digest()
        world.execute(
            "UPDATE atdm.audit_event SET previous = $3, hash = $4 WHERE run_id = $1 AND seq = $2",
            *(run_id, seq, previous, digest),
        )
        previous = digest
    world.execute(
        "UPDATE atdm.run r SET audit_head = $2, audit_seq = (SELECT max(seq) FROM atdm.audit_event WHERE run_id = $1)"
        " WHERE run_id = $1",
        *(run_id, previous),
    )


def rehash_seals(world: World) -> None:
    """Make the seals fit the runs, and their hashes one another."""
    previous = bytes(32)
    for ordinal, body in world.wait(world.sut.fetch("SELECT ordinal, body FROM atdm.seal ORDER BY ordinal")):
        told = world.wait(
            world.sut.fetchrow(
                "SELECT audit_seq, encode(audit_head, 'hex') FROM atdm.run WHERE run_id = $1::json ->> 'run_id'",
                body,
            )
        )
        new = body[: body.index('"last_seq"')] + f'"last_seq": {told[0]}, "head": "{told[1]}"}}'
        digest = hashlib.sha256(previous + new.encode()).digest()
        world.execute(
            "UPDATE atdm.seal SET body = $2, previous = $3, hash = $4 WHERE ordinal = $1",
            ordinal,
            new,
            previous,
            digest,
        )
        previous = digest


EDIT = "UPDATE atdm.audit_event SET body = replace(body, 'tests', 'nobody') WHERE run_id = '{run}' AND seq = 1"
SHIFT = (
    "UPDATE atdm.audit_event SET seq = seq + 100 WHERE run_id = '{run}' AND seq >= 3;"
    "UPDATE atdm.audit_event SET seq = seq - 99 WHERE run_id = '{run}' AND seq > 100;"
)
COPY_ONE = (
    "INSERT INTO atdm.audit_event SELECT run_id, {seq}, kind, request_id, at, body, previous, hash"
    " FROM atdm.audit_event WHERE run_id = '{run}' AND seq = 2"
)
NO_KEY = "ALTER TABLE atdm.audit_event DROP CONSTRAINT audit_event_pkey;"
SWAP = (
    "UPDATE atdm.audit_event SET seq = 100 WHERE run_id = '{run}' AND seq = 2;"
    "UPDATE atdm.audit_event SET seq = 2 WHERE run_id = '{run}' AND seq = 3;"
    "UPDATE atdm.audit_event SET seq = 3 WHERE run_id = '{run}' AND seq = 100;"
)


def test_an_untouched_log_is_intact(world: World) -> None:
    """What was read is counted, and the newest checkpoint is that of the last run that ended."""
    verdict = verify(world)

    assert verdict.intact
    assert (4, 3) == (verdict.runs, verdict.seals)
    assert world.fetch("SELECT count(*) FROM atdm.audit_event") == verdict.events
    assert verdict.checkpoint == world.wait(world.database.reset_run(ONE)).checkpoint
    assert verify(world, verdict.checkpoint).intact


def test_an_old_checkpoint_holds_for_ever(world: World) -> None:
    """Runs that end later do not change what a checkpoint vouches for."""
    checkpoint = verify(world).checkpoint
    world.wait(world.database.reset_run(THREE))

    verdict = verify(world, checkpoint)

    assert verdict.intact
    assert checkpoint != verdict.checkpoint


@pytest.mark.parametrize("run", [ONE, THREE], ids=["ended", "active"])
@pytest.mark.parametrize(
    ("change", "seq", "what"),
    [
        (EDIT, 1, "event 1 was changed: its hash is of another text"),
        ("UPDATE atdm.audit_event SET at = at + interval '1 s' WHERE run_id = '{run}' AND seq = 2", 2, "columns say"),
        ("UPDATE atdm.audit_event SET request_id = NULL WHERE run_id = '{run}' AND seq = 2", 2, "columns say"),
        ("UPDATE atdm.audit_event SET hash = previous WHERE run_id = '{run}' AND seq = 2", 2, "was changed"),
        ("UPDATE atdm.audit_event SET previous = hash WHERE run_id = '{run}' AND seq = 2", 2, "does not follow"),
        ("DELETE FROM atdm.audit_event WHERE run_id = '{run}' AND seq = 3", 3, "event 3 is missing"),
        ("DELETE FROM atdm.audit_event WHERE run_id = '{run}' AND seq = 1", 1, "event 1 is missing"),
        ("DELETE FROM atdm.audit_event WHERE run_id = '{run}' AND seq >= 4", 4, "events from 4 on are missing"),
        (SHIFT + COPY_ONE.format(run="{run}", seq=3), 3, "event 3 does not follow"),
        (NO_KEY + COPY_ONE.format(run="{run}", seq=2), 3, "more than once"),
        (COPY_ONE.format(run="{run}", seq=50), 0, "is missing"),
        (SWAP, 2, "event 2 does not follow"),
        ("DELETE FROM atdm.audit_event WHERE run_id = '{run}'", 1, "events from 1 on are missing"),
        ("DELETE FROM atdm.run WHERE run_id = '{run}'", None, "the run has no row any more"),
    ],
)  # fmt: skip
def test_a_change_is_named_where_it_stands(world: World, run: str, change: str, seq: int | None, what: str) -> None:
    """Edited, moved, doubled, removed, inserted, cut off: the first bad event of the run is named, and no other run."""
    last = world.fetch("SELECT count(*) FROM atdm.audit_event WHERE run_id = $1", run)

    world.execute(change.format(run=run))

    (flaw,) = verify(world).flaws
    assert (run, last + 1 if seq == 0 else seq) == (flaw.run_id, flaw.seq)
    assert what in flaw.what


@pytest.mark.parametrize("run", [ONE, THREE], ids=["ended", "active"])
def test_one_event_hashed_anew_does_not_fit_the_next(world: World, run: str) -> None:
    """Who hashes the changed event alone is found at the one after it."""
    world.execute(EDIT.format(run=run))
    world.execute(
        "UPDATE atdm.audit_event SET hash = sha256(previous || convert_to(body, 'UTF8')) WHERE run_id = $1 AND seq = 1",
        run,
    )

    assert (
        Flaw(run_id=run, seq=2, what="event 2 does not follow what stands before it: one of both was put there"),
    ) == (verify(world).flaws)


def test_a_run_hashed_anew_does_not_fit_its_seal(world: World) -> None:
    """Who hashes the whole run of an ended run anew, its row too, is found by the seal."""
    world.execute(EDIT.format(run=ONE))
    rehash_run(world, ONE)

    (flaw,) = verify(world).flaws
    assert ONE == flaw.run_id
    assert "were written anew: seal 2 is of others" in flaw.what


def test_a_log_hashed_anew_does_not_fit_the_checkpoint(world: World) -> None:
    """Who writes all anew, seals included, leaves a log that fits itself: a checkpoint from outside finds it."""
    checkpoint = verify(world).checkpoint
    world.execute(EDIT.format(run=ONE))
    rehash_run(world, ONE)
    rehash_seals(world)

    assert verify(world).intact
    (flaw,) = verify(world, checkpoint).flaws
    assert (3, "seal 3 is not that of the checkpoint: the log was written anew before it") == (flaw.seal, flaw.what)


DROP_RUN = "DELETE FROM atdm.run WHERE run_id = '{run}'; DELETE FROM atdm.audit_event WHERE run_id = '{run}';"


def test_a_dropped_run_is_missed_by_its_seal(world: World) -> None:
    """A run that ended cannot vanish with all its events: its seal still tells of it."""
    world.execute(DROP_RUN.format(run=ONE))

    assert [Flaw(run_id=ONE, what="the run has no row any more; 0 events of it stand")] == [*verify(world).flaws]


def test_a_run_dropped_with_its_seal_is_missed_by_the_next_seal(world: World) -> None:
    """A seal that is gone leaves a gap; one that is written over does not fit the next."""
    world.execute(DROP_RUN.format(run=ONE))
    world.execute("DELETE FROM atdm.seal WHERE ordinal = 2")

    assert [Flaw(seal=2, what="seal 2 was changed, removed, inserted or moved")] == [*verify(world).flaws]


def test_the_newest_runs_dropped_are_missed_by_the_checkpoint_alone(world: World) -> None:
    """Cut off at its end a log fits itself: only a checkpoint from outside tells that there was more."""
    checkpoint = verify(world).checkpoint
    world.execute(DROP_RUN.format(run=TWO))
    world.execute("DELETE FROM atdm.seal WHERE ordinal = 3")

    assert verify(world).intact
    (flaw,) = verify(world, checkpoint).flaws
    assert "seal 3, of the checkpoint, is missing: the log has 2 seals" == flaw.what


def test_a_forged_checkpoint_is_refused(world: World) -> None:
    """A checkpoint of another log is not taken for one of this, and what is none is an error."""
    forged = f"3:{'0' * 64}"

    assert ["seal 3 is not that of the checkpoint: the log was written anew before it"] == [
        flaw.what for flaw in verify(world, forged).flaws
    ]
    with pytest.raises(InvalidRequest, match="no checkpoint") as caught:
        parse_checkpoint("3:abc")
    assert "as the end of a session printed it" in caught.value.hint


def test_an_end_without_a_seal_is_found(world: World) -> None:
    """A run whose row says that it is over has to be sealed with its last event."""
    world.execute("UPDATE atdm.run SET state = 'ended' WHERE run_id = $1", THREE)

    (flaw,) = verify(world).flaws
    assert THREE == flaw.run_id
    assert "the run is over and not sealed" in flaw.what


def test_many_flaws_are_counted(make_world: MakeWorld) -> None:
    """A hundred runs with a flaw are named, of the others their number is."""
    world = make_world("CREATE TABLE item (id serial PRIMARY KEY)")
    for moment in range(103):
        world.start_run(make_ulid(moment, bytes(10)))
    world.execute(OPEN)
    world.execute("UPDATE atdm.audit_event SET body = body || ' '")

    verdict = verify(world)

    assert (100, 4) == (len(verdict.flaws), verdict.more)


def test_a_sealed_run_takes_no_events(world: World) -> None:
    """What is sealed stays as it is; a run that is started again goes on with its chain, and gets another seal."""
    with pytest.raises(Conflict):
        world.wait(world.database.append_run_events(ONE, ()))
    world.start_run(ONE)

    assert verify(world).intact
    world.wait(world.database.reset_run(ONE))
    verdict = verify(world)
    assert verdict.intact
    assert 4 == verdict.seals


def test_ends_at_one_moment_make_one_chain(make_world: MakeWorld) -> None:
    """Twenty runs that end at once are sealed one after the other, without a gap or a fork."""
    world = make_world("CREATE TABLE item (id serial PRIMARY KEY)")
    runs = [make_ulid(moment, bytes(10)) for moment in range(20)]
    for run_id in runs:
        world.start_run(run_id)

    async def end_all() -> set[str]:
        return {report.checkpoint for report in await asyncio.gather(*map(world.database.reset_run, runs))}

    checkpoints = world.wait(end_all())

    assert 20 == len(checkpoints)
    verdict = verify(world)
    assert verdict.intact
    assert {str(n) for n in range(1, 21)} == {checkpoint.partition(":")[0] for checkpoint in checkpoints}
