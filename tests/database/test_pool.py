"""Connections are lent to whoever asks, and the last one is kept at hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from pytest_atdm.core.errors import DatabaseBusy, DatabaseUnavailable, SeederError
from seeder.db.border import translated
from seeder.db.pool import Pool, connect, open_pool
from seeder.db.roles import find_footing
from tests.database.world import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

_Answer = TypeVar("_Answer")

HANG_S = 60  # only so that what never ends fails instead of hanging
PID = "SELECT pg_backend_pid()"
WAIT_AND_SAY = "SELECT $1::integer FROM pg_sleep(0.002)"


def with_pool(
    url: str,
    use: Callable[[Pool], Awaitable[_Answer]],
    *,
    session: Mapping[str, str] | None = None,
    **changes: int,
) -> _Answer:
    """Return what *use* makes of an open pool; *changes* are settings other than those of these tests."""

    async def run() -> _Answer:
        pool = await open_pool(settings(url, **{"pool_size": 2, **changes}), session or {})
        try:
            return await asyncio.wait_for(use(pool), HANG_S)
        finally:
            await asyncio.wait_for(pool.close(), HANG_S)

    return asyncio.run(run())


def test_who_asks_next_gets_the_connection_that_came_back(postgres_url: str) -> None:
    """One caller after the other works on one connection, whose plans are made."""

    async def use(pool: Pool) -> set[int]:
        return {await pool.fetchval(PID) for _ in range(5)}

    assert 1 == len(with_pool(postgres_url, use))


@pytest.mark.parametrize("pool_size", [1, 2, 3])
def test_nobody_waits_for_a_connection_that_is_kept(postgres_url: str, pool_size: int) -> None:
    """More callers than connections are all served, however few there are."""

    async def use(pool: Pool) -> list[object]:
        found: list[object] = await asyncio.gather(*(pool.fetchval(WAIT_AND_SAY, n) for n in range(25)))
        return found

    assert list(range(25)) == with_pool(postgres_url, use, pool_size=pool_size)


@pytest.mark.parametrize("query", ["SELECT 1/0", "SELECT pg_sleep(60)"])
def test_a_connection_whose_borrower_failed_serves_the_next(postgres_url: str, query: str) -> None:
    """An error, or a caller that went away in the middle of a statement, leaves nothing behind."""

    async def use(pool: Pool) -> object:
        with pytest.raises((asyncpg.DivisionByZeroError, TimeoutError)):
            await asyncio.wait_for(pool.fetchval(query), 0.2)
        return await pool.fetchval("SELECT 5")

    assert 5 == with_pool(postgres_url, use, pool_size=1)


def test_a_connection_that_broke_while_kept_is_replaced(postgres_url: str) -> None:
    """The server ended it: the next caller gets another."""

    async def use(pool: Pool) -> tuple[int, int]:
        gone = asyncio.Event()
        async with pool.acquire() as kept:
            first: int = await kept.fetchval(PID)
            kept.add_termination_listener(lambda _: gone.set())
        stranger = await asyncpg.connect(postgres_url)
        await stranger.execute("SELECT pg_terminate_backend($1)", first)
        await stranger.close()
        await gone.wait()
        return first, await pool.fetchval(PID)

    first, second = with_pool(postgres_url, use)

    assert first != second


#: What a server says on an idle connection before it ends: an error message, severity FATAL, of SQLSTATE 57P01.
LAST_WORDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """Yield a URL that leads to *url*, and what writes to those who came by it, in the order in which they came."""
    target, near = urlsplit(url), []
    carrying: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def connect_through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        near.append(writer)
        carrying.update(
            {asyncio.create_task(carry(reader, far_writer)), asyncio.create_task(carry(far_reader, writer))}
        )

    server = await asyncio.start_server(connect_through, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield url.replace(f":{target.port}/", f":{port}/"), near
    server.close()
    await asyncio.gather(*carrying)


def test_a_connection_that_is_about_to_break_is_replaced(postgres_url: str) -> None:
    """The server's last words have come, its end has not: an error to try again, and then another connection."""

    async def use() -> object:
        async with relay(postgres_url) as (url, near):
            pool = await open_pool(settings(url, pool_size=1), {})
            await pool.fetchval(PID)
            near[0].write(b"E" + (len(LAST_WORDS) + 4).to_bytes(4, "big") + LAST_WORDS)
            await asyncio.sleep(0.1)
            with pytest.raises(DatabaseUnavailable), translated("seeding"):
                await pool.fetchval("SELECT 5")
            answer = await pool.fetchval("SELECT 5")
            await pool.close()
            return answer

    assert 5 == asyncio.run(use())


