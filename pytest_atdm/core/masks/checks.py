"""Whether masked rows are such as the table takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import Domain
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, holds
from pytest_atdm.core.masks.texts import read_text
from pytest_atdm.core.rulebook import Rulebook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_atdm.core.expressions import Value
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import Schema, Table


def find_checks(schema: Schema, table: str, masked: Collection[str]) -> tuple[Condition, ...]:
    """Return the CHECKs of the table with this id, and of its columns' domains, that name a column of *masked*."""
    conditions = Rulebook(schema, Domain(name="")).conditions(schema.tables[table])
    return tuple(one for one in conditions if one.is_local and not one.columns.isdisjoint(masked))


def find_refused(
    checks: Sequence[Condition], rows: Iterable[Mapping[str, str | None]], table: Table, schema: Schema
) -> Condition | None:
    """Return the first of *checks* that is false of one of *rows*; None where there is none, or nobody here can tell.

    A row has the text form of each value by its column.
    """
    types = {column.name: column.type for column in table.columns}
    for row in rows:
        values = {name: _read(types[name], text, schema) for name, text in row.items()}
        for check in checks:
            if _is_false(check, values):
                return check
    return None


def _read(type: str, text: str | None, schema: Schema) -> Value:
    if text is None:
        return None
    try:
        return read_text(type, text, schema)
    except ValueError:
        return UNDECIDED


def _is_false(check: Condition, values: Mapping[str, Value]) -> bool:
    try:
        return not holds(check.evaluate(lambda parts: values.get(parts[0], UNDECIDED)))
    except EvaluationError:
        return True  # the database would raise
