"""Made-up tables, rows in them that refer to one another at random, and what a reset must make of them.

The expectation is computed here from the rows alone, by the words of the contract; it knows nothing of SQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

#: The columns of a key, by its kind.
KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "serial": {"id": "integer"},
    "natural": {"code": "text"},
    "composite": {"k1": "integer", "k2": "text"},
}
_ACTIONS: Final = ("", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE SET DEFAULT")


@dataclass(frozen=True)
class Reference:
    """*columns* (with their types) refer to the key of *parent*; *nullable* are those of them that may be NULL.

    *action* is what the foreign key does; None where only the catalog tells of the reference.
    """

    columns: Mapping[str, str]
    parent: str
    nullable: tuple[str, ...]
    action: str | None


@dataclass
class Made:
    """A table: its kind of key, and its references."""

    name: str
    kind: str
    references: list[Reference] = field(default_factory=list)

    def create(self) -> str:
        """Return the statement that makes it, without its references."""
        columns = ["id serial" if self.kind == "serial" else f"{name} {type}" for name, type in KEYS[self.kind].items()]
        for reference in self.references:
            columns += [
                f"{name} {type}{'' if name in reference.nullable else ' NOT NULL'}"
                for name, type in reference.columns.items()
            ]
        return f"CREATE TABLE {self.name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(KEYS[self.kind])}))"

    def refer(self, tables: Mapping[str, Made]) -> Iterator[str]:
        """Yield the statements that add its foreign keys."""
        for one in self.references:
            if one.action is not None:
                parent = f"{one.parent} ({', '.join(KEYS[tables[one.parent].kind])})"
                names = ", ".join(one.columns)
                yield f"ALTER TABLE {self.name} ADD FOREIGN KEY ({names}) REFERENCES {parent} {one.action}"


@dataclass
class Row:
    """A row of *table*. *old*: it stood there before the request; *seeded*: the request made it."""

    table: Made
    cells: dict[str, Any]
    old: bool = False
    seeded: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of its key."""
        return tuple(self.cells[name] for name in KEYS[self.table.kind])

    @property
    def id(self) -> tuple[Any, ...]:
        """What tells it from every other row."""
        return (self.table.name, *self.key)


# -- tables and rows at random


def draw_tables(chance: Random) -> dict[str, Made]:
    """Return two to five tables that refer to one another, to themselves, and in circles."""
    tables: dict[str, Made] = {}
    for number in range(chance.randint(2, 5)):
        made = Made(f"t{number}", chance.choice(tuple(KEYS)))
        earlier = list(tables.values())
        tables[made.name] = made
        for place in range(chance.randint(0 if not earlier else 1, 2) if earlier else 0):
            made.references.append(_draw_reference(chance, f"r{place}", chance.choice(earlier)))
        if chance.random() < 0.3:
            made.references.append(_draw_reference(chance, "up", made, loose=True))
    if chance.random() < 0.4:
        first, *_, last = tables.values()
        first.references.append(_draw_reference(chance, "back", last, loose=True))
    return tables


def _draw_reference(chance: Random, name: str, parent: Made, *, loose: bool = False) -> Reference:
    columns = {f"{name}_{key}": type for key, type in KEYS[parent.kind].items()}
    nullable = tuple(columns) if loose or chance.random() < 0.5 else ()
    if not nullable and len(columns) > 1 and chance.random() < 0.3:
        nullable = (chance.choice(list(columns)),)
    whole = len(nullable) == len(columns)
    action = chance.choice(_ACTIONS if whole else _ACTIONS[:3])
    return Reference(columns, parent.name, nullable, None if chance.random() < 0.2 else action)


def write_domain(tables: Mapping[str, Made]) -> str:
    """Return the text of the domain file that tells of the references without a foreign key."""
    told = [
        f"  - {{table: {table.name}, columns: [{', '.join(one.columns)}], to: {one.parent}}}"
        for table in tables.values()
        for one in table.references
        if one.action is None
    ]
    return "title: Made\n" + ("references:\n" + "\n".join(told) + "\n" if told else "")


