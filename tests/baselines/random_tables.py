"""Made-up tables with few possible values each, so that rows clash and refer to one another all the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

_ACTIONS: Final = ("NO ACTION", "NO ACTION", "RESTRICT", "CASCADE", "SET NULL")
_WAITING: Final = ("", "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED")
_KEYS: Final = ("PRIMARY KEY (a)", "PRIMARY KEY (a, b)", "PRIMARY KEY (n)", "UNIQUE (a)", "")
_COLUMNS: Final = (
    "a int NOT NULL",
    "b int NOT NULL DEFAULT 0",
    "n numeric NOT NULL DEFAULT random()",
    "u int",
    "r int",
    "q int",
    "v text",
    "i int GENERATED {identity} AS IDENTITY",
    "g int GENERATED ALWAYS AS (u + 1) STORED",
)
_WRITTEN: Final = ("a", "b", "n", "u", "r", "q", "v")
_TRIGGER: Final = """
CREATE TRIGGER counts BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION count_up();
ALTER TABLE {table} {state} TRIGGER counts
"""
#: What a trigger that fires would leave behind.
BEFORE: Final = """
CREATE SEQUENCE fired;
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('fired'); RETURN coalesce(NEW, OLD);
END $$
"""


@dataclass
class Made:
    """A table: *unique* are the columns that others may refer to; *references* come when all tables are there."""

    name: str
    ddl: list[str]
    unique: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


def write_ddl(tables: list[Made]) -> str:
    """Return the statements that make the tables."""
    parts = [
        BEFORE,
        *(one for table in tables for one in table.ddl),
        *(one for table in tables for one in table.references),
    ]
    return ";\n".join(parts)


def draw_tables(chance: Random) -> list[Made]:
    """Return one to four tables that refer to one another, to themselves, and in circles."""
    tables = [_draw_table(chance, f"t{number}") for number in range(chance.randint(1, 4))]
    for table in tables:
        for column in chance.sample(("r", "q"), chance.randint(0, 2)):
            table.references += _draw_reference(chance, table, column, tables)
    return tables


def _draw_table(chance: Random, name: str) -> Made:
    key = chance.choice(_KEYS)
    identity = chance.choice(("ALWAYS", "BY DEFAULT"))
    parts = [column.format(identity=identity) for column in _COLUMNS] + ([key] if key else [])
    unique = ["a"] if key.endswith("(a)") else []
    if chance.random() < 0.5:
        parts.append(f"UNIQUE (u) {chance.choice(_WAITING[:2] + _WAITING[3:])}".strip())
        unique += [] if parts[-1].endswith("DEFERRED") else ["u"]
    if chance.random() < 0.2:
        parts.append("EXCLUDE USING btree (b WITH =, v WITH =)")
    made = Made(name, [f"CREATE TABLE {name} ({', '.join(parts)})"], unique)
    if chance.random() < 0.3:
        made.ddl.append(f"CREATE UNIQUE INDEX ON {name} (v) WHERE b = 1")
    if chance.random() < 0.4:
        state = chance.choice(("ENABLE", "DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS"))
        made.ddl.append(_TRIGGER.format(table=name, state=state))
    return made


def _draw_reference(chance: Random, table: Made, column: str, tables: list[Made]) -> list[str]:
    targets = [(one, unique) for one in tables for unique in one.unique]
    if not targets:
        return []
    parent, unique = chance.choice(targets)
    actions = f"ON DELETE {chance.choice(_ACTIONS)} ON UPDATE {chance.choice(_ACTIONS)}"
    add = f"ALTER TABLE {table.name} ADD FOREIGN KEY ({column}) REFERENCES {parent.name} ({unique}) {actions}"
    return [f"{add} {chance.choice(_WAITING)}"]


def draw_statement(chance: Random, tables: list[Made]) -> str:
    """Return a statement that changes rows, or is refused."""
    table = chance.choice(tables).name
    kind = chance.random()
    if kind < 0.5:
        names = ["a", *chance.sample(_WRITTEN[1:], 5)]
        return (
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(_draw_value(chance, one) for one in names)})"  # noqa: S608
        )
    where = f"{chance.choice(('a', 'u', 'r'))} = {chance.randint(0, 6)}"
    if kind < 0.6:
        return f"DELETE FROM {table} WHERE {where}"  # noqa: S608
    if kind < 0.7:
        return f"UPDATE {table} SET {chance.choice(('a', 'u'))} = 6 - {chance.choice(('a', 'u'))}"  # noqa: S608
    if kind < 0.75:
        return f"UPDATE {table} SET i = DEFAULT WHERE {where}"  # noqa: S608
    if kind < 0.78:
        return f"TRUNCATE {table} RESTART IDENTITY CASCADE"
    name = chance.choice(_WRITTEN)
    return f"UPDATE {table} SET {name} = {_draw_value(chance, name)} WHERE {where}"  # noqa: S608


def _draw_value(chance: Random, column: str) -> str:
    if column == "n":
        return chance.choice(("1", "1.0", "2", "2.00", "3"))
    if column == "v":
        return chance.choice(("NULL", "''", "'x'", "'y'"))
    return "NULL" if column in "urq" and chance.random() < 0.2 else str(chance.randint(0, 6))
