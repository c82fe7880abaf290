"""Events on their way into the chain of a run, and the chain read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_atdm.core.audit import StoredEvent, find_break
from pytest_atdm.core.errors import Unauthorized
from seeder.db.border import translated
from seeder.db.cells import dump_json
from seeder.db.queries import QUERIES
from seeder.db.runs import read_run, unknown_request
from seeder.records import AuditTrail, EventRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seeder.db.pool import Pool
    from seeder.records import NewEvent


def dump_events(events: Sequence[NewEvent]) -> tuple[list[str], list[str]]:
    """Return the events as ``atdm.append_events`` takes them: their kinds, and their details as JSON."""
    return [event.kind for event in events], [dump_json(event.detail) for event in events]


async def append_events(pool: Pool, request_id: str, token_hash: bytes, events: Sequence[NewEvent]) -> None:
    """Append to the chain of the request's run.

    Raises:
        NotFound: no such request.
        Unauthorized: the token is not this request's.
    """
    with translated("appending events"):
        row = await pool.fetchrow(QUERIES["append_client_events"], request_id, token_hash, *dump_events(events))
    if row is None:
        raise unknown_request(request_id)
    if row["seq"] is None:
        raise wrong_token(request_id)


async def append_run_events(pool: Pool, run_id: str, events: Sequence[NewEvent]) -> None:
    """Append events that belong to no request.

    Raises:
        NotFound: no such run.
    """
    with translated("appending events"):
        await pool.fetchval(QUERIES["append_run_events"], run_id, *dump_events(events))


async def read_events(pool: Pool, run_id: str) -> AuditTrail:
    """Return the run's trail, its chain checked.

    Raises:
        NotFound: no such run.
    """
    run = await read_run(pool, run_id)
    with translated("reading the audit trail"):
        rows = await pool.fetch(QUERIES["read_events"], run_id)
    stored = [StoredEvent(seq=seq, body=body, previous=previous, hash=digest) for seq, body, previous, digest in rows]
    return AuditTrail(run=run, events=tuple(_read_event(event) for event in stored), broken_at=find_break(stored))


def _read_event(event: StoredEvent) -> EventRecord:
    """Read the body, not the columns beside it: the body is what the chain vouches for."""
    body = json.loads(event.body)
    return EventRecord(
        seq=event.seq,
        at=body["at"],
        kind=body["kind"],
        request_id=body["request_id"],
        detail=body["detail"],
        stored=event,
    )


def wrong_token(request_id: str) -> Unauthorized:
    """Return the error for a cleanup token that is not the request's."""
    return Unauthorized(
        f"this cleanup token is not that of request {request_id}",
        hint="take cleanup_token from the newest receipt; a replay gives a new one, and the older stops working",
    )