class Drawing:
    """Rows drawn at random, each of which may refer to all that were drawn before it."""

    def __init__(self, chance: Random, tables: Mapping[str, Made]) -> None:
        self.chance = chance
        self.tables = tables
        self.rows: list[Row] = []
        self._numbers = itertools.count(1)

    def draw_row(self, table: Made, **flags: bool) -> Row | None:
        """Return a new row, its serial key still open; None where it must refer to a table without rows."""
        cells: dict[str, Any] = {
            name: next(self._numbers) if type == "integer" else f"x{next(self._numbers)}"
            for name, type in KEYS[table.kind].items()
            if table.kind != "serial"
        }
        for reference in table.references:
            found = self.draw_target(reference)
            if found is None and len(reference.nullable) < len(reference.columns):
                return None
            cells |= point(reference, found)
        return Row(table, cells, **flags)

    def draw_target(self, reference: Reference) -> Row | None:
        """Return a row to refer to, new ones more often; None for no reference, or where there is none."""
        fitting = [row for row in self.rows if row.table.name == reference.parent]
        if not fitting or (len(reference.nullable) == len(reference.columns) and self.chance.random() < 0.2):
            return None
        new = [row for row in fitting if not row.old]
        return self.chance.choice(new if new and self.chance.random() < 0.8 else fitting)

    def draw_change(self) -> tuple[Row, Reference, Row | None] | None:
        """Return a row that comes to refer to another one; None where the contract leaves that open.

        A row without a serial key that must refer to a new row counts as new, whether it stood there or not.
        """
        movable = [(row, one) for row in self.rows for one in row.table.references]
        firm = [(row, one) for row, one in movable if row.old and not one.nullable and row.table.kind == "serial"]
        if not movable:
            return None
        row, reference = self.chance.choice(firm if firm and self.chance.random() < 0.3 else movable)
        found = self.draw_target(reference)
        if found is None and len(reference.nullable) < len(reference.columns):
            return None
        is_open = row.old and row.table.kind != "serial" and not reference.nullable
        return None if is_open and found is not None and not found.old else (row, reference, found)

    def draw_loss(self) -> Row | None:
        """Return a row, taken out of the others, that nobody refers to; None where there is none."""
        held = {refers_to(row, one) for row in self.rows for one in row.table.references}
        free = [row for row in self.rows if row.id not in held]
        if not free:
            return None
        lost = self.chance.choice(free)
        self.rows.remove(lost)
        return lost


def point(reference: Reference, target: Row | None) -> dict[str, Any]:
    """Return the cells of *reference* that refer to *target*, or to nothing."""
    return dict(zip(reference.columns, target.key if target else [None] * len(reference.columns), strict=True))


# -- what a reset must make of them


@dataclass(frozen=True)
class Expected:
    """The rows that stand afterwards, by table and cells; which of them were loosened, and which were left."""

    standing: Sequence[tuple[str, Mapping[str, Any]]]
    detached: set[tuple[Any, ...]]
    left: set[tuple[Any, ...]]
    removed: int


def expect(rows: Sequence[Row]) -> Expected:
    """Return what must stand after the reset of the request that seeded those of *rows*."""
    by_id = {row.id: row for row in rows}
    links = [(row, one, by_id[found]) for row in rows for one in row.table.references if (found := refers_to(row, one))]
    doomed = _find_doomed(rows, links)
    kept = _find_kept(links, doomed)
    gone = doomed - kept
    standing, detached = [], set()
    for row in rows:
        if row.id not in gone:
            loosened = [one for other, one, parent in links if other is row and parent.id in gone]
            cells = {**row.cells, **{name: None for one in loosened for name in one.nullable}}
            standing.append((row.table.name, cells))
            detached |= {row.id} if loosened else set()
    return Expected(standing, detached, kept, len(gone))


Links = Sequence[tuple[Row, Reference, Row]]


def refers_to(row: Row, reference: Reference) -> tuple[Any, ...] | None:
    """Return the id of the row that *row* refers to."""
    values = [row.cells[name] for name in reference.columns]
    return None if None in values else (reference.parent, *values)


def _find_doomed(rows: Sequence[Row], links: Links) -> set[tuple[Any, ...]]:
    """Seeded rows, and new ones that refer to a doomed one: a serial key tells, else that it cannot have been there."""
    doomed = {row.id for row in rows if row.seeded}
    while True:
        more = {
            row.id
            for row, reference, parent in links
            if parent.id in doomed and (not row.old if row.table.kind == "serial" else not reference.nullable)
        }
        if more <= doomed:
            return doomed
        doomed |= more


def _find_kept(links: Links, doomed: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """What others must refer to stays, and what that refers to in turn."""
    kept = {p.id for row, one, p in links if row.id not in doomed and p.id in doomed and not one.nullable}
    while True:
        more = {parent.id for row, _, parent in links if row.id in kept and parent.id in doomed}
        if more <= kept:
            return kept
        kept |= more
