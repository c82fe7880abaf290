"""One moment of the target: every row and every sequence, read as the owner while nobody can change the tables."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from pytest_atdm.core.errors import DatabaseBusy, NotFound, SettingError
from pytest_atdm.core.schema import ForeignKey
from seeder.db.border import translated
from seeder.db.introspect import read_target
from seeder.db.pool import connect
from seeder.db.queries import QUERIES, quote_ident, quote_text
from seeder.db.row_hash import TEXT_SETTINGS, row_hash_sql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from pytest_atdm.core.schema import Schema
    from seeder.settings import Settings

#: Whole tables are read, and large ones: none of the settings that suit short statements on few rows.
_SESSION: Final = {
    **TEXT_SETTINGS,
    "row_security": "off",
    "statement_timeout": "6h",
    "idle_in_transaction_session_timeout": "1h",  # what was read is stored meanwhile
    "enable_seqscan": "on",
    "enable_bitmapscan": "on",
    "parallel_tuple_cost": "0",  # the hashes cost more than anything else: several processes share them
}
_COPY_S: Final = 6 * 3600
#: Tables may come and go between the look at which there are and the locks on them.
_ATTEMPTS: Final = 5
#: DROP TABLE, DROP SCHEMA: while one looks or waits for the lock.
_GONE: Final = frozenset({"42P01", "3F000", "XX000"})
#: What stands in a database without an encoding, or in one whose encoding has more than Unicode.
_NO_UTF8: Final = frozenset({"22021", "22P05"})
_MEND_ENCODING: Final = "mend this text, or make the database anew with the encoding UTF8"
#: Sequences of which one statement reads.
_TOGETHER: Final = 500
_MAX_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """A table or leaf partition as it was found; *columns* are the stored ones in their order, with their types.

    *root* is the id of the partitioned table that it belongs to, else its own. *estimated_rows* is what Postgres
    thinks, 0 where it does not know.
    """

    id: str
    root: str
    columns: tuple[tuple[str, str], ...]
    estimated_rows: int
    sql_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePosition:
    """Where the sequence *id* (schema.name) stood: what ``setval`` takes."""

    id: str
    value: int
    is_called: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The moment, which lasts as long as ``open_snapshot`` is open. *taken_at* is in UTC, ISO 8601.

    *target* is what tables there are, foreign keys of partitions with them; *schema* is its fingerprint, without these,
    see ``fingerprint_of_all``; *server* is Postgres' major version. Sequences are read after the moment: no row is in
    it whose number they do not have behind them.
    """

    taken_at: str
    server: int
    target: Schema
    schema: str
    tables: tuple[SourceTable, ...]
    sequences: tuple[SequencePosition, ...]
    connection: asyncpg.Connection

    async def copy_rows(
        self, table: SourceTable, sink: Callable[[bytes], Awaitable[None]], *, masked: Collection[str] = ()
    ) -> None:
        """Give *sink* the rows of the table alone as CSV, whole rows each time: the hash, then the columns.

        The hash is without the columns *masked*.

        Raises:
            SettingError: a text cannot be said in UTF-8.
            DatabaseUnavailable, DatabaseBusy: Postgres gave up, or is gone.
        """
        doing = f'reading table "{table.id}"'
        with translated(doing):
            try:
                await self.connection.copy_from_query(
                    _rows_sql(table, masked), output=sink, format="csv", timeout=_COPY_S
                )
            except asyncpg.PostgresError as error:
                if error.sqlstate in _NO_UTF8:
                    raise SettingError(f"{doing}: {error}", hint=_MEND_ENCODING) from error
                raise


def _rows_sql(table: SourceTable, masked: Collection[str]) -> str:
    types = dict(table.columns)
    row_hash = row_hash_sql({name: kind for name, kind in types.items() if name not in masked})
    return f"SELECT {', '.join((row_hash, *map(quote_ident, types)))} FROM ONLY {table.sql_name}"


@asynccontextmanager
async def open_snapshot(settings: Settings, only: Collection[str] = ()) -> AsyncIterator[Snapshot]:
    """Yield the moment of now, of the settings' target, as its owner where the settings name one.

    Rows may be written meanwhile, tables not be changed. ATDM's own schema is not looked at. *only*: of these tables
    (ids; a partitioned one stands for its partitions) with the sequences that they own; empty for all of everything.

    Raises:
        NotFound: there is no table of a name in *only*.
        SettingError: the role may not read all rows of all tables, or where sequences stand; the message names them.
        DatabaseBusy: somebody holds a table, or tables come and go all the time.
        NotATestDatabase, DatabaseUnavailable: as ``connect``.
    """
    connection = await connect(settings, settings.owner_url or settings.database_url, session=_SESSION)
    try:
        with translated("opening a snapshot"):
            tables = await _begin(connection, only)
            snapshot = await _read_snapshot(connection, tables, only)
        yield snapshot
    except BaseException:
        connection.terminate()  # whoever gave up in the middle of a table does not wait for the rest of it
        raise
    await connection.close()


async def _begin(connection: asyncpg.Connection, only: Collection[str]) -> list[Any]:
    """Begin the transaction with a lock on each table, and return what ``snapshot_tables`` says in it."""
    for _ in range(_ATTEMPTS):
        expected = _select(await connection.fetch(QUERIES["snapshot_tables"]), only)
        _require_readable(expected)
        # The locks come before the first query, which decides on the moment: no table changes in between.
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if await _lock(connection, [table["name"] for table in expected]):
            found = _select(await connection.fetch(QUERIES["snapshot_tables"]), only)
            if _shapes(expected) == _shapes(found):
                return found
        await connection.execute("ROLLBACK")
    raise DatabaseBusy(
        "opening a snapshot: tables come and go all the time", hint="try again when nobody makes or drops tables"
    )


