"""The values that pass between the seeder's service and its database. Times are ISO-8601 text in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.audit import EventKind, StoredEvent
    from pytest_atdm.core.model import Cell, Plan, Refusal, ResetReport, Residue

#: ``reaped``: the lease lapsed, or an operator ended the run.
RunState = Literal["active", "ended", "reaped"]
RequestState = Literal["live", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to append; the database adds sequence number, time and hash."""

    kind: EventKind
    detail: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """What a run says of itself. *run_id* is a ULID, *as_of* an ISO date, *owner* its process in its own words.

    *keep_s*: so many seconds its rows stand without anybody renewing its lease; None where somebody does.
    """

    run_id: str
    session_id: str
    actor: str
    seed: int
    as_of: str
    owner: str = ""
    keep_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as stored. *requests* were ever made in it, *live_rows* stand in the ledger. *created* by this call.

    Its lease lasts *lease_s* seconds from the last renewal, until *expires_at*, which is in *lease_left_s* seconds; all
    are None where it is over. *kept*: it was asked to stand without being renewed.
    """

    run_id: str
    session_id: str
    actor: str
    seed: int
    as_of: str
    owner: str
    state: RunState
    epoch: int
    started_at: str
    ended_at: str | None
    lease_s: int | None
    expires_at: str | None
    kept: bool
    age_s: int
    lease_left_s: int | None
    live_rows: int
    requests: int
    created: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A renewed lease: it lasts *lease_s* seconds, until *expires_at*."""

    lease_s: int
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCall:
    """What a caller says beside its plan.

    *plan_hash* is what the plan's bytes have to carry; *epoch* the one of the run that the caller started, 0 where it
    does not say; *context* (test, attempt, actor) goes into the audit log.
    """

    plan_hash: str
    idempotency_key: str
    context: Mapping[str, Cell]
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCommand:
    """A gated plan to write. *request_id* is a new ULID; *token_hash* the SHA-256 of the new cleanup token.

    *epoch* as in ``SeedCall``. *events* come before ``seed_committed``, which the database side appends itself;
    *context* (test, attempt, actor) is stored with the request and in ``seed_committed``.
    """

    request_id: str
    plan: Plan
    plan_hash: str
    idempotency_key: str
    token_hash: bytes
    epoch: int = 0
    events: tuple[NewEvent, ...] = ()
    context: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """What came of trying a plan: *rows* by name as the database held them, *made* by triggers and counted by table."""

    refusal: Refusal | None = None
    rows: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    made: Mapping[str, int] = field(default_factory=dict)
    residue: tuple[Residue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOutcome:
    """The rows as the database holds them, by row name, columns in table order.

    *counts* says how many rows of each table are in the ledger. *replayed*: the same key and plan had been seeded
    before; *request_id* and *rows* are of then, the token is new.
    """

    request_id: str
    rows: Mapping[str, Mapping[str, Cell]]
    counts: Mapping[str, int]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request as stored. *rows* counts by table id what it seeded; *report* is there once it has been reset."""

    request_id: str
    run_id: str
    request_key: str
    scenario: str
    plan_hash: str
    state: RequestState
    rows: Mapping[str, int]
    created_at: str
    reset_at: str | None
    report: ResetReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTable:
    """Reference rows of one table, told apart by the columns *key*; every row has them."""

    table: str
    key: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceReport:
    """What seeding the reference rows did, as counts by table id."""

    inserted: Mapping[str, int]
    updated: Mapping[str, int]
    unchanged: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event: its fields, and *stored*, the exact body with the hashes."""

    seq: int
    at: str
    kind: str
    request_id: str | None
    detail: Mapping[str, Cell]
    stored: StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTrail:
    """A run's events from the first on. *broken_at* is the sequence number where the chain breaks, or None."""

    run: RunRecord
    events: tuple[EventRecord, ...]
    broken_at: int | None

    @property
    def intact(self) -> bool:
        """True where every event follows its predecessor's hash."""
        return self.broken_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What stands in ATDM's schema now: counts. *pending*: sealed, and not exported yet, the oldest for *pending_s*."""

    active_runs: int
    live_requests: int
    live_rows: int
    events: int
    pending_events: int = 0
    pending_seals: int = 0
    pending_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingRole:
    """The role that seeding and reset run as, and the one that connects.

    *excess* says what the role is beyond one that reads and writes rows, *advice* how to end that; both are empty where
    it is nothing.
    """

    role: str
    login: str
    excess: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What was done to a database before any work: migrations by name, and the statements that granted rights.

    *lacking* are the statements for those of ATDM's roles that the server has not, and that role may not make.
    """

    applied: tuple[str, ...]
    granted: tuple[str, ...]
    lacking: tuple[str, ...]
