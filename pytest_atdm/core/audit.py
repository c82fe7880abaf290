"""The audit log's vocabulary and its chain of hashes.

An event's body is the exact text that the database stores; ``hash = sha256(previous hash || body in UTF-8)``, and the
first event of a run follows 32 zero bytes. Nothing is ever serialised again before hashing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

GENESIS: Final = bytes(32)


class EventKind(StrEnum):
    """Every kind of event; sender, database and pages use these names."""

    RUN_STARTED = "run_started"
    REFERENCE_SEEDED = "reference_seeded"
    REQUEST_RECEIVED = "request_received"
    PLAN_GENERATED = "plan_generated"
    VALIDATOR_PASSED = "validator_passed"
    REQUEST_REFUSED = "request_refused"
    SEED_COMMITTED = "seed_committed"
    FIXTURES_WRITTEN = "fixtures_written"
    CONSUMED_BY_TEST = "consumed_by_test"
    RESET_EXECUTED = "reset_executed"
    BASELINE_TAKEN = "baseline_taken"
    BASELINE_RESTORED = "baseline_restored"
    BASELINE_DROPPED = "baseline_dropped"
    RUN_ENDED = "run_ended"
    RUN_REAPED = "run_reaped"


#: What a client may report itself; everything else only the seeder writes.
CLIENT_EVENTS: Final = frozenset({EventKind.FIXTURES_WRITTEN, EventKind.CONSUMED_BY_TEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event as stored: *body* is JSON text (run_id, seq, at, kind, request_id, detail); hashes are 32 bytes."""

    seq: int
    body: str
    previous: bytes
    hash: bytes


def chain_hash(previous: bytes, body: str) -> bytes:
    """Return the 32-byte hash of an event whose predecessor has the hash *previous*."""
    return hashlib.sha256(previous + body.encode()).digest()


def find_break(events: Sequence[StoredEvent]) -> int | None:
    """Return the sequence number (from 1) at which the chain of one run breaks, or None. Events in stored order."""
    previous = GENESIS
    for expected, event in enumerate(events, start=1):
        if event.seq != expected or event.previous != previous or event.hash != chain_hash(previous, event.body):
            return expected
        previous = event.hash
    return None