def _select(tables: list[Any], only: Collection[str]) -> list[Any]:
    """Return those of *tables* that are wanted."""
    if not only:
        return tables
    known = {one["id"] for one in tables}
    unknown = [name for name in only if name not in known]
    if unknown:
        close = get_close_matches(unknown[0], sorted(known), _MAX_NAMED, 0.4) or sorted(known)[:_MAX_NAMED]
        raise NotFound(
            f"there is no table {', '.join(unknown)}", hint=f"write it as schema.table; there are: {', '.join(close)}"
        )
    return [one for one in tables if one["id"] in only or one["root"] in only]


def _shapes(tables: Iterable[Any]) -> list[tuple[object, ...]]:
    return [(one["oid"], one["id"], one["columns"], one["types"], one["closed"], one["hidden"]) for one in tables]


async def _lock(connection: asyncpg.Connection, names: Sequence[str]) -> bool:
    """Lock the tables against changes; False where one of them is gone."""
    if not names:
        return True
    try:
        await connection.execute(f"LOCK TABLE {', '.join(f'ONLY {name}' for name in names)} IN ACCESS SHARE MODE")
    except asyncpg.PostgresError as error:
        if error.sqlstate not in _GONE:
            raise
        return False
    return True


def _require_readable(tables: Sequence[Any]) -> None:
    _refuse(
        [one["id"] for one in tables if one["kind"] == "f"],
        "the rows of these partitions are in another database",
        "detach these foreign tables, or leave baselines of this database",
    )
    _refuse(
        [one["id"] for one in tables if one["closed"]],
        "the role may not read these tables",
        "GRANT SELECT on them to the role of ATDM_OWNER_DATABASE_URL, or give it the URL of their owner",
    )
    _refuse(
        [one["id"] for one in tables if one["hidden"]],
        "row-level security hides rows of these tables from the role",
        "give ATDM_OWNER_DATABASE_URL the URL of a role that sees all; or, as a superuser: ALTER ROLE ... BYPASSRLS",
    )


def _refuse(ids: Sequence[str], why: str, hint: str) -> None:
    if ids:
        more = f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else ""
        raise SettingError(f"no snapshot: {why}: {', '.join(ids[:_MAX_NAMED])}{more}", hint=hint)


async def _read_snapshot(connection: asyncpg.Connection, tables: Sequence[Any], only: Collection[str]) -> Snapshot:
    taken_at = await connection.fetchval("SELECT statement_timestamp()")
    target = await read_target(connection)
    return Snapshot(
        taken_at=taken_at.isoformat(),
        server=connection.get_server_version().major,
        target=_add_keys(target.schema, await connection.fetch(QUERIES["snapshot_partition_keys"])),
        schema=fingerprint_of_all(target.schema),
        tables=tuple(sorted((_build_table(one) for one in tables if one["kind"] == "r"), key=lambda one: one.id)),
        sequences=await _read_sequences(connection, {one["id"] for one in tables} if only else None),
        connection=connection,
    )


def _add_keys(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> Schema:
    """Return *schema* with the foreign keys of partitions as those of the tables above them."""
    tables = dict(schema.tables)
    for row in rows:
        if row["child"] in tables and row["parent"] in tables:
            child = tables[row["child"]]
            key = ForeignKey(
                name=row["name"],
                columns=tuple(row["columns"]),
                parent=row["parent"],
                parent_columns=tuple(row["parent_columns"]),
            )
            tables[child.id] = dataclasses.replace(child, foreign_keys=(*child.foreign_keys, key))
    return dataclasses.replace(schema, tables=tables)


def _build_table(row: Mapping[str, Any]) -> SourceTable:
    return SourceTable(
        id=row["id"],
        root=row["root"],
        columns=tuple(zip(row["columns"], row["types"], strict=True)),
        estimated_rows=row["estimate"],
        sql_name=row["name"],
    )


async def _read_sequences(
    connection: asyncpg.Connection, owners: Collection[str] | None
) -> tuple[SequencePosition, ...]:
    """Return where sequences stand: all, or those that *owners* own."""
    sequences = await connection.fetch(QUERIES["snapshot_sequences"])
    sequences = [one for one in sequences if owners is None or one["owner"] in owners]
    _refuse(
        [one["id"] for one in sequences if one["closed"]],
        "the role may not read where these sequences stand",
        "GRANT SELECT on them to the role of ATDM_OWNER_DATABASE_URL, or give it the URL of their owner",
    )
    found: list[SequencePosition] = []
    for start in range(0, len(sequences), _TOGETHER):
        parts = (
            f"SELECT {quote_text(one['id'])} AS id, last_value AS value, is_called FROM {one['name']}"
            for one in sequences[start : start + _TOGETHER]
        )
        rows = await connection.fetch(" UNION ALL ".join(parts))
        found += [SequencePosition(id=row["id"], value=row["value"], is_called=row["is_called"]) for row in rows]
    return tuple(sorted(found, key=lambda one: one.id))


def fingerprint_of_all(schema: Schema) -> str:
    """Return the fingerprint that *schema* has for a role that may do everything: it is the same for every role."""
    tables = {
        id: dataclasses.replace(table, row_security=False, missing_rights=()) for id, table in schema.tables.items()
    }
    return dataclasses.replace(schema, tables=tables).fingerprint
