"""The shape of a Postgres database as a value.

Table ids are ``schema.table`` without quotes (``public.orders``); column and constraint names are as Postgres has them.
Types are written as ``format_type`` writes them (``character varying(20)``, ``integer``, ``numeric(10,2)``).
Expressions (defaults, checks) are the text of ``pg_get_expr`` / ``pg_get_constraintdef`` without the word CHECK.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from pytest_atdm.core.errors import SchemaMismatch
from pytest_atdm.core.strict import Strict
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

Identity = Literal["", "always", "by default"]
Match = Literal["simple", "full"]
TriggerKind = Literal["before", "after", "instead of", "rule"]
Right = Literal["select", "insert", "update", "delete"]
#: What a foreign key itself does with the rows that refer to one that goes; all else refuses that.
ON_DELETE_ACTIONS: Final = frozenset({"cascade", "set null", "set default"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Strict):
    """One column.

    *nullable* is False also where its domain forbids NULL. *sequence* is the qualified name of the sequence behind an
    identity or serial column, else None. *expression* is what a *generated* column is computed from.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    identity: Identity = ""
    generated: bool = False
    sequence: str | None = None
    expression: str | None = None

    @property
    def filled_by_database(self) -> bool:
        """True where the database computes the value and a plan must not give one."""
        return self.generated or self.sequence is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(Strict):
    """A unique constraint or full unique index; the primary key is not repeated here."""

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion(Strict):
    """Two rows must differ somewhere in *columns*: a partial or expression unique index, or an EXCLUDE constraint.

    *columns* are all that *definition* (the text of the index or constraint) speaks of, its condition included.
    *predicate* is that condition alone: rows for which it is not true are free.
    """

    name: str
    columns: tuple[str, ...]
    definition: str
    predicate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey(Strict):
    """*columns* of the table that holds it refer to *parent_columns* of the table *parent* (an id), pairwise.

    *period*: the last pair are ranges, and the parent's (of several rows together) cover the child's.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "no action"
    match: Match = "simple"
    deferrable: bool = False
    period: bool = False

    @property
    def acts(self) -> bool:
        """Whether the database itself removes or changes the rows that refer to one that goes."""
        return self.on_delete in ON_DELETE_ACTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Strict):
    """A CHECK; in *expression* of a domain the value is called VALUE. *columns* are those that one of a table names."""

    name: str
    expression: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain(Strict):
    """A domain over *type*, with its CHECKs."""

    name: str
    type: str
    nullable: bool = True
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Strict):
    """One attribute of a composite type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Strict):
    """A leaf partition: its table id, and the condition that its rows satisfy (empty for a DEFAULT without sisters)."""

    id: str
    bounds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Strict):
    """A trigger or rule that is enabled: *events* such as ``("insert", "update")``, and the function that it calls."""

    name: str
    kind: TriggerKind
    events: tuple[str, ...]
    function: str = ""
    for_each_row: bool = True
    deferrable: bool = False


@dataclass(frozen=True, kw_only=True)
class Table(Strict):
    """One base table: columns in their order, keys, checks and triggers sorted by name.

    A partitioned table stands for its *partitions* (None: it is not partitioned); they are not listed themselves.
    *inherits* are the tables it is a child of. *row_security*: policies apply to the seeder's role. *missing_rights*
    are those that the role lacks.
    """

    id: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    partitions: tuple[Partition, ...] | None = None
    inherits: tuple[str, ...] = ()
    row_security: bool = False
    missing_rights: tuple[Right, ...] = ()

    @cached_property
    def column_by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def unique_sets(self) -> tuple[tuple[str, ...], ...]:
        """The column tuples that must be unique: the primary key first, where there is one."""
        keys = (self.primary_key,) if self.primary_key else ()
        return keys + tuple(unique.columns for unique in self.uniques)

    @cached_property
    def differing_sets(self) -> tuple[tuple[str, ...], ...]:
        """The column tuples in which a new row must differ from others: ``unique_sets``, and those of exclusions."""
        return self.unique_sets + tuple(one.columns for one in self.exclusions if one.columns)

    def column(self, name: str, *, where: str = "") -> Column:
        """Return the column *name*; *where* goes into the message.

        Raises:
            SchemaMismatch: the table has no such column.
        """
        if name not in self.column_by_name:
            raise SchemaMismatch(
                f'{where or "request"}: table "{self.id}" has no column "{name}"',
                hint=suggest(name, self.column_by_name, "column"),
            )
        return self.column_by_name[name]


@dataclass(frozen=True, kw_only=True)
class Schema(Strict):
    """All tables, enums, domains, composite and range types, and the order in which unqualified names are looked up.

    Types are told by the name that ``format_type`` gives them; a range type has its subtype, a multirange type its
    range type in braces: ``{"floatrange": "double precision", "floatmultirange": "{floatrange}"}``.
    """

    tables: Mapping[str, Table]
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    composites: Mapping[str, tuple[Attribute, ...]] = field(default_factory=dict)
    ranges: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[str, ...] = ("public",)

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and 64 hex digits over the canonical JSON of the whole value."""
        return "sha256:" + hashlib.sha256(dump_schema(self)).hexdigest()

    @cached_property
    def children(self) -> Mapping[str, tuple[tuple[Table, ForeignKey], ...]]:
        """For each table id, the foreign keys that refer to it, with the tables that hold them."""
        found: dict[str, list[tuple[Table, ForeignKey]]] = {name: [] for name in self.tables}
        for table in self.tables.values():
            for key in table.foreign_keys:
                found.setdefault(key.parent, []).append((table, key))
        return {name: tuple(keys) for name, keys in found.items()}

    def table(self, name: str, *, where: str = "") -> Table:
        """Return the table with the id *name*, or the first along the search path with that name.

        Raises:
            SchemaMismatch: there is none.
        """
        for candidate in self._candidates(name):
            if candidate in self.tables:
                return self.tables[candidate]
        elsewhere = [id for id in self.tables if id.partition(".")[2] == name.rpartition(".")[2]]
        raise SchemaMismatch(
            f'{where or "request"}: the database has no table "{name}"',
            hint=suggest(name, elsewhere or self._names(), "table"),
        )

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        for schema in self.search_path:
            yield f"{schema}.{name}"

    def _names(self) -> list[str]:
        """Return what a table may be called: its id, and without the schema where the search path leads there."""
        found = [id.partition(".") for id in self.tables]
        return [name for schema, _, name in found if schema in self.search_path] + list(self.tables)


def dump_schema(schema: Schema) -> bytes:
    """Return the canonical JSON of *schema*: sorted keys, no spaces, UTF-8."""
    value = {
        "tables": {name: dataclasses.asdict(table) for name, table in schema.tables.items()},
        "enums": {name: list(labels) for name, labels in schema.enums.items()},
        "domains": {name: dataclasses.asdict(domain) for name, domain in schema.domains.items()},
        "composites": {name: [dataclasses.asdict(one) for one in parts] for name, parts in schema.composites.items()},
        "ranges": dict(schema.ranges),
        "search_path": list(schema.search_path),
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
