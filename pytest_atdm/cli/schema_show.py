"""``atdm schema show``: the target's tables, as ATDM sees them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.options import read_console, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.schema import Column, ForeignKey, Schema, Table

#: What is told of a table in a way of its own; all other fields are told as they come.
_OWN_WAY: Final = frozenset({"id", "columns", "primary_key", "foreign_keys"})


@click.command()
@click.option("--table", "chosen", metavar="NAME", help="Only this table.")
@setting_options("url", "database_url", "catalog")
def show(chosen: str | None) -> None:
    """Show tables, columns, keys and checks of the target, and who refers to whom.

    With --output json it is the whole value that plans are made from: what "atdm schema diff" reads.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        schema = client.schema()
    if chosen is None:
        read_console().answer(schema, describe_schema(schema))
    else:
        table = schema.table(chosen, where="--table")
        read_console().answer(table, describe_table(table, schema))


def describe_schema(schema: Schema) -> Iterator[str]:
    """Yield the whole of *schema*, for a person: tables sorted by id, then types."""
    yield f"schema {schema.fingerprint}: {len(schema.tables)} tables"
    for _, table in sorted(schema.tables.items()):
        yield ""
        yield from describe_table(table, schema)
    for field in dataclasses.fields(schema):
        value = getattr(schema, field.name)
        if field.name != "tables" and value:
            yield from ("", _say(field.name))
            yield from _describe_types(value)


def describe_table(table: Table, schema: Schema) -> Iterator[str]:
    """Yield *table* with what it refers to and what refers to it, for a person."""
    yield table.id
    width = max((len(column.name) for column in table.columns), default=0)
    yield from (f"  {column.name.ljust(width)}  {_describe_column(column)}" for column in table.columns)
    if table.primary_key:
        yield f"  primary key {write_names(table.primary_key)}"
    for key in table.foreign_keys:
        yield f"  {_describe_key(key)}"
    for field in dataclasses.fields(table):
        value = getattr(table, field.name)
        if field.name not in _OWN_WAY and value != field.default:
            yield from _describe_field(field.name, value)
    for child, key in schema.children[table.id]:
        yield f"  referred to by {child.id} {write_names(key.columns)}, {key.name}"


def summarise(value: object) -> str:
    """Return one part of a schema in a line: of a value with fields those that say something, its name aside."""
    if isinstance(value, tuple):
        return write_names([_name(item) for item in value]) if value else "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if not dataclasses.is_dataclass(value):
        return str(value)
    told = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)[1:]]
    return ", ".join(f"{_say(field.name)} {summarise(part)}" for field, part in told if part not in (field.default, ()))


def write_names(names: Sequence[str]) -> str:
    """Return *names* in brackets."""
    return f"({', '.join(names)})"


def _name(item: object) -> str:
    """Return what *item* is called, with its type where it has one."""
    if not dataclasses.is_dataclass(item):
        return str(item)
    name = str(getattr(item, dataclasses.fields(item)[0].name))
    return f"{name} {item.type}" if hasattr(item, "type") else name


def _say(field: str) -> str:
    return field.replace("_", " ")


def _describe_column(column: Column) -> str:
    words = [column.type]
    if not column.nullable:
        words.append("not null")
    if column.generated:
        words.append(f"generated as {column.expression}")
    elif column.identity:
        words.append(f"generated {column.identity} as identity")
    elif column.default is not None:
        words.append(f"default {column.default}")
    return ", ".join(words)


def _describe_key(key: ForeignKey) -> str:
    to = f"foreign key {key.name} {write_names(key.columns)} to {key.parent} {write_names(key.parent_columns)}"
    return to if key.on_delete == "no action" else f"{to}, on delete {key.on_delete}"


def _describe_field(name: str, value: object) -> Iterator[str]:
    parts = value if isinstance(value, tuple) and all(dataclasses.is_dataclass(part) for part in value) else ()
    yield from (f"  {_say(name).removesuffix('s')} {_name(part)}: {summarise(part)}" for part in parts)
    if not parts:
        yield f"  {_say(name)}: {summarise(value)}"


def _describe_types(types: object) -> Iterator[str]:
    if isinstance(types, dict):
        yield from (f"  {name}: {summarise(part)}" for name, part in sorted(types.items()))
    else:
        yield f"  {summarise(types)}"
