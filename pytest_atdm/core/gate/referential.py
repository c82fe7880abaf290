"""Every reference goes to a row that is planned before, or to a reference row of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.catalog import TableUse
    from pytest_atdm.core.gate.check import Check
    from pytest_atdm.core.model import Cell, ExistingRow, Finding, PlannedRow
    from pytest_atdm.core.schema import ForeignKey


def find_broken_references(check: Check) -> Iterator[Finding]:
    """Yield a finding for each foreign key of a planned row that goes nowhere, and for each allotted key without owner.

    A value that the caller gave may refer to a row that only the database knows, unless the catalog lists the parent's
    rows: then it must be one of them. Before that, a finding for each row of a table whose rows the domain keeps from
    plans.
    """
    yield from _judge_uses(check)
    owners = {f"{row.name}.{column}" for row in check.plan.rows for column in row.keys}
    for row in check.plan.rows:
        for column, pointer in row.keys.items():
            if pointer not in owners or not _is_own_or_reference(check, row, column, pointer):
                yield check.finding(
                    "key-without-owner",
                    row.name,
                    column,
                    message=f'"{pointer}" is no key that the database allots',
                    fix="refer to a planned row by one of its allotted keys",
                    value=pointer,
                )
        for key in check.rulebook.shape(row.table, row.values).foreign_keys:
            if check.situation.find_parent(row, key) is None:
                yield from _judge_orphan(check, row, key)


def _judge_uses(check: Check) -> Iterator[Finding]:
    uses = check.rulebook.uses
    for row in check.plan.rows if uses else ():
        if row.table in uses:
            yield _misused(check, row, uses[row.table])
    for existing in check.plan.existing if uses else ():
        if existing.table in uses and uses[existing.table].kind == "untouched":
            yield _misused(check, existing, uses[existing.table])


def _misused(check: Check, row: PlannedRow | ExistingRow, use: TableUse) -> Finding:
    why = "is reference data" if use.kind == "reference" else "is never touched"
    return check.finding(
        f"{use.kind}-table",
        row.name,
        "",
        message=f"{row.table} {why} ({use.source}), and the plan has a row of it",
        fix="leave the row out, or change what the domain says of the table",
    )


def _is_own_or_reference(check: Check, row: PlannedRow, column: str, pointer: str) -> bool:
    table = check.rulebook.shape(row.table, row.values)
    if pointer == f"{row.name}.{column}":
        return table.column_by_name[column].sequence is not None
    return any(column in key.columns for key in table.foreign_keys)


def _judge_orphan(check: Check, row: PlannedRow, key: ForeignKey) -> Iterator[Finding]:
    cells = [row.values.get(column) for column in key.columns]
    if any(cell is None and column not in row.keys for column, cell in zip(key.columns, cells, strict=True)):
        return
    if any(row.keys.get(column) == f"{row.name}.{column}" for column in key.columns):
        return  # a number of its own sequence: only the database knows whether some row has it
    if not row.keys.keys().isdisjoint(key.columns):
        yield _finding(check, row, key, cells, f"no planned row of {key.parent} owns this key")
        return
    if not _may_stand_in_database(check, row, key, cells):
        wanted = ", ".join(f"{name} = {cell!r}" for name, cell in zip(key.parent_columns, cells, strict=True))
        yield _finding(check, row, key, cells, f"{key.parent} has no row with {wanted}")


def _may_stand_in_database(check: Check, row: PlannedRow, key: ForeignKey, cells: list[Cell]) -> bool:
    reference = check.rulebook.reference.get(key.parent)
    if reference is not None:
        return reference.find(dict(zip(key.parent_columns, cells, strict=True))) is not None
    return any(f"{row.name}.{column}" in check.plan.sources for column in key.columns)


def _finding(check: Check, row: PlannedRow, key: ForeignKey, cells: list[Cell], message: str) -> Finding:
    return check.finding(
        f"foreign-key:{key.name}",
        row.name,
        key.columns[0],
        message=message,
        fix="refer to an entity of the scenario or to a reference row of the catalog",
        value=cells[0],
    )
