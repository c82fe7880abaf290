"""Small random schemas as DDL, and a search for rows that does not know how the planner works."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENUM: Final = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"
#: By type: what conditions compare with, and what the search tries; all as SQL. The largest and least are tried too.
CONSTANTS: Final[Mapping[str, Sequence[str]]] = {
    "integer": ("-2", "0", "1", "2", "7"),
    "text": ("'a'", "'b'", "'long enough'"),
    "boolean": ("true", "false"),
    "date": ("'2024-02-29'::date", "'2025-01-01'::date"),
    "mood": ("'sad'", "'ok'", "'happy'"),
}
TRIED: Final[Mapping[str, Sequence[str]]] = {
    "integer": ("-3", "-2", "-1", "0", "1", "2", "3", "6", "7", "8"),
    "text": ("''", "'a'", "'b'", "'c'", "'long enough'"),
    "boolean": ("true", "false"),
    "date": ("'2024-02-28'", "'2024-02-29'", "'2024-12-31'", "'2025-01-01'", "'2025-01-02'"),
    "mood": ("'sad'", "'ok'", "'happy'"),
}
_COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Reference:
    """A foreign key over *columns* to the primary key of *parent*."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A table as DDL sees it: types and nullability by column, and its constraints.

    *allotted* are the columns whose value a sequence gives, here or in the row that is referred to.
    """

    name: str
    columns: Mapping[str, str]
    nullable: frozenset[str]
    key: tuple[str, ...]
    allotted: frozenset[str] = frozenset()
    uniques: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()
    references: Sequence[Reference] = ()

    def create(self) -> str:
        """Return the statement that makes the table, without its references."""
        parts = [
            f"{name} {type}" + ("" if name in self.nullable or type == "serial" else " NOT NULL")
            for name, type in self.columns.items()
        ]
        parts.append(f"PRIMARY KEY ({', '.join(self.key)})")
        parts += [f"UNIQUE ({', '.join(columns)})" for columns in self.uniques]
        parts += [f"CHECK ({check})" for check in self.checks]
        return f"CREATE TABLE {self.name} ({', '.join(parts)})"

    def refer(self) -> Iterator[str]:
        """Yield the statements that add the references."""
        for one in self.references:
            yield (
                f"ALTER TABLE {self.name} ADD FOREIGN KEY ({', '.join(one.columns)})"
                f" REFERENCES {one.parent} ({', '.join(one.parent_columns)})"
            )


def write_ddl(tables: Sequence[Made]) -> str:
    """Return all statements that make *tables*, separated by semicolons."""
    statements = [ENUM, *(table.create() for table in tables)]
    statements += [statement for table in tables for statement in table.refer()]
    return ";\n".join(statements)


# -- schemas


@st.composite
def random_tables(draw: st.DrawFn) -> list[Made]:
    """Draw two to five tables that refer to one another, to themselves, or in a circle."""
    tables: list[Made] = []
    for number in range(draw(st.integers(2, 5))):
        tables.append(_draw_table(draw, f"t{number}", tables))
    if draw(st.booleans()):
        _close_circle(draw, tables)
    return tables


def _draw_table(draw: st.DrawFn, name: str, earlier: Sequence[Made]) -> Made:
    columns: dict[str, str] = {}
    key = _draw_key(draw, columns)
    for number in range(draw(st.integers(1, 3))):
        columns[f"c{number}"] = draw(st.sampled_from(sorted(CONSTANTS)))
    made = Made(name, columns, frozenset(), key, frozenset(key) if "serial" in columns.values() else frozenset())
    for number in range(draw(st.integers(0, 2)) if earlier else 0):
        made = _refer(made, f"r{number}", draw(st.sampled_from(earlier)))
    if draw(st.integers(0, 3)) == 0:
        made = _refer(made, "up", made)
    types = {column: "key" if column in made.allotted else type for column, type in made.columns.items()}
    told = {column: type for column, type in types.items() if column not in key or type != "key"}
    return dataclasses.replace(
        made,
        nullable=frozenset(column for column in made.columns if column not in key and draw(st.booleans())),
        checks=tuple(draw(conditions(told)) for _ in range(draw(st.integers(0, 3)) if told else 0)),
        uniques=_draw_uniques(draw, types),
    )


def _draw_key(draw: st.DrawFn, columns: dict[str, str]) -> tuple[str, ...]:
    kind = draw(st.sampled_from(("serial", "natural", "composite")))
    if kind == "serial":
        columns["id"] = "serial"
    elif kind == "natural":
        columns["id"] = draw(st.sampled_from(("integer", "text")))
    else:
        columns |= {"k1": "integer", "k2": draw(st.sampled_from(("integer", "text", "mood")))}
        return ("k1", "k2")
    return ("id",)


def _refer(table: Made, name: str, parent: Made) -> Made:
    """Return *table*, to whose columns some are added, called after *name*, that refer to the key of *parent*."""
    names = {column: f"{name}_{column}" for column in parent.key}
    columns = dict(table.columns)
    columns |= {names[column]: parent.columns[column].replace("serial", "integer") for column in parent.key}
    allotted = table.allotted | {names[column] for column in parent.key if column in parent.allotted}
    reference = Reference(tuple(names.values()), parent.name, parent.key)
    return dataclasses.replace(table, columns=columns, allotted=allotted, references=[*table.references, reference])


def _draw_uniques(draw: st.DrawFn, columns: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    wide = sorted(column for column, type in columns.items() if type in ("integer", "text"))
    if not wide or not draw(st.booleans()):
        return ()
    return (tuple(draw(st.lists(st.sampled_from(wide), min_size=1, max_size=2, unique=True))),)


def _close_circle(draw: st.DrawFn, tables: list[Made]) -> None:
    """Let the first table refer to the last, by columns of its own."""
    first = _refer(tables[0], "back", tables[-1])
    nullable = first.references[-1].columns if draw(st.booleans()) else ()
    tables[0] = dataclasses.replace(first, nullable=first.nullable | frozenset(nullable))


# -- conditions


def conditions(columns: Mapping[str, str]) -> st.SearchStrategy[str]:
    """Conditions over *columns* (types by name) as people write them.

    Comparisons with constants and columns, IN, BETWEEN, NULL; joined by AND, OR and NOT; implied; a test for NULL that
    is equal to another condition.
    """
    simple = _simple(columns)
    pairs = st.tuples(simple, simple)
    return st.one_of(
        simple,
        simple.map(lambda one: f"NOT ({one})"),
        pairs.map(lambda pair: f"({pair[0]}) AND ({pair[1]})"),
        pairs.map(lambda pair: f"({pair[0]}) OR ({pair[1]})"),
        pairs.map(lambda pair: f"NOT ({pair[0]}) OR ({pair[1]})"),
        st.tuples(_null_test(columns), simple).map(lambda pair: f"({pair[0]}) = ({pair[1]})"),
    )


@st.composite
def _null_test(draw: st.DrawFn, columns: Mapping[str, str]) -> str:
    return f"{draw(st.sampled_from(sorted(columns)))} IS {draw(st.sampled_from(('NULL', 'NOT NULL')))}"


@st.composite
def _simple(draw: st.DrawFn, columns: Mapping[str, str]) -> str:
    name = draw(st.sampled_from(sorted(columns)))
    type = columns[name]
    if type == "key":  # its value is not known before the database has allotted it, but whether there is one is
        return f"{name} IS {draw(st.sampled_from(('NULL', 'NOT NULL')))}"
    constant = st.sampled_from(CONSTANTS[type])
    compare = st.sampled_from(_COMPARISONS[: 2 if type == "text" else None])  # texts are ordered by their collation
    others = sorted(other for other, its in columns.items() if its == type and other != name)
    shapes = [
        "compare",
        "in",
        "null",
        "null",
        *(["between"] if type != "text" else []),
        *(["column"] * 2 * bool(others)),
    ]
    shape = draw(st.sampled_from(shapes))
    if shape == "column":
        return f"{name} {draw(compare)} {draw(st.sampled_from(others))}"
    if shape == "in":
        listed = draw(st.lists(constant, min_size=1, max_size=3, unique=True))
        return f"{name} {draw(st.sampled_from(('IN', 'NOT IN')))} ({', '.join(listed)})"
    if shape == "null":
        return f"{name} IS {draw(st.sampled_from(('NULL', 'NOT NULL')))}"
    if shape == "between":
        low, high = sorted(draw(st.tuples(constant, constant)), key=CONSTANTS[type].index)
        return f"{name} BETWEEN {low} AND {high}"
    return f"{name} {draw(compare)} {draw(constant)}"


# -- the search


Row = dict[str, Any]


def candidates_sql(table: Made) -> str:
    """Return the query for all rows over the few values tried that satisfy every CHECK of *table*, as text."""
    sources = []
    for name, type in table.columns.items():
        values = [*TRIED[type.replace("serial", "integer")], *(["NULL"] if name in table.nullable else [])]
        sources.append(f"unnest(ARRAY[{', '.join(values)}]::{type.replace('serial', 'integer')}[]) AS {name}")
    checks = " AND ".join(f"coalesce(({check}), true)" for check in table.checks) or "true"
    shown = ", ".join(f"{name}::text" for name in table.columns)
    return f"SELECT {shown} FROM {', '.join(sources)} WHERE {checks} LIMIT 20000"  # noqa: S608  made here


def find_witness(tables: Sequence[Made], candidates: Mapping[str, Sequence[Row]], wanted: str) -> list[tuple[str, Row]]:
    """Return rows of *tables*, one of *wanted* first, in which every reference finds its row; empty if there are none.

    Rows that clash in a unique key may be among them: only the database can tell that they go together.
    """
    named = {table.name: table for table in tables}
    whole = {name: [row for row in rows if _is_whole(named[name], row)] for name, rows in candidates.items()}
    alive = _supported(named, whole)
    if not alive[wanted]:
        return []
    chosen = [(wanted, alive[wanted][0])]
    for name, row in chosen:  # grows while parents are added
        for reference in named[name].references:
            parent = _find_parent(reference, row, [one for table, one in chosen if table == reference.parent])
            if parent is None and _is_set(reference, row):
                found = _find_parent(reference, row, alive[reference.parent])
                assert found is not None
                chosen.append((reference.parent, found))
    return chosen


def _supported(tables: Mapping[str, Made], candidates: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Return the candidates of which every reference finds a candidate that is itself among those."""
    alive = {name: list(rows) for name, rows in candidates.items()}
    changed = True
    while changed:
        changed = False
        for name, table in tables.items():
            for reference in table.references:
                keys = {tuple(row[column] for column in reference.parent_columns) for row in alive[reference.parent]}
                kept = [row for row in alive[name] if not _is_set(reference, row) or _values(reference, row) in keys]
                changed = changed or len(kept) < len(alive[name])
                alive[name] = kept
    return alive


