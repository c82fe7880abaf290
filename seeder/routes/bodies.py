"""What callers send, as values. ``wire.load`` reads them: strict, and every fault is named with its path."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import Field

from pytest_atdm.core.model import Cell
from pytest_atdm.core.strict import Strict

_NO_NUL: Final = r"^[^\x00]*$"  # Postgres stores no text with it
Ulid = Annotated[str, Field(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=_NO_NUL)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
ClientEventKind = Literal["fixtures_written", "consumed_by_test"]
Epoch = Annotated[int, Field(ge=1, lt=2**31)]
#: At most 30 days.
Keep = Annotated[int, Field(ge=1, le=2_592_000)]
MAX_EVENTS: Final = 100
MAX_TABLES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBody(Strict):
    """A run to start. *run_id* is a ULID, new or of a run that is over; *as_of* the date that others are relative to.

    *owner* names the process, for people. Its rows stand as long as its lease is renewed; with *keep_s* so many seconds
    without that.
    """

    run_id: Ulid
    session_id: Name
    actor: Name
    seed: Seed
    as_of: datetime.date
    owner: Annotated[str, Field(max_length=500, pattern=_NO_NUL)] = ""
    keep_s: Keep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatBody(Strict):
    """The *epoch* of the run that the answer to its start named."""

    epoch: Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReapBody(Strict):
    """The run to end whatever its lease; without *run_id* all whose lease has lapsed."""

    run_id: Ulid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceBody(Strict):
    """The domain of the catalog whose reference rows shall stand; *run_id* is the run whose audit log says so.

    Without it a run is started for this call, and ended.
    """

    domain: Name
    run_id: Ulid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioBody(Strict):
    """A situation asked for by intent.

    *overrides* are parameters of the scenario, ``entity__column``, or an entity with columns; always literals.
    Without *run_id* a run is started for this request, and its rows stand for *keep_s* seconds, a day unless told; with
    it, *seed* and *as_of* default to the run's, and so does how long the rows stand.
    """

    scenario: Name
    overrides: dict[str, Cell] = field(default_factory=dict)
    run_id: Ulid | None = None
    request_key: Name | None = None
    seed: Seed | None = None
    as_of: datetime.date | None = None
    actor: Name | None = None
    keep_s: Keep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsBody(Strict):
    """Tables (ids) of which the first rows are wanted, at most *limit* of each."""

    tables: Annotated[list[Name], Field(max_length=MAX_TABLES)]
    limit: Annotated[int, Field(ge=1, le=100)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBody(Strict):
    """Tables (ids) whose content is summed."""

    tables: Annotated[list[Name], Field(max_length=MAX_TABLES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsBody(Strict):
    """*rows*: cells by column, for the CHECK *constraint* of the table with the id *table* to be judged over."""

    table: Name
    constraint: Name
    rows: Annotated[list[dict[str, Cell]], Field(max_length=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBody(Strict):
    """Something that happened at the client; *kind* is one of the two that only a client can know."""

    kind: ClientEventKind
    detail: dict[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsBody(Strict):
    """Events to append to the run's audit log, in this order."""

    events: Annotated[list[EventBody], Field(max_length=MAX_EVENTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextBody(Strict):
    """Who asks: the test's id, which attempt of it, and the actor. Sent as JSON in the header ATDM-Context."""

    test: Annotated[str, Field(max_length=2000, pattern=_NO_NUL)] | None = None
    attempt: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    actor: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineBody(Strict):
    """A baseline to take: *name* of lower-case letters, digits, ``-`` and ``_``; *tables* (ids), none for all."""

    name: Name
    tables: Annotated[tuple[Name, ...], Field(max_length=MAX_TABLES)] = ()
    actor: Name = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBody(Strict):
    """How to restore: *force* takes other runs' rows away."""

    force: bool = False
    actor: Name = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropBody(Strict):
    """Who drops the baseline, for the audit log."""

    actor: Name = "api"