LOCK = "SELECT pg_advisory_lock(4711)"


async def wait_until_free(url: str) -> None:
    """Return once nobody holds the lock of these tests any more."""
    stranger = await asyncpg.connect(url)
    await asyncio.wait_for(stranger.execute(LOCK), HANG_S)
    await stranger.close()


def test_a_transaction_in_which_nothing_happens_is_ended(postgres_url: str) -> None:
    """Whoever stops in the middle loses the transaction and its locks, and hears of it as an error to try again."""

    async def use(pool: Pool) -> None:
        with translated("seeding"):
            async with pool.acquire() as stopped, stopped.transaction():
                await stopped.execute(LOCK)
                await wait_until_free(postgres_url)
                await stopped.execute("SELECT 1")

    with pytest.raises(SeederError) as caught:
        with_pool(postgres_url, use, idle_timeout_ms=20)

    assert caught.value.retryable


def test_an_ended_transaction_is_an_error_to_try_again() -> None:
    """What Postgres says of it becomes the error of a busy database."""
    with pytest.raises(DatabaseBusy) as caught, translated("seeding"):
        raise asyncpg.IdleInTransactionSessionTimeoutError("terminating connection")

    assert caught.value.retryable
    assert "try again" in caught.value.hint


def test_a_client_that_has_gone_holds_nothing(postgres_url: str) -> None:
    """A statement that runs for somebody who was killed is given up, with its locks, while it runs."""

    async def find_session() -> dict[str, str]:
        connection = await connect(settings(postgres_url), postgres_url)
        found = dict((await find_footing(connection)).session)
        await connection.close()
        return found

    session = asyncio.run(find_session())

    async def use(pool: Pool) -> None:
        async with pool.acquire() as connection:
            await connection.execute(LOCK)
            sleeping = asyncio.create_task(connection.execute("SELECT pg_sleep(1000)"))
            await asyncio.sleep(0.05)
            connection.terminate()
            await asyncio.gather(sleeping, return_exceptions=True)
            await wait_until_free(postgres_url)

    assert "1s" == session["client_connection_check_interval"]
    with_pool(postgres_url, use, session={"client_connection_check_interval": "10ms"}, statement_timeout_ms=500_000)


def test_who_waits_for_a_connection_in_vain_is_told(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others have them all for too long, it is an error that may pass, and no wait without end."""
    monkeypatch.setattr("seeder.db.pool._ACQUIRE_S", 0.05)

    async def use(pool: Pool) -> str:
        async with pool.acquire():
            with pytest.raises(DatabaseBusy) as caught:
                await pool.fetchval(PID)
        return f"{caught.value.message}, {caught.value.hint}"

    said = with_pool(postgres_url, use, pool_size=1)

    assert "all 1 connections of the seeder have been in use for 0.05 s, try again when fewer requests" in said


def test_a_look_from_beside_needs_no_connection_of_the_others(postgres_url: str) -> None:
    """Whoever has the last one can still ask what other transactions see."""

    async def use(pool: Pool) -> tuple[int, int]:
        async with pool.acquire() as connection:
            return await connection.fetchval(PID), await pool.beside.fetchval(PID)

    inside, outside = with_pool(postgres_url, use, pool_size=1)

    assert inside != outside
