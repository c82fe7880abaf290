"""The INSERT of one group of rows, as the single statement and the steps share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from seeder.db.keys import key_sql
from seeder.db.queries import quote_ident, quote_table

if TYPE_CHECKING:
    from pytest_atdm.core.schema import Schema

Group: TypeAlias = tuple[str, tuple[str, ...]]  # table id, columns that are given


def group_columns(schema: Schema, table: str, *given: str) -> Group:
    """Name the columns in table order, so that equal plans have equal statements."""
    return table, tuple(column.name for column in schema.tables[table].columns if column.name in given)


def insert_sql(schema: Schema, group: Group, parameter: str, *, returning: bool = True) -> str:
    """Return the INSERT of the rows that the JSON *parameter* lists; it returns ``key`` and ``body`` of each."""
    table = schema.tables[group[0]]
    columns = [table.column_by_name[name] for name in group[1]]
    names = ", ".join(quote_ident(column.name) for column in columns)
    source = f"json_array_elements({parameter}::json)"
    if columns:
        types = ", ".join(f"{quote_ident(column.name)} {column.type}" for column in columns)
        source = f"json_to_recordset({parameter}::json) AS v ({types})"
    overriding = "OVERRIDING SYSTEM VALUE " if any(column.identity for column in columns) else ""
    returned = f" RETURNING {key_sql(table, 't')} AS key, row_to_json(t.*) AS body" if returning else ""
    return (
        f"INSERT INTO {quote_table(table.id)} AS t {f'({names}) ' if names else ''}{overriding}"
        f"SELECT {names} FROM {source}{returned}"
    )
