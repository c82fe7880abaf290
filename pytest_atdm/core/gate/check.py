"""What a validator is given, and what it is."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_atdm.core.expressions import UNDECIDED
from pytest_atdm.core.model import Finding
from pytest_atdm.core.situation import Situation
from pytest_atdm.core.text import suggest
from pytest_atdm.core.types import to_operand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.gate.passed import Judging, PassedParts
    from pytest_atdm.core.model import Cell, ExistingRow, Plan, PlannedRow
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Table

ValidatorFunction: TypeAlias = "Callable[[Check], Iterable[Finding]]"


@dataclass(frozen=True, slots=True)
class Validator:
    """A named judge of plans; *find* yields a finding for each thing that is wrong, and nothing when all is well."""

    name: str
    find: ValidatorFunction


class Check:
    """One plan under judgement: ``plan``, ``rulebook`` and ``situation`` (values across rows).

    ``structure`` holds the findings about names that the schema lacks; validators run only where there are none.
    ``type_faults`` holds (row, column, why) of each cell that is no value of its column's type.
    ``parts`` holds what *passed* may remember of the rows, in their order, should there be no finding.
    """

    def __init__(self, plan: Plan, rulebook: Rulebook, passed: PassedParts) -> None:
        self.plan = plan
        self.rulebook = rulebook
        self.structure = tuple(self._find_structure_faults())
        self.type_faults: list[tuple[PlannedRow, str, str]] = []
        sound = () if self.structure else plan.rows
        self.parts = tuple(passed.part(row, plan.as_of) for row in sound)
        self._judging = {row.name: passed.judging(row.table, part) for row, part in zip(sound, self.parts, strict=True)}
        typed = {row.name: self._read_cells(row) for row in sound}
        self.situation = Situation(rulebook, self._as_of(), plan.rows, plan.existing, typed)

    @property
    def rows(self) -> tuple[PlannedRow | ExistingRow, ...]:
        """Every row of the plan: those to insert, then the reference rows."""
        return (*self.plan.rows, *self.plan.existing)

    def table(self, row: PlannedRow | ExistingRow) -> Table:
        """Return the table of *row*."""
        return self.rulebook.schema.tables[row.table]

    def judging(self, row: PlannedRow) -> Judging:
        """Return what is to be judged of *row* alone; less where its like has passed before."""
        return self._judging[row.name]

    def finding(self, rule: str, row: str, column: str, *, message: str, fix: str, value: Cell = None) -> Finding:
        """Return a finding about one cell; its source is where the plan says the value came from."""
        place = f"{row}.{column}" if column else row
        source = self.plan.sources.get(place, "generated")
        return Finding(rule=rule, path=f"$.entities.{place}", value=value, source=source, message=message, fix=fix)

    def _read_cells(self, row: PlannedRow) -> dict[str, Value]:
        """Return the cells that are to be judged as Python values, each read once for all validators."""
        typed: dict[str, Value] = {}
        for column in self.judging(row).columns:
            name = column.name
            if name not in row.values:
                continue
            try:
                typed[name] = to_operand(column.type, row.values[name], self.rulebook.schema)
            except ValueError as exc:
                typed[name] = UNDECIDED
                self.type_faults.append((row, name, str(exc)))
        return typed

    def _as_of(self) -> datetime.date:
        try:
            return datetime.date.fromisoformat(self.plan.as_of)
        except ValueError:
            return datetime.date.min  # the structure finding below has said so already

    def _find_structure_faults(self) -> Iterator[Finding]:
        seen: set[str] = set()
        if not _is_date(self.plan.as_of):
            yield Finding(
                rule="plan-as-of",
                path="$.as_of",
                value=self.plan.as_of,
                source="plan",
                message="as_of is not an ISO-8601 date",
                fix="write it as YYYY-MM-DD",
            )
        for row in self.rows:
            if row.name in seen:
                yield self.finding(
                    "row-name", row.name, "", message="two rows have this name", fix="give each row its own name"
                )
            seen.add(row.name)
            yield from self._find_unknown_names(row)

    def _find_unknown_names(self, row: PlannedRow | ExistingRow) -> Iterator[Finding]:
        table = self.rulebook.schema.tables.get(row.table)
        if table is None:
            fix = suggest(row.table, self.rulebook.schema.tables, "table")
            yield self.finding("unknown-table", row.name, "", message=f'no table "{row.table}"', fix=fix)
            return
        known = table.column_by_name.keys()
        if row.values.keys() <= known and getattr(row, "keys", {}).keys() <= known:
            return
        for column in (*row.values, *getattr(row, "keys", ())):
            if column not in known:
                yield self._unknown_column(row, table, column)

    def _unknown_column(self, row: PlannedRow | ExistingRow, table: Table, column: str) -> Finding:
        return self.finding(
            "unknown-column",
            row.name,
            column,
            message=f'table "{table.id}" has no column "{column}"',
            fix=suggest(column, table.column_by_name, "column"),
            value=row.values.get(column),
        )


def _is_date(text: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False
