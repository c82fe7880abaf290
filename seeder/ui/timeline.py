"""A run's audit trail as what the page shows: groups of steps, each with a sentence, facts and counts. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_atdm.core.audit import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_atdm.core.model import Cell
    from seeder.records import AuditTrail, EventRecord

Tone = Literal["plain", "good", "bad", "gone"]

_HASH_CHARACTERS: Final = 10
_KEY_CHARACTERS: Final = 8
_KEYS: Final = "keys"  # of a committed seed: the primary key of each row, by the row's name in the plan
_TITLES: Final[Mapping[str, tuple[str, Tone]]] = {
    EventKind.RUN_STARTED: ("Run started", "plain"),
    EventKind.REFERENCE_SEEDED: ("Reference rows seeded", "plain"),
    EventKind.REQUEST_RECEIVED: ("Request received", "plain"),
    EventKind.PLAN_GENERATED: ("Plan generated", "plain"),
    EventKind.VALIDATOR_PASSED: ("Validators passed", "good"),
    EventKind.REQUEST_REFUSED: ("Request refused", "bad"),
    EventKind.SEED_COMMITTED: ("Seed committed", "good"),
    EventKind.FIXTURES_WRITTEN: ("Fixtures written", "plain"),
    EventKind.CONSUMED_BY_TEST: ("Consumed by test", "plain"),
    EventKind.RESET_EXECUTED: ("Reset executed", "gone"),
    EventKind.BASELINE_RESTORED: ("Baseline restored", "gone"),
    EventKind.RUN_ENDED: ("Run ended", "plain"),
}
#: Keys that the heading of a group shows, or one that says the same by another name.
_HEADING: Final = frozenset({"scenario", "test", "request_key"})
#: The order of the others; the database keeps none.
_FACTS: Final = ("outcome", "actor", "session_id", "attempt", "overrides", "plan_hash", "seed", "as_of")
#: Keys of a detail that hold counts by table, and what the page calls them.
_COUNTS: Final = {
    "rows": "rows",
    "seeded": "removed, seeded",
    "made_by_sut": "removed, made by the application",
    "inserted": "inserted",
    "updated": "updated",
    "deleted": "deleted",
    "unchanged": "unchanged",
}
#: Of a reset: what was done beyond, by table and then by kind; the rows that it tells of; how many more there are.
_BEYOND: Final = "beyond"
_ROWS: Final = ("left", "detached", "changed")
_MORE: Final = "more_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time: *iso* for machines, *clock* (UTC, milliseconds) for people, *offset* since the group's first event."""

    iso: str
    clock: str
    offset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One event's place in the chain: sequence number, and its hashes short and whole."""

    seq: int
    short: str
    hash: str
    previous: str
    is_broken: bool
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One entry of an event's detail; *text* is *whole* or the beginning of a hash."""

    name: str
    text: str
    whole: str
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Rows by table under one *label*."""

    label: str
    tables: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(number for _, number in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRow:
    """A row that was committed: its name in the plan, and its key, short and whole."""

    name: str
    key: str
    whole: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the timeline; the validators of a request share one, with a mark each."""

    title: str
    tone: Tone
    moment: Moment
    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...] = ()
    counts: tuple[Count, ...] = ()
    written: tuple[WrittenRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The steps of one request, or of the run itself (*request_id* None)."""

    title: str
    request_id: str | None
    status: str
    tone: Tone
    test: str
    duration: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailView:
    """The whole page."""

    run_id: str
    session_id: str
    actor: str
    state: str
    as_of: str
    seed: int
    requests: int
    live_rows: int
    started: Moment
    duration: str
    events: int
    broken_at: int | None
    head: Mark | None
    groups: tuple[Group, ...]
    seeded_rows: int
    removed_rows: int
    removed_sut_rows: int


def trail_view(trail: AuditTrail) -> TrailView:
    """Return what the page of *trail* shows."""
    run = trail.run
    end = trail.events[-1].at if trail.events else run.started_at
    return TrailView(
        run_id=run.run_id,
        session_id=run.session_id,
        actor=run.actor,
        state=run.state,
        as_of=run.as_of,
        seed=run.seed,
        requests=run.requests,
        live_rows=run.live_rows,
        started=show_moment(run.started_at),
        duration=show_duration(_seconds_between(run.started_at, end)),
        events=len(trail.events),
        broken_at=trail.broken_at,
        head=_mark(trail.events[-1], trail.broken_at) if trail.events else None,
        groups=tuple(_group(events, trail.broken_at) for events in _split(trail.events)),
        seeded_rows=sum(len(list(_written_rows(event.detail))) for event in trail.events),
        removed_rows=_sum_rows(trail.events, EventKind.RESET_EXECUTED, "seeded"),
        removed_sut_rows=_sum_rows(trail.events, EventKind.RESET_EXECUTED, "made_by_sut"),
    )


def show_moment(iso: str, since: str | None = None) -> Moment:
    """Return *iso* (ISO-8601) for the page, with the time since *since* where given."""
    time = datetime.datetime.fromisoformat(iso).astimezone(datetime.UTC)
    passed_s = 0.0 if since is None else _seconds_between(since, iso)
    offset = f"+{show_duration(passed_s)}" if passed_s else ""
    return Moment(iso=iso, clock=f"{time:%H:%M:%S}.{time.microsecond // 1000:03}", offset=offset)


def show_duration(seconds: float) -> str:
    """Return *seconds* with the unit that suits: ``0 ms``, ``12 ms``, ``3.4 s``, ``5 min 2 s``, ``3 h 4 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _split(events: Sequence[EventRecord]) -> list[list[EventRecord]]:
    """Return the events by request, in the order in which each began; neighbours of the run itself stay together."""
    groups: list[list[EventRecord]] = []
    by_request: dict[str, list[EventRecord]] = {}
    for event in events:
        group = by_request.get(event.request_id) if event.request_id else (groups[-1] if groups else None)
        if group is None or (event.request_id is None and not _belong_together(group[-1], event)):
            group = []
            groups.append(group)
        if event.request_id:
            by_request[event.request_id] = group
        group.append(event)
    return groups


def _belong_together(last: EventRecord, event: EventRecord) -> bool:
    """Return whether both are the run's own; a refused request stands alone, as it never got an id."""
    return last.request_id is None and EventKind.REQUEST_REFUSED not in (last.kind, event.kind)


def _group(events: Sequence[EventRecord], broken_at: int | None) -> Group:
    details: dict[str, Cell] = {key: value for event in reversed(events) for key, value in event.detail.items()}
    kinds = {event.kind for event in events}
    status, tone = _status(kinds, details)
    return Group(
        title=str(details.get("scenario", "Run")),
        request_id=events[0].request_id,
        status=status,
        tone=tone,
        test=str(details.get("test", "")),
        duration=show_duration(_seconds_between(events[0].at, events[-1].at)),
        steps=tuple(_drop_repeated(_steps(events, broken_at))),
    )


def _status(kinds: set[str], details: Mapping[str, Cell]) -> tuple[str, Tone]:
    if EventKind.REQUEST_REFUSED in kinds:
        return "refused", "bad"
    if EventKind.RESET_EXECUTED in kinds:
        return ("reset, rows left", "bad") if details.get("left") else ("reset", "gone")
    if EventKind.SEED_COMMITTED in kinds:
        return "live", "good"
    return ("ended", "plain") if EventKind.RUN_ENDED in kinds else ("", "plain")


def _steps(events: Sequence[EventRecord], broken_at: int | None) -> Iterable[Step]:
    """Yield a step for each event; validators that passed in a row share one."""
    pending: list[EventRecord] = []
    for event in [*events, None]:
        if event is not None and event.kind == EventKind.VALIDATOR_PASSED:
            pending.append(event)
            continue
        if pending:
            yield _step(pending, events[0].at, broken_at)
            pending = []
        if event is not None:
            yield _step([event], events[0].at, broken_at)


def _drop_repeated(steps: Iterable[Step]) -> Iterable[Step]:
    """Yield the steps, each without the facts that an earlier one has shown already."""
    seen: set[tuple[str, str]] = set()
    for step in steps:
        fresh = tuple(fact for fact in step.facts if (fact.name, fact.whole) not in seen)
        seen |= {(fact.name, fact.whole) for fact in fresh}
        yield dataclasses.replace(step, facts=fresh)


def _step(events: Sequence[EventRecord], since: str, broken_at: int | None) -> Step:
    event = events[0]
    title, tone = _TITLES.get(event.kind, (event.kind.replace("_", " ").capitalize(), "plain"))
    outcome = event.detail.get("outcome")
    if outcome is not None:
        tone = "good" if outcome == "passed" else "bad"
    is_gate = event.kind == EventKind.VALIDATOR_PASSED
    return Step(
        title=title,
        tone=tone,
        moment=show_moment(event.at, since),
        marks=tuple(_mark(one, broken_at) for one in events),
        facts=() if is_gate else tuple(_facts(event.detail)),
        counts=tuple(_counts(event.detail)),
        written=tuple(_written_rows(event.detail)),
    )


def _mark(event: EventRecord, broken_at: int | None) -> Mark:
    digest = event.stored.hash.hex()
    return Mark(
        seq=event.seq,
        short=digest[:_HASH_CHARACTERS],
        hash=digest,
        previous=event.stored.previous.hex(),
        is_broken=broken_at is not None and event.seq >= broken_at,
        label=str(event.detail.get("validator", "")),
    )


def _facts(detail: Mapping[str, Cell]) -> Iterable[Fact]:
    """Yield what is neither a count nor in the heading of the group: known keys in our order, then the others."""
    known = [key for key in _FACTS if key in detail]
    for key in [*known, *(key for key in detail if key not in _FACTS)]:
        value = detail[key]
        if key in _HEADING or (key in (*_COUNTS, _KEYS, _BEYOND) and isinstance(value, Mapping)):
            continue
        if whole := _show_rows(value) if key in _ROWS else _show_value(value or None if key == _MORE else value):
            is_hash = whole.startswith("sha256:")
            text = whole.removeprefix("sha256:")[:_HASH_CHARACTERS] if is_hash else whole
            yield Fact(name=key.replace("_", " "), text=text, whole=whole, is_code=is_hash)


def _show_rows(rows: Cell) -> str:
    """Return the rows that a reset tells of: table, key, why."""
    listed = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return "; ".join(f"{row.get('table')} {_show_value(row.get('key'))}: {row.get('why')}" for row in listed)


def _show_value(value: Cell) -> str:
    """Return a value of a detail as text; empty ones vanish."""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_show_value(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(_show_value(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _counts(detail: Mapping[str, Cell]) -> Iterable[Count]:
    for key, label in _COUNTS.items():
        yield from _count(label, detail.get(key))
    beyond = detail.get(_BEYOND)
    tables = beyond.items() if isinstance(beyond, Mapping) else ()
    for kind in ("inserted", "updated", "deleted"):
        found = {table: counts.get(kind, 0) for table, counts in tables if isinstance(counts, Mapping)}
        yield from _count(f"{kind} beyond, by triggers or ON DELETE", found)


def _count(label: str, value: Cell) -> Iterable[Count]:
    if isinstance(value, Mapping):
        counts = ((str(name).removeprefix("public."), number) for name, number in value.items())
        tables = tuple((name, number) for name, number in counts if isinstance(number, int) and number)
        if tables:
            yield Count(label=label, tables=tables)


def _written_rows(detail: Mapping[str, Cell]) -> Iterable[WrittenRow]:
    keys = detail.get(_KEYS)
    for name, key in sorted(keys.items()) if isinstance(keys, Mapping) else ():
        whole = _show_value(key)
        short = ", ".join(str(part)[:_KEY_CHARACTERS] for part in key.values()) if isinstance(key, Mapping) else whole
        yield WrittenRow(name=name, key=short, whole=whole)


def _sum_rows(events: Sequence[EventRecord], kind: EventKind, key: str) -> int:
    counts = [event.detail.get(key) for event in events if event.kind == kind]
    return sum(
        number for count in counts if isinstance(count, Mapping) for number in count.values() if isinstance(number, int)
    )


def _seconds_between(first: str, last: str) -> float:
    return (datetime.datetime.fromisoformat(last) - datetime.datetime.fromisoformat(first)).total_seconds()
