"""The rows of a plan, as the database holds them, put together by entity: what callers are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.model import SeededEntity
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.model import Cell, ExistingRow, Plan, PlannedRow
    from pytest_atdm.core.schema import Schema


def gather_entities(plan: Plan, rows: Mapping[str, Mapping[str, Cell]], schema: Schema) -> dict[str, SeededEntity]:
    """Return the plan's entities with the *rows* (by row name) that the database holds, reference rows included.

    What the catalog says of these is written as the database would: 120 of a numeric(10,2) as "120.00".
    """
    gathered: dict[str, list[Mapping[str, Cell]]] = {}
    first: dict[str, PlannedRow] = {}
    for row in plan.rows:
        gathered.setdefault(row.entity, []).append(rows[row.name])
        first.setdefault(row.entity, row)
    more = {volume.entity: volume.rows for volume in plan.volumes}
    entities = {
        name: SeededEntity(
            table=first[name].table,
            rows=tuple(found),
            many=first[name].name.endswith("]"),
            more=more.get(name, 0),
        )
        for name, found in gathered.items()
    }
    for existing in plan.existing:
        entities[existing.entity] = SeededEntity(table=existing.table, rows=(_read_existing(existing, schema),))
    return entities


def _read_existing(row: ExistingRow, schema: Schema) -> dict[str, Cell]:
    table = schema.tables[row.table]
    return {name: _write_alike(table.column(name).type, cell, schema) for name, cell in row.values.items()}


def _write_alike(type: str, cell: Cell, schema: Schema) -> Cell:
    try:
        return to_cell(type, cell, schema)
    except ValueError:
        return cell  # nothing of it is written, so no gate has judged it
