"""The values that travel: plan, finding, receipt.

A cell is a JSON value that Postgres reads as the column's type: numbers of arbitrary precision, dates, uuids and
everything else that JSON does not know are strings in Postgres' own notation; json and jsonb columns hold the JSON
itself.  ``wire`` builds its strict readers from the annotations of these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_atdm.core.strict import Strict

PLAN_FORMAT: Final = 2
#: The source of a value that the caller gave.
OVERRIDE: Final = "override"

if TYPE_CHECKING:
    from typing_extensions import TypeAliasType

    Cell = TypeAliasType("Cell", "bool | int | float | str | list[Cell] | dict[str, Cell] | None")
else:
    Cell = Any  # whatever JSON can say is a cell: a reader that took the union apart would take twice as long


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow(Strict):
    """One row to insert.

    *name* is unique in the plan: the entity's name, ``visits[0]`` for an entity with a count, ``order.buyer`` for a
    parent that nobody named. *values* maps column to cell. *keys* maps column to ``row.column`` whose value the
    database will allot (serial and identity keys): the row's own key, or a reference to another planned row's.
    A column in neither is left to its default.
    """

    name: str
    entity: str
    table: str
    values: Mapping[str, Cell]
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingRow(Strict):
    """A reference row of the catalog that the situation refers to; never inserted, never deleted."""

    name: str
    entity: str
    table: str
    values: Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise(Strict):
    """A condition over entities that holds whatever is overridden; *source* is catalog file and line."""

    expression: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Strict):
    """Rows of an entity that are too many for a plan: its first *sample* rows stand there, *rows* more follow it.

    The row with the index *i* is called ``entity[i]``, whether it stands in the plan or follows. *formulas* are those
    that the scenario gives, by column.
    """

    entity: str
    table: str
    sample: int
    rows: int
    formulas: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """All rows of the entity."""
        return self.sample + self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Strict):
    """The concrete rows of one request, parents before children.

    Pure function of (scenario, schema, overrides, run id, request key, seed, as_of).
    *as_of* is ISO-8601 (a date); *schema* is the schema's fingerprint; *sources* maps ``row.column`` to where its value
    came from (catalog file and line, or ``override``); a cell without an entry was generated. *volumes* are the
    entities of which only the first rows are here.
    """

    scenario: str
    domain: str
    schema: str
    run_id: str
    request_key: str
    seed: int
    as_of: str
    parameters: Mapping[str, Cell]
    overrides: Mapping[str, Cell]
    rows: tuple[PlannedRow, ...]
    existing: tuple[ExistingRow, ...] = ()
    promises: tuple[Promise, ...] = ()
    volumes: tuple[Volume, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    format: int = PLAN_FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Strict):
    """One thing the gate objects to.

    *path* is ``$.entities.<row>.<column>`` (or ``$.promises[0]``); *source* says where the value came from.
    """

    rule: str
    path: str
    value: Cell
    source: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededEntity(Strict):
    """The rows of one entity as the database holds them, columns in table order. *many* where it has a count.

    *more* rows of a volume stand in the database beside those listed.
    """

    table: str
    rows: tuple[Mapping[str, Cell], ...]
    many: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Strict):
    """The answer to a request. The cleanup token is in it once, and stored nowhere.

    *kept_until*: the moment when the rows go, where their run was started for this request alone.
    """

    request_id: str
    run_id: str
    request_key: str
    scenario: str
    plan_hash: str
    as_of: str
    entities: Mapping[str, SeededEntity]
    cleanup_token: str
    audit_url: str
    rows: int
    replayed: bool = False
    kept_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun(Strict):
    """A run that may be seeded into, in its *epoch*, which counts its starts.

    Its lease lapses at *expires_at*, *lease_s* seconds after it was granted or renewed last. Times are ISO-8601 in UTC.
    The seeder answers whatever it is asked within *answer_s* seconds, if with an error.
    """

    run_id: str
    state: str
    epoch: int
    lease_s: int
    expires_at: str
    answer_s: float
    started_at: str
    audit_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRow(Strict):
    """A row that stands after a reset, of which something is to be told: *why*."""

    table: str
    key: Mapping[str, Cell]
    why: str


RemovedBy = Literal["owner", "operator", "reaper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffect(Strict):
    """What became of rows of one table that nobody asked for: so many writes of each kind."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingIndex(Strict):
    """A reference whose columns no index covers: what goes from *parent* has *table* read as a whole.

    *rows* is about how many it has; *statement* makes the index.
    """

    table: str
    columns: tuple[str, ...]
    parent: str
    rows: int
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetReport(Strict):
    """What a reset removed, by table id, and what it left. *already* is True where it had been reset before.

    *detached*: rows from before whose reference was set to NULL. *left*: rows that would have gone, and stand.
    *beyond*: what triggers, rules and ON DELETE did with other rows, by table id. *changed*: the first of the rows from
    before that seeded rows refer to and that were written since, which a reset does not undo; *more_changed* follow
    them. *missing_indexes* are told at the end of a run, about the tables below those that it seeded.
    *by*: the request's or run's ``owner``; an ``operator``, who reset everything; or the ``reaper``, who reset a run
    whose lease had lapsed. *checkpoint* vouches for every run that has ended, this one too where it has.
    """

    seeded: Mapping[str, int]
    made_by_sut: Mapping[str, int]
    detached: tuple[LeftRow, ...] = ()
    left: tuple[LeftRow, ...] = ()
    beyond: Mapping[str, SideEffect] = field(default_factory=dict)
    changed: tuple[LeftRow, ...] = ()
    more_changed: int = 0
    missing_indexes: tuple[MissingIndex, ...] = ()
    requests: int = 1
    already: bool = False
    by: RemovedBy = "owner"
    checkpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNow(Strict):
    """One row of a request as it stands: *cells* by column, None where it is gone; not *seeded*: it came below one."""

    table: str
    key: Mapping[str, Cell]
    seeded: bool
    cells: Mapping[str, Cell] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsNow(Strict):
    """What a reset of a request would remove: the rows seeded, in the order of their making, then what came below them.

    *more* rows are not listed. Of a request that is reset there are none.
    """

    rows: tuple[RowNow, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReapedRun(Strict):
    """A run that was ended for its owner, and what that removed."""

    run_id: str
    report: ResetReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Strict):
    """What the database said against a row, in its own words.

    *stage*: ``insert``, deferred constraints and triggers included, or ``delete``. *rows* are the planned rows of which
    nothing came. *table* (an id), *column* and *constraint* as far as Postgres names them; *context* is where in which
    function it was said.
    """

    stage: str
    code: str
    message: str
    detail: str = ""
    context: str = ""
    table: str = ""
    column: str = ""
    constraint: str = ""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue(Strict):
    """A table that is not as it was: *rows* more (or less) than before; 0 where only their content differs."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState(Strict):
    """What of a database can be compared before and after.

    *tables*: rows and a sum over their content (decimal digits), by table id; *relations*: how many tables, views,
    indexes and sequences there are; *sequences*: the last value of each that has been used.
    """

    tables: Mapping[str, tuple[int, str]]
    relations: int
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Strict):
    """What came of writing a plan and removing it again, in a transaction that was rolled back.

    *refusal* is None where both went well. *entities* are the rows as the database held them; *made* counts, by table,
    the rows that triggers made; *residue* lists the tables that were not as before.
    """

    refusal: Refusal | None = None
    entities: Mapping[str, SeededEntity] = field(default_factory=dict)
    made: Mapping[str, int] = field(default_factory=dict)
    residue: tuple[Residue, ...] = ()


def compare_sums(before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]) -> tuple[Residue, ...]:
    """Return the tables whose rows or content differ; those that are in one of the two only are not compared."""
    return tuple(
        Residue(table=name, rows=after[name][0] - before[name][0])
        for name in before
        if name in after and before[name] != after[name]
    )
