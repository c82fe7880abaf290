"""Over made-up tables and rows: after a reset exactly the rows stand that the contract says, and the report says it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.model import PlannedRow, ResetReport
from seeder.db.database import Database
from tests.database.random_rows import KEYS, Drawing, Made, Row, draw_tables, expect, point, write_domain
from tests.database.world import World, planned
from tests.database.world import settings as seeder_settings

#: The same few each time, so that every run says the same; many others with ``ATDM_RESET_EXAMPLES=2000``.
ASKED: Final = os.environ.get("ATDM_RESET_EXAMPLES")
EXAMPLES: Final = int(ASKED or 40)
TRIGGER: Final = """
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
CREATE TRIGGER look BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION look()
"""


@pytest.fixture(scope="module")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """A database whose schema public is made anew for every example."""
    made = World(make_database("exact"), "SELECT 1")
    yield made
    made.close()


class Story(Drawing):
    """What happens in one database: rows from before, a request, an application that writes, a reset."""

    def __init__(self, world: World, chance: Random) -> None:
        super().__init__(chance, draw_tables(chance))
        self._world = world
        statements = [table.create() for table in self.tables.values()]
        statements += [one for table in self.tables.values() for one in table.refer(self.tables)]
        if chance.random() < 0.3:  # then it goes step by step
            statements.append(TRIGGER.format(table=chance.choice(list(self.tables))))
        note(";\n".join(statements) + f"\n{write_domain(self.tables)}")
        world.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {'; '.join(statements)}")

    def open(self, run_id: str) -> None:
        """Open a seeder whose catalog tells of these tables' references, and start a run in the midst of old rows."""
        world = self._world
        world.wait(world.database.close())
        catalog = load_catalog({"made/domain.yaml": write_domain(self.tables)})
        world.database = world.wait(Database.open(seeder_settings(world.url), catalog))
        self.insert(self.chance.randint(0, 8), old=True, ahead=0.2)
        world.start_run(run_id)
        self.insert(self.chance.randint(0, 4), old=True)

    def insert(self, count: int, *, old: bool = False, ahead: float = 0) -> None:
        """Let the application insert so many rows, some of them with keys far ahead of their sequence."""
        for _ in range(count):
            row = self.draw_row(self.chance.choice(list(self.tables.values())), old=old)
            if row is not None:
                if row.table.kind == "serial" and self.chance.random() < ahead:
                    row.cells["id"] = 100_000 + len(self.rows)
                self._insert(row)

    def _insert(self, row: Row) -> None:
        names, places = ", ".join(row.cells), ", ".join(f"${n}" for n in range(1, len(row.cells) + 1))
        values = f"({names}) VALUES ({places})" if row.cells else "DEFAULT VALUES"
        returned = self._world.fetch(
            f"INSERT INTO {row.table.name} {values} RETURNING to_jsonb({row.table.name})::text", *row.cells.values()
        )
        row.cells = json.loads(returned)
        self.rows.append(row)
        note(f"insert {row.table.name} {row.cells} {'old' if row.old else 'new'}")

    def seed(self, run_id: str) -> ResetReport | None:
        """Seed some rows, let the application write, and return the report of the reset; None where none was drawn."""
        drawn = self._draw_seeded()
        if not drawn:
            return None
        outcome = self._world.seed(*(self._plan(row, name, drawn) for name, row in drawn.items()), run_id=run_id)
        for name, row in drawn.items():
            row.cells = {column: outcome.rows[name][column] for column in outcome.rows[name]}
            note(f"seed {name} {row.table.name} {row.cells}")
        self._write()
        return self._world.reset(outcome)

    def _draw_seeded(self) -> dict[str, Row]:
        """Draw rows that refer to old ones and to each other; a serial key is its row until it is known."""
        drawn: dict[str, Row] = {}
        for number in range(self.chance.randint(1, 5)):
            row = self.draw_row(self.chance.choice(list(self.tables.values())), seeded=True)
            if row is not None:
                drawn[f"s{number}"] = row
                if row.table.kind == "serial":
                    row.cells["id"] = row
                self.rows.append(row)
        return drawn

    def _plan(self, row: Row, name: str, drawn: dict[str, Row]) -> PlannedRow:
        names = {id(one): known for known, one in drawn.items()}
        keys = {column: f"{names[id(cell)]}.id" for column, cell in row.cells.items() if isinstance(cell, Row)}
        return planned(name, row.table.name, {c: v for c, v in row.cells.items() if c not in keys}, **keys)

    def _write(self) -> None:
        for _ in range(self.chance.randint(0, 8)):
            act = self.chance.choice((self._insert_some, self._change, self._change, self._lose))
            act()

    def _insert_some(self) -> None:
        self.insert(self.chance.randint(1, 3))

    def _change(self) -> None:
        change = self.draw_change()
        if change is not None:
            row, reference, target = change
            cells = point(reference, target)
            sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(cells, start=1))
            where, key = self._where(row, start=len(cells) + 1)
            self._world.execute(f"UPDATE {row.table.name} SET {sets} WHERE {where}", *cells.values(), *key)  # noqa: S608
            row.cells |= cells
            note(f"update {row.id}: {cells}")

    def _lose(self) -> None:
        lost = self.draw_loss() if self.chance.random() < 0.3 else None
        if lost is not None:
            where, key = self._where(lost)
            self._world.execute(f"DELETE FROM {lost.table.name} WHERE {where}", *key)  # noqa: S608
            note(f"delete {lost.id}")

    def _where(self, row: Row, start: int = 1) -> tuple[str, tuple[Any, ...]]:
        return " AND ".join(f"{name} = ${n}" for n, name in enumerate(KEYS[row.table.kind], start=start)), row.key

    def standing(self) -> list[tuple[str, Any]]:
        """Return the rows that the database has."""
        found = self._world.rows()
        return [(name, json.loads(text)) for name in self.tables for text in found[f"public.{name}"]]


def write(row: tuple[str, Any]) -> str:
    """Return a row so that it can be compared and sorted."""
    return json.dumps(row, sort_keys=True)


def identify(table: Made, key: Any) -> tuple[Any, ...]:
    """Return the id of a row that a report names."""
    return (table.name, *(key[name] for name in KEYS[table.kind]))


@settings(max_examples=EXAMPLES, derandomize=ASKED is None, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.integers(0, 2**32).map(Random))
def test_exactly_the_rows_stand_that_the_contract_says(world: World, chance: Random) -> None:
    """Old rows stand, loosened where they can be; all that is new below seeded rows is gone, but what old ones need."""
    world.made += 1
    run_id = f"01EXACT{world.made:06}"
    story = Story(world, chance)
    story.open(run_id)

    report = story.seed(run_id)

    if report is None:
        return
    expected = expect(story.rows)
    found = {
        name: {identify(story.tables[row.table.removeprefix("public.")], row.key) for row in getattr(report, name)}
        for name in ("detached", "left")
    }
    assert sorted(map(write, expected.standing)) == sorted(map(write, story.standing()))
    assert {"detached": expected.detached, "left": expected.left} == found
    assert expected.removed == sum(report.seeded.values()) + sum(report.made_by_sut.values())
    assert {} == report.beyond