def _is_whole(table: Made, row: Row) -> bool:
    """Return whether *row* refers by all columns of a reference or by none, as planned rows do."""
    optional = [[row[name] is None for name in one.columns if name in table.nullable] for one in table.references]
    return all(len(set(absent)) < 2 for absent in optional)


def _is_set(reference: Reference, row: Row) -> bool:
    return None not in _values(reference, row)


def _values(reference: Reference, row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in reference.columns)


def _find_parent(reference: Reference, row: Row, among: Sequence[Row]) -> Row | None:
    wanted = _values(reference, row)
    return next((one for one in among if tuple(one[name] for name in reference.parent_columns) == wanted), None)


def insert_sql(tables: Sequence[Made], rows: Sequence[tuple[str, Row]]) -> str:
    """Return one statement that inserts all *rows*, so that circles are judged as a whole."""
    named = {table.name: table for table in tables}
    parts = []
    for number, (name, row) in enumerate(rows):
        types = named[name].columns
        cells = ", ".join(
            f"{_quote(cell)}::{types[column].replace('serial', 'integer')}" for column, cell in row.items()
        )
        parts.append(f"i{number} AS (INSERT INTO {name} ({', '.join(row)}) SELECT {cells})")
    return f"WITH {', '.join(parts)} SELECT 1"


def _quote(cell: str | None) -> str:
    return "NULL" if cell is None else "'" + cell.replace("'", "''") + "'"
