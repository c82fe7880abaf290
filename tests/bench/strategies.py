"""Ways to put the rows of a situation into Postgres and to get them out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg
import sqlalchemy as sa
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.schema import Table
    from tests.bench.situation import Rows


class Strategy(Protocol):
    """Seeds rows and removes them again; what it does is what is timed."""

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Put *rows* in, committed, and take them out, committed."""


def quote(name: str) -> str:
    """Return *name* as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(id: str) -> str:
    """Return the table id as an SQL name."""
    schema, _, name = id.partition(".")
    return f"{quote(schema)}.{quote(name)}"


class OneCall:
    """The floor: raw asyncpg in process, one statement of data-modifying CTEs per direction. No ledger, no audit."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Insert everything with one call and delete it by primary key with another."""
        await self.insert(rows)
        keys = {part.table.id: [row[part.table.primary_key[0]] for row in part.cells] for part in rows}
        await self.connection.execute(delete_statement([part.table for part in rows]), json.dumps(keys))

    async def insert(self, rows: Sequence[Rows]) -> None:
        """Insert everything with one call."""
        data = {part.table.id: part.cells for part in rows}
        await self.connection.execute(_insert_statement(rows), json.dumps(data))


def _insert_statement(rows: Sequence[Rows]) -> str:
    parts = []
    for number, part in enumerate(rows):
        columns = ", ".join(quote(name) for name in part.cells[0])
        types = ", ".join(f"{quote(name)} {part.table.column(name).type}" for name in part.cells[0])
        parts.append(
            f"i{number} AS (INSERT INTO {qualified(part.table.id)} ({columns}) OVERRIDING SYSTEM VALUE "
            f"SELECT {columns} FROM jsonb_to_recordset($1::jsonb -> '{part.table.id}') AS r({types}))"
        )
    return f"WITH {', '.join(parts)} SELECT 1"


def delete_statement(tables: Sequence[Table]) -> str:
    """Return one statement that deletes from *tables* the rows whose keys $1 lists, by table id."""
    parts = []
    for number, table in enumerate(tables):
        key = table.column(table.primary_key[0])
        parts.append(
            f"d{number} AS (DELETE FROM {qualified(table.id)} WHERE {quote(key.name)} IN "
            f"(SELECT k::{key.type} FROM jsonb_array_elements_text($1::jsonb -> '{table.id}') AS k))"
        )
    return f"WITH {', '.join(parts)} SELECT 1"


class RowByRow:
    """asyncpg with a statement per row in one transaction per direction: what most seed scripts do."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Insert row by row, delete row by row in the opposite order."""
        async with self.connection.transaction():
            for part in rows:
                for row in part.rows:
                    await self.connection.execute(_row_statement(part, row), *row.values())
        async with self.connection.transaction():
            for part in reversed(rows):
                key = part.table.primary_key[0]
                for row in reversed(part.rows):
                    statement = f"DELETE FROM {qualified(part.table.id)} WHERE {quote(key)} = $1"
                    await self.connection.execute(statement, row[key])


def _row_statement(part: Rows, row: dict[str, object]) -> str:
    columns = ", ".join(quote(name) for name in row)
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    return f"INSERT INTO {qualified(part.table.id)} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({places})"


class FactoryBoy:
    """factory_boy over SQLAlchemy's ORM: create and commit, delete and commit."""

    def __init__(self, engine: sa.Engine) -> None:
        self.session = Session(engine, expire_on_commit=False)
        base = automap_base()
        base.prepare(autoload_with=engine, generate_relationship=lambda *_, **__: None)
        self.factories: dict[str, Any] = {name: self._factory(model) for name, model in base.classes.items()}

    def _factory(self, model: type) -> Any:
        meta = type("Meta", (), {"model": model, "sqlalchemy_session": self.session})
        return type(f"{model.__name__}Factory", (SQLAlchemyModelFactory,), {"Meta": meta})

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Create an object per row and commit; delete each and commit. The database allots keys, as people let it."""
        made: dict[str, Any] = {}
        for part in rows:
            for name, values, keys in zip(part.names, part.rows, part.keys, strict=True):
                made[name] = self._create(part.table.id, name, values, keys, made)
        self.session.commit()
        for one in reversed(made.values()):
            self.session.delete(one)
            self.session.flush()
        self.session.commit()
        self.session.expunge_all()

    def _create(
        self, table: str, name: str, values: Mapping[str, object], keys: Mapping[str, str], made: Mapping[str, Any]
    ) -> object:
        given = {column: value for column, value in values.items() if column not in keys}
        for column, pointer in keys.items():
            owner, _, owned = pointer.rpartition(".")
            if owner != name:
                given[column] = getattr(made[owner], owned)
        created = self.factories[table.partition(".")[2]](**given)
        self.session.flush()
        return created


class TemplateClone:
    """A database of its own per test: CREATE DATABASE ... TEMPLATE, seed, DROP."""

    def __init__(self, admin: asyncpg.Connection[asyncpg.Record], url: str, template: str) -> None:
        self.admin = admin
        self.url = url
        self.template = template

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Clone the template, insert with one call, drop the clone."""
        await self.admin.execute(f"CREATE DATABASE bench_clone TEMPLATE {quote(self.template)}")
        connection = await asyncpg.connect(self.url, database="bench_clone")
        await OneCall(connection).insert(rows)
        await connection.close()
        await self.admin.execute("DROP DATABASE bench_clone")


class Truncate:
    """Insert with one call, then TRUNCATE the tables: only possible where nobody else uses the database."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    async def cycle(self, rows: Sequence[Rows]) -> None:
        """Insert with one call, truncate every table that was written."""
        await OneCall(self.connection).insert(rows)
        await self.connection.execute(f"TRUNCATE {', '.join(qualified(part.table.id) for part in rows)} CASCADE")


def open_factory_boy(url: str) -> FactoryBoy:
    """Return the factory_boy strategy on the database *url*, through psycopg."""
    return FactoryBoy(sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1)))
