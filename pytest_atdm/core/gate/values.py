"""Every cell is a value of its column's type, and no condition of the database or of the domain is false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.expressions import EvaluationError, holds
from pytest_atdm.core.model import OVERRIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.gate.check import Check
    from pytest_atdm.core.model import Cell, Finding, PlannedRow
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import Column, Table


def find_value_faults(check: Check) -> Iterator[Finding]:
    """Yield what is wrong with single cells, then broken CHECKs and value rules, then keys that stand twice."""
    for row in check.plan.rows:
        for column in check.judging(row).columns:
            if column.generated or row.values.get(column.name) is None:
                yield from _judge_cell(check, row, column)
    for row, name, why in check.type_faults:
        column = check.table(row).column_by_name[name]
        yield _cell_finding(check, row, column, "type", why, f"give a value of type {column.type}")
    yield from find_violations(check, "value")
    yield from _find_duplicates(check)


def find_violations(check: Check, validator: str) -> Iterator[Finding]:
    """Yield a finding for each condition of *validator* that is false of a planned row."""
    for row in check.plan.rows:
        scope = check.situation.scope(row)
        for condition in check.judging(row).conditions.get(validator, ()):
            try:
                if not holds(condition.evaluate(scope)):
                    yield _violation(check, row, condition, condition.text)
            except EvaluationError as exc:
                yield _violation(check, row, condition, f"{condition.text}: {exc}")


def _violation(check: Check, row: PlannedRow, condition: Condition, text: str) -> Finding:
    named = [c.name for c in check.table(row).columns if c.name in condition.columns]
    column = _find_culprit(check, row, named)
    seen = ", ".join(f"{name} = {row.values.get(name)!r}" for name in named) or "any row"
    return check.finding(
        condition.id,
        row.name,
        column,
        message=f"{text} does not hold for {seen} [{condition.source}]",
        fix=condition.fix,
        value=row.values.get(column),
    )


def _find_culprit(check: Check, row: PlannedRow, named: list[str]) -> str:
    """Return the column to blame: what the caller overrode before what the catalog gives before what was generated."""
    sources = {name: check.plan.sources.get(f"{row.name}.{name}") for name in named}
    overridden = [name for name, source in sources.items() if source == OVERRIDE]
    given = [name for name, source in sources.items() if source is not None]
    return next(iter(overridden or given or named), "")


def _judge_cell(check: Check, row: PlannedRow, column: Column) -> Iterator[Finding]:
    """Judge a cell that is missing or NULL, or that the database computes."""
    if row.values.get(column.name) is not None:
        yield _cell_finding(check, row, column, "generated-column", "the database computes this column", "remove it")
        return
    explicit = column.name in row.values
    provided = column.name in row.keys or column.filled_by_database or column.default is not None
    if not column.nullable and (explicit or not provided):
        yield _cell_finding(check, row, column, "not-null", "the column must have a value", "give the column a value")


def _cell_finding(check: Check, row: PlannedRow, column: Column, rule: str, message: str, fix: str) -> Finding:
    value = row.values.get(column.name)
    return check.finding(rule, row.name, column.name, message=f"{message} ({column.type})", fix=fix, value=value)


def _find_duplicates(check: Check) -> Iterator[Finding]:
    seen: dict[tuple[str, tuple[str, ...], str], str] = {}
    for row in check.plan.rows:
        table = check.table(row)
        for columns in table.unique_sets:
            cells = [row.keys.get(name, row.values.get(name)) for name in columns]
            if None in cells:
                continue
            first = seen.setdefault((table.id, columns, repr(cells)), row.name)
            if first != row.name:
                yield _duplicate(check, row, table, columns, first, cells)


def _duplicate(
    check: Check, row: PlannedRow, table: Table, columns: tuple[str, ...], first: str, cells: list[Cell]
) -> Finding:
    return check.finding(
        "unique",
        row.name,
        columns[0],
        message=f'"{first}" has the same {", ".join(columns)} in {table.id}, where they are unique',
        fix="leave the column out, so that a unique value is generated, or give the rows different ones",
        value=cells[0],
    )
