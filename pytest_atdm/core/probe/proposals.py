"""What to try next, from what the database said."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.expressions import names, parse
from pytest_atdm.core.probe.candidates import iter_candidates
from pytest_atdm.core.probe.questions import JudgeRows, ListRows
from pytest_atdm.core.probe.verdict import calls_trigger_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from datetime import date

    from pytest_atdm.core.model import Cell, Plan, PlannedRow, Refusal
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, ForeignKey

#: So many rows are judged by the server in one round trip, and so many of those that pass are tried.
MAX_JUDGED: Final = 400
MAX_SETTLED: Final = 3
#: How Postgres quotes a value that it cannot read, and texts that it can read as a number, whole or after a comma.
_QUOTED: Final = re.compile(r': "(?P<value>.*)"$')
_READABLE: Final = ("1", "a,1", "a:1", "2020-01-01")
#: How Postgres says in an error's detail which key it did not find.
_MISSING_KEY: Final = re.compile(r"\)=\((?P<values>.*)\) is not present in table")

Found: TypeAlias = "Generator[Question, Answer, list[Advice]]"


class Proposals:
    """Advice for the next plans for rows of *tables*, the most promising first."""

    def __init__(self, rulebook: Rulebook, tables: Sequence[str], as_of: date) -> None:
        self._as_of = as_of
        self._rulebook = rulebook
        self._schema = rulebook.schema
        self._tables = tuple(dict.fromkeys(tables))
        self._standing: Mapping[str, Sequence[Mapping[str, Cell]]] | None = None

    def without_plan(self, advice: Advice) -> Found:
        """Propose what may be possible where constraints left no value: rows that stand there, other draws."""
        parents = self._ancestors()
        reuse = yield from self._reusing(parents, advice)
        return [*reuse, advice.drawing_again()] if advice.attempt < 2 else reuse

    def after(self, plan: Plan, refusal: Refusal, advice: Advice) -> Found:
        """Propose what follows from *refusal* of *plan*, made with *advice*."""
        table = self._find_root(refusal.table)
        found: list[Advice] = []
        if refusal.code in {"23505", "23P01"}:
            found = yield from self._after_clash(table, advice)
        elif refusal.code == "23503":
            found = yield from self._after_broken_reference(plan, table, refusal, advice)
        elif refusal.code == "23502" and table in self._schema.tables:
            found = self._after_null(table, refusal.column, advice)
        elif refusal.code == "23514" and table in self._schema.tables:
            found = yield from self._after_check(plan, table, refusal, advice)
        elif refusal.code.startswith("22"):
            found = self._after_bad_value(plan, refusal, advice)
        elif refusal.code == "42501":
            return (yield from self._after_denial(plan, advice))
        found += self._parting(self._triggered(plan), advice)
        return [*found, *(yield from self._after_objection(plan, refusal, advice))]

    def beyond(self, plan: Plan, refusal: Refusal, advice: Advice) -> Found:
        """Propose what may help where nothing follows: rows filled in full, other draws, rows that stand there."""
        return [] if refusal.code == "42501" else (yield from self._generic(plan, advice))

    # -- by kind of refusal

    def _after_clash(self, table: str, advice: Advice) -> Found:
        again = [advice.drawing_again()] if advice.attempt < 3 else []
        if table in self._tables or table not in self._schema.tables:
            return again
        return [*(yield from self._reusing([table], advice)), *again]

    def _after_objection(self, plan: Plan, refusal: Refusal, advice: Advice) -> Found:
        """A trigger of a parent's table objects to the parent: take a row that stands there."""
        objecting = [
            table
            for table in self._triggered(plan)
            if table not in self._tables and calls_trigger_of(self._schema.tables[table], refusal)
        ]
        return (yield from self._reusing(objecting, advice)) if objecting else []

    def _after_denial(self, plan: Plan, advice: Advice) -> Found:
        """Nothing but rows that stand there can help where the role may not write."""
        denied = [row.table for row in plan.rows if "insert" in self._schema.tables[row.table].missing_rights]
        return (yield from self._reusing([table for table in denied if table not in self._tables], advice))

    def _after_broken_reference(self, plan: Plan, table: str, refusal: Refusal, advice: Advice) -> Found:
        key = self._find_key(table, refusal.constraint)
        if key is None:
            return []
        found: list[Advice] = []
        if any(row.table == table for row in plan.rows) and (table, key.name) not in advice.link:
            found.append(advice.linking(table, [key.name]))
        found += self._adding_parent(key, refusal, advice)
        return [*found, *(yield from self._reusing([key.parent], advice))]

    def _adding_parent(self, key: ForeignKey, refusal: Refusal, advice: Advice) -> list[Advice]:
        """Propose to plan the very row that a trigger's own row refers to, as Postgres names it."""
        named = _MISSING_KEY.search(refusal.detail)
        cells = named["values"].split(", ") if named else []
        if len(cells) != len(key.parent_columns) or any(table == key.parent for table, _ in advice.also):
            return []
        return [advice.adding(key.parent, dict(zip(key.parent_columns, cells, strict=True)))]

    def _after_null(self, table: str, column: str, advice: Advice) -> list[Advice]:
        """A trigger made a value NULL, or wants one: fill that column's reference, or the whole row."""
        keys = [key.name for key in self._schema.tables[table].foreign_keys if column in key.columns]
        linked = [advice.linking(table, keys)] if keys else []
        return [*linked, advice.filling(table)]

    def _after_check(self, plan: Plan, table: str, refusal: Refusal, advice: Advice) -> Found:
        row = next((row for row in plan.rows if row.table == table), None)
        constraint = self._find_check(table, refusal.constraint)
        if row is None or constraint is None:
            return []
        # A number that a sequence allots is what it is; another parent may have the one that is wanted.
        keys = self._schema.tables[table].foreign_keys
        found = yield from self._reusing(
            [key.parent for key in keys if not set(key.columns).isdisjoint(constraint[1])], advice
        )
        rows = list(itertools.islice(self._vary(row, constraint, advice), MAX_JUDGED))
        if not rows:
            return found
        verdicts = yield JudgeRows(table, refusal.constraint, [{**row.values, **cells} for cells in rows])
        passing = [cells for cells, passes in zip(rows, verdicts, strict=True) if passes]
        return [*found, *(advice.settling(table, cells) for cells in passing[:MAX_SETTLED])]

    def _after_bad_value(self, plan: Plan, refusal: Refusal, advice: Advice) -> list[Advice]:
        """A generated column or an index reads a text of ours as something else: give it texts that many can read."""
        quoted = _QUOTED.search(refusal.message)
        places = {
            (row.table, name)
            for row in plan.rows
            for name, cell in row.values.items()
            if quoted and (row.table, name) not in advice.settled
            # Of a text that was taken apart first, not even a piece need be there.
            if cell == quoted["value"] or (isinstance(cell, str) and name in self._sources(row.table))
        }
        found = [advice.settling(table, {name: text}) for table, name in sorted(places) for text in _READABLE]
        return [*found, *self._with_json_arrays(plan, advice)]

    def _sources(self, table: str) -> frozenset[str]:
        """Return the columns that generated ones are computed from."""
        columns = self._schema.tables[table].columns
        return frozenset(name for column in columns if column.generated for name in _named_in(column))

    def _with_json_arrays(self, plan: Plan, advice: Advice) -> list[Advice]:
        """Propose arrays for all JSON that is planned as objects: a function may want to go through them."""
        changed = advice
        for row in plan.rows:
            cells: dict[str, Cell] = {name: [] for name, cell in row.values.items() if isinstance(cell, dict)}
            changed = changed.settling(row.table, cells) if cells else changed
        return [changed] if changed != advice else []

    def _vary(
        self, row: PlannedRow, constraint: tuple[str, Sequence[str]], advice: Advice
    ) -> Iterator[dict[str, Cell]]:
        """Yield other cells for the columns that the CHECK names, as far as no reference holds them."""
        text, named = constraint
        table = self._schema.tables[row.table]
        columns = [source for name in named for source in _named_in(table.column_by_name[name])]
        tied = {name for key in table.foreign_keys for name in key.columns if row.values.get(name) is not None}
        free = [
            table.column_by_name[name]
            for name in columns
            if name not in tied and name not in row.keys and not table.column_by_name[name].filled_by_database
        ]
        return iter_candidates(
            free, parse(text), self._rulebook, table, stream=(row.table, advice.attempt, text), as_of=self._as_of
        )

    def _triggered(self, plan: Plan) -> list[str]:
        """Return the tables of the plan's rows where an insert calls triggers."""
        tables = dict.fromkeys(row.table for row in plan.rows)
        return [name for name in tables if any("insert" in one.events for one in self._schema.tables[name].triggers)]

    def _generic(self, plan: Plan, advice: Advice) -> Found:
        triggered = self._triggered(plan)
        found = [advice.filling(table) for table in dict.fromkeys([*self._tables, *triggered])]
        if triggered:
            full = advice
            for table in triggered:
                full = full.filling(table)
            found.append(full)
        if advice.attempt < 2:
            found.append(advice.drawing_again())
        if triggered and not advice.namesakes:
            found.insert(0, advice.tying_namesakes())
        parents = [row.table for row in plan.rows if row.table not in self._tables]
        return [*found, *(yield from self._reusing(parents, advice))]

    def _parting(self, tables: Sequence[str], advice: Advice) -> list[Advice]:
        """Propose that one of several references to one table goes to another row, which is made last."""
        found = []
        for table in dict.fromkeys(tables):
            keys = self._schema.tables[table].foreign_keys
            parents = Counter(key.parent for key in keys)
            apart = any(name == table for name, _ in advice.apart)
            found += [
                advice.parting(table, key.name) for key in reversed(keys) if parents[key.parent] > 1 and not apart
            ]
        return found

    # -- rows that stand there

    def _reusing(self, tables: Sequence[str], advice: Advice) -> Found:
        """Propose to take rows of each of *tables* that has some, then of all of them together."""
        standing = yield from self._list_standing()
        usable = [name for name in dict.fromkeys(tables) if standing.get(name) and name not in advice.reuse]
        found = [advice.reusing(name, standing[name]) for name in usable]
        if len(usable) > 1:
            together = advice
            for name in usable:
                together = together.reusing(name, standing[name])
            found.append(together)
        return found

    def _list_standing(self) -> Generator[Question, Answer, Mapping[str, Sequence[Mapping[str, Cell]]]]:
        if self._standing is None:
            self._standing = yield ListRows(tuple(self._ancestors()))
        return self._standing or {}

    def _ancestors(self) -> list[str]:
        found: dict[str, None] = {}
        frontier = list(self._tables)
        while frontier:
            for key in self._schema.tables[frontier.pop()].foreign_keys:
                if key.parent not in found:
                    found[key.parent] = None
                    frontier.append(key.parent)
        return list(found)

    # -- names

    def _find_root(self, table: str) -> str:
        if table in self._schema.tables:
            return table
        parts = {part.id: root.id for root in self._schema.tables.values() for part in root.partitions or ()}
        return parts.get(table, table)

    def _find_key(self, table: str, constraint: str) -> ForeignKey | None:
        keys = self._schema.tables[table].foreign_keys if table in self._schema.tables else ()
        return next((key for key in keys if key.name == constraint), None)

    def _find_check(self, table: str, constraint: str) -> tuple[str, Sequence[str]] | None:
        shape = self._schema.tables[table]
        for check in shape.checks:
            if check.name == constraint:
                return check.expression, check.columns
        for column in shape.columns:
            domain = self._schema.domains.get(column.type)
            while domain is not None:
                for check in domain.checks:
                    if check.name == constraint:
                        return check.expression, (column.name,)
                domain = self._schema.domains.get(domain.type)
        return None


def _named_in(column: Column) -> tuple[str, ...]:
    """Return the columns that decide the value of *column*: itself, or those that it is computed from."""
    if not column.generated:
        return (column.name,)
    return tuple(sorted(parts[0] for parts in names(parse(column.expression or "NULL"))))
