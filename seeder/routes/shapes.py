"""What the routes answer where a stored record is not for callers as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_atdm.core.model import Cell, Finding

if TYPE_CHECKING:
    from seeder.records import AuditTrail, EventRecord, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsShape:
    """Rows by table id."""

    rows: Mapping[str, tuple[Mapping[str, Cell], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsShape:
    """One truth value for each row that was asked about, in their order."""

    verdicts: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """A run: *requests* were ever made in it, *live_rows* stand in the target now. Times are ISO-8601 in UTC.

    *state* is ``reaped`` where it was ended for its owner. It was started *age_s* seconds ago. The lease of an
    active run lapses at *expires_at*, in *lease_left_s* seconds; *kept*: nobody has to renew it until then.
    """

    run_id: str
    session_id: str
    actor: str
    owner: str
    seed: int
    as_of: str
    state: Literal["active", "ended", "reaped"]
    epoch: int
    started_at: str
    ended_at: str | None
    expires_at: str | None
    kept: bool
    age_s: int
    lease_left_s: int | None
    live_rows: int
    requests: int
    audit_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShape:
    """One event. *body* is the exact text that was hashed: ``hash = sha256(previous || body)``; hashes in hex."""

    seq: int
    at: str
    kind: str
    request_id: str | None
    detail: Mapping[str, Cell]
    body: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditShape:
    """A run's whole audit trail. *broken_at* is the sequence number at which the chain of hashes breaks, or null."""

    run: RunShape
    events: tuple[EventShape, ...]
    intact: bool
    broken_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendedShape:
    """How many events were appended."""

    appended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShape:
    """The seeder's version and the plan format that it reads."""

    version: str
    plan_format: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusShape:
    """*status* is ``ok``; anything else is a problem document."""

    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """RFC 9457. *code* is stable, *detail* says what and where, *hint* what to do, *findings* what the gate found."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    findings: tuple[Finding, ...]
    retryable: bool
    instance: str


def shape_run(run: RunRecord, audit_url: str) -> RunShape:
    """Return *run* as callers see it."""
    return RunShape(
        run_id=run.run_id,
        session_id=run.session_id,
        actor=run.actor,
        owner=run.owner,
        seed=run.seed,
        as_of=run.as_of,
        state=run.state,
        epoch=run.epoch,
        started_at=run.started_at,
        ended_at=run.ended_at,
        expires_at=run.expires_at,
        kept=run.kept,
        age_s=run.age_s,
        lease_left_s=run.lease_left_s,
        live_rows=run.live_rows,
        requests=run.requests,
        audit_url=audit_url,
    )


def shape_trail(trail: AuditTrail, audit_url: str) -> AuditShape:
    """Return *trail* as callers see it."""
    return AuditShape(
        run=shape_run(trail.run, audit_url),
        events=tuple(shape_event(event) for event in trail.events),
        intact=trail.intact,
        broken_at=trail.broken_at,
    )


def shape_event(event: EventRecord) -> EventShape:
    """Return *event* as callers see it: everything that is needed to check the chain again."""
    return EventShape(
        seq=event.seq,
        at=event.at,
        kind=event.kind,
        request_id=event.request_id,
        detail=event.detail,
        body=event.stored.body,
        previous=event.stored.previous.hex(),
        hash=event.stored.hash.hex(),
    )
