"""A log that was changed anywhere is found out, at the first event that is not as it was written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.audit import GENESIS, StoredEvent, chain_hash
from pytest_atdm.core.audit_check import ChainEnd, Checkpoint, Entry, LogCheck, LogVerdict, parse_checkpoint
from pytest_atdm.core.errors import InvalidRequest

Log = tuple[list[Entry], dict[str, ChainEnd], list[StoredEvent]]


def make_log(lengths: Sequence[int]) -> Log:
    """Return a log of ended runs with so many events each."""
    entries: list[Entry] = []
    ends: dict[str, ChainEnd] = {}
    seals: list[StoredEvent] = []
    for number, length in enumerate(lengths):
        run_id, head = f"RUN{number:03}", GENESIS
        for seq in range(1, length + 1):
            body, previous = f"event {seq} of {run_id}", head
            head = chain_hash(previous, body)
            entries.append(Entry(run_id, seq, body, previous, head, agrees=True))
        ends[run_id] = ChainEnd(is_over=True, last_seq=length, head=head)
        seals.append(seal(run_id, length, head, seals))
    return entries, ends, seals


def seal(run_id: str, last_seq: int, head: bytes, before: Sequence[StoredEvent]) -> StoredEvent:
    """Return the next seal after those *before*."""
    previous = before[-1].hash if before else GENESIS
    body = json.dumps({"run_id": run_id, "last_seq": last_seq, "head": head.hex()})
    return StoredEvent(seq=len(before) + 1, body=body, previous=previous, hash=chain_hash(previous, body))


def judge(log: Log, expected: Checkpoint | None = None) -> LogVerdict:
    """Return the verdict on *log*."""
    entries, ends, seals = log
    check = LogCheck(ends, seals, [expected] if expected else [])
    check.add(entries)
    return check.finish()


lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@given(lengths)
def test_what_was_written_is_intact(lengths: list[int]) -> None:
    """No log that nobody touched has a flaw, and it fits each of its checkpoints."""
    log = make_log(lengths)

    verdict = judge(log)

    assert ((), sum(lengths), len(lengths)) == (verdict.flaws, verdict.events, verdict.runs)
    for one in log[2]:
        assert judge(log, parse_checkpoint(f"{one.seq}:{one.hash.hex()}")).intact


@given(lengths, st.data())
def test_an_event_changed_or_removed_is_the_one_that_is_named(lengths: list[int], data: st.DataObject) -> None:
    """In whichever run it stands, whatever of it was changed: this run is named with this event, and no other run."""
    entries, ends, seals = make_log(lengths)
    place = data.draw(st.integers(0, len(entries) - 1))
    victim = entries[place]
    how = data.draw(st.sampled_from(("remove", "body", "hash", "previous", "seq", "columns")))
    changed = {
        "remove": [],
        "body": [dataclasses.replace(victim, body=victim.body + " ")],
        "hash": [dataclasses.replace(victim, hash=bytes(32))],
        "previous": [dataclasses.replace(victim, previous=b"\1" * 32)],
        "seq": [dataclasses.replace(victim, seq=victim.seq + 7)],
        "columns": [dataclasses.replace(victim, agrees=False)],
    }[how]

    (flaw,) = judge(([*entries[:place], *changed, *entries[place + 1 :]], ends, seals)).flaws

    assert (victim.run_id, victim.seq) == (flaw.run_id, flaw.seq)


@given(lengths, st.data())
def test_a_tail_cut_off_is_named_where_it_began(lengths: list[int], data: st.DataObject) -> None:
    """Events that lack at the end of a run are missed, though what stands fits together; the row may say so or not."""
    entries, ends, seals = make_log(lengths)
    place = data.draw(st.integers(0, len(entries) - 1))
    first = entries[place]
    kept = [one for one in entries if one.run_id != first.run_id or one.seq < first.seq]
    if data.draw(st.booleans(), label="the run's row is made to fit"):
        ends[first.run_id] = ChainEnd(is_over=True, last_seq=first.seq - 1, head=first.previous)

    (flaw,) = judge((kept, ends, seals)).flaws

    assert (first.run_id, first.seq) == (flaw.run_id, flaw.seq)


@given(lengths, st.data())
def test_a_run_written_anew_is_missed_by_its_seal(lengths: list[int], data: st.DataObject) -> None:
    """Other events with hashes that fit, the run's row too: the seal is of others."""
    entries, ends, seals = make_log(lengths)
    run_id = data.draw(st.sampled_from(sorted(ends)))
    head = GENESIS
    forged = []
    for one in entries:
        if one.run_id == run_id:
            body = one.body.replace("event", "lie")
            head, previous = chain_hash(head, body), head
            forged.append(Entry(run_id, one.seq, body, previous, head, agrees=True))
        else:
            forged.append(one)
    ends[run_id] = ChainEnd(is_over=True, last_seq=ends[run_id].last_seq, head=head)

    (flaw,) = judge((forged, ends, seals)).flaws

    assert run_id == flaw.run_id
    assert "were written anew" in flaw.what


@given(st.lists(st.integers(1, 3), min_size=2, max_size=4), st.data())
def test_a_seal_changed_or_removed_is_named(lengths: list[int], data: st.DataObject) -> None:
    """A seal that does not follow the one before it is named by its place; text that is no JSON does no harm."""
    entries, ends, seals = make_log(lengths)
    place = data.draw(st.integers(0, len(seals) - 2))
    how = data.draw(st.sampled_from(("remove", "body")))
    seals[place : place + 1] = [] if how == "remove" else [dataclasses.replace(seals[place], body="nonsense")]

    assert [place + 1] == [flaw.seal for flaw in judge((entries, ends, seals)).flaws]


@pytest.mark.parametrize("text", ["nonsense", "[]", "{}", '{"run_id": "RUN000", "last_seq": 1, "head": "x"}'])
def test_a_seal_that_seals_nothing_is_named_though_its_hash_fits(text: str) -> None:
    """Who writes a seal anew with a hash that fits cannot have it pass for nothing, or keep the log from being read."""
    entries, ends, _ = make_log([2])
    forged = StoredEvent(seq=1, body=text, previous=GENESIS, hash=chain_hash(GENESIS, text))

    first, second = judge((entries, ends, [forged])).flaws

    assert (1, "seal 1 was written anew: it seals no run") == (first.seal, first.what)
    assert "the run is over and not sealed" in second.what


@pytest.mark.parametrize("text", ["", "3", "0:" + "a" * 64, "3:" + "a" * 63, "x:" + "a" * 64, "-1:" + "a" * 64])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Only what a session prints is read as a checkpoint."""
    with pytest.raises(InvalidRequest, match="is no checkpoint"):
        parse_checkpoint(text)


def test_a_checkpoint_is_read_as_it_is_written() -> None:
    """Text and value are the same."""
    checkpoint = Checkpoint(12, bytes(range(32)))

    assert checkpoint == parse_checkpoint(f" {checkpoint}\n")
