"""Connections to the target database."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import asyncpg

from pytest_atdm.core.errors import DatabaseBusy, NotATestDatabase
from seeder.db.border import translated
from seeder.db.hosts import refuse_far_hosts
from seeder.db.queries import QUERIES
from seeder.settings import CONNECT_S, command_timeout_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from seeder.settings import Settings

#: So long one waits for a connection that others have.
_ACQUIRE_S: Final = 20
#: How long a statement that was given up may take to end.
_CANCEL_S: Final = 1.0


class Pool:
    """asyncpg's pool, with the connection that came back last kept at hand.

    To hand a connection out and to take it back cost asyncpg's pool a task and a proxy, 0.06 ms a time; most of the
    time there is one caller, who wants the same connection again.

    *beside* is a pool for short looks from outside at what a transaction does: whoever has a connection of this pool
    must never wait for another one of it, for all others may do the same.
    """

    def __init__(self, pool: asyncpg.Pool, beside: Pool | None = None) -> None:
        self.beside = beside or self
        self._pool = pool
        self._kept: asyncpg.Connection | None = None
        self._waiting = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection; one whose borrower failed goes through the pool, which sees to what it left open."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            # What runs there is cancelled; where that is not answered either, the pool ends the connection.
            with contextlib.suppress(TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._pool.release(connection, timeout=_CANCEL_S)
            raise
        if self._kept is None and not self._waiting:
            self._kept = connection
        else:
            await self._pool.release(connection)

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """Return the rows of a query."""
        async with self.acquire() as connection:
            rows: list[Any] = await connection.fetch(query, *arguments)
            return rows

    async def fetchrow(self, query: str, *arguments: object) -> Any:
        """Return the first row of a query, or None."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Return the first value of a query's first row."""
        async with self.acquire() as connection:
            return await connection.fetchval(query, *arguments)

    async def close(self) -> None:
        """Close every connection, once those that are lent have come back."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            await self._pool.release(kept)
        await self._pool.close()
        if self.beside is not self:
            await self.beside.close()

    def terminate(self) -> None:
        """Close every connection at once."""
        self._pool.terminate()
        if self.beside is not self:
            self.beside.terminate()

    async def _take(self) -> asyncpg.Connection:
        kept, self._kept = self._kept, None
        if kept is not None:
            if _is_open(kept):
                return kept
            await self._pool.release(kept)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=_ACQUIRE_S)
        except TimeoutError as error:
            if self._pool.get_size() < self._pool.get_max_size():
                raise  # Postgres did not answer
            raise DatabaseBusy(
                f"all {self._pool.get_size()} connections of the seeder have been in use for {_ACQUIRE_S} s",
                hint="try again when fewer requests are made at once",
            ) from error
        finally:
            self._waiting -= 1


def _is_open(connection: asyncpg.Connection) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # it broke, and the pool took it back by itself


async def connect(
    settings: Settings, url: str, session: Mapping[str, str] = MappingProxyType({}), *, is_unhurried: bool = False
) -> asyncpg.Connection:
    """Return one connection to *url*, after its database has been seen to be a test database.

    *session* are settings to add, or to take instead of the usual ones. *is_unhurried*: a statement may take any time.

    Raises:
        NotATestDatabase: it is on a host that is not allowed, and was not connected to; or it is neither embedded,
            marked, nor allowed by name.
        SettingError: the URL names no database, or no role that may enter.
        DatabaseUnavailable: Postgres does not answer.
    """
    refuse_far_hosts(url, settings.allow_hosts)
    with translated(f"connecting to {_describe(url)}"):
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_S,
            command_timeout=None if is_unhurried else command_timeout_s(settings),
            server_settings={**_server_settings(settings), **session},
        )
    try:
        await _check_mark(connection, settings)
    except BaseException:
        await connection.close()
        raise
    return connection


async def open_pool(settings: Settings, session: Mapping[str, str]) -> Pool:
    """Return a pool on the settings' database, which ``connect`` has let pass; *session* are settings to add.

    Raises:
        SettingError, DatabaseUnavailable: as ``connect``.
    """
    refuse_far_hosts(settings.database_url, settings.allow_hosts)
    with translated(f"connecting to {_describe(settings.database_url)}"):
        opened = await _create(settings, session, min_size=1, max_size=settings.pool_size)
        beside = await _create(settings, session, min_size=0, max_size=1)
    return Pool(opened, Pool(beside))


async def _create(settings: Settings, session: Mapping[str, str], **sizes: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        settings.database_url,
        timeout=CONNECT_S,
        command_timeout=command_timeout_s(settings),
        # A connection that stays keeps its plans, those of long statements above all.
        max_inactive_connection_lifetime=0,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        reset=_keep_as_is,
        server_settings={**_server_settings(settings), **session},
        **sizes,
    )


def _describe(url: str) -> str:
    """Return host, port and database of *url*, and nothing of its secrets."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{place or 'the local socket'}{parts.path}"


async def _keep_as_is(connection: asyncpg.Connection) -> None:
    """Release without the usual reset query: no statement here leaves state in its session."""


def _server_settings(settings: Settings) -> dict[str, str]:
    return {
        "application_name": "atdm-seeder",
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        # Whoever stops in the middle of a transaction keeps its locks no longer than this.
        "idle_in_transaction_session_timeout": str(settings.idle_timeout_ms),
        # Planning the large generated statements costs more than running them; parameters do not change their plans.
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",
        # Cells without an offset mean UTC, in the planner and here alike.
        "timezone": "UTC",
        # A plan is made once and kept, perhaps while the tables are empty: it has to suit them when they are full.
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
    }


async def _check_mark(connection: asyncpg.Connection, settings: Settings) -> None:
    with translated("reading the database's mark"):
        mark = await connection.fetchrow(QUERIES["mark"])
    if settings.embedded or mark["marked"] or mark["name"] in settings.allow_databases:
        return
    raise NotATestDatabase(
        f'database "{mark["name"]}" is not marked as a test database, so nothing is written to it',
        hint="name it in ATDM_ALLOW_DATABASES, or mark it, as a superuser: "
        f"ALTER DATABASE \"{mark['name']}\" SET atdm.test_database = 'on'",
    )
