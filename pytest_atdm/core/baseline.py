"""What is told of baselines, on both sides of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_atdm.core.strict import Strict


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTable(Strict):
    """A table of a baseline: its id, rows, and the bytes of its file; *masked* columns hold made-up values."""

    table: str
    rows: int
    size: int
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Strict):
    """A named state of the target. *whole*: all tables are in it. *taken_at* is ISO 8601 in UTC.

    *content* is a digest: equal ones of one schema, equal states. *schema* is the fingerprint of the target's schema
    then. Where it cannot be read, *damage* says why, and nothing but the name is known.
    """

    name: str
    taken_at: str = ""
    actor: str = ""
    server: int = 0
    schema: str = ""
    whole: bool = True
    content: str = ""
    tables: tuple[BaselineTable, ...] = ()
    sequences: int = 0
    damage: str = ""

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(table.size for table in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges(Strict):
    """How many rows of a table a restore changed, or would change."""

    inserted: int
    updated: int
    deleted: int

    @property
    def changes(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport(Strict):
    """What a restore did, or would do: by table id, all tables of the baseline; and which sequences it moved.

    *released*: so many live requests had rows there, which are gone.
    """

    tables: Mapping[str, TableChanges]
    sequences: tuple[str, ...]
    released: int = 0

    @property
    def changes(self) -> int:
        """How many rows differ, in all tables."""
        return sum(one.changes for one in self.tables.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Strict):
    """How far the work on a table has come: so many rows are *done* of *total*, which may be an estimate, 0 unknown."""

    table: str
    phase: str
    done: int
    total: int
