"""Restores of a thousand to a million rows, beside ``pg_restore`` of the same into an empty database; and memory."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from seeder.baselines.restoring import restore_baseline
from seeder.baselines.shelf import Shelf
from seeder.baselines.taking import take_baseline
from seeder.db.database import Database
from seeder.embedded.binaries import clean_environment, find_binaries
from seeder.records import RunStart
from seeder.settings import Settings
from seeder.store.local import LocalStore
from tests.bench.figures import Figure, compare, limit

#: Rows, and how often each is measured.
_SIZES: Final = {1_000: 7, 100_000: 5, 1_000_000: 3}
_RUN: Final = "01BENCH"
_MOST_MEMORY_MB: Final = 300
_TABLES: Final = """
CREATE TABLE customers (id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, name text NOT NULL, born date,
    balance numeric(12, 2));
CREATE TABLE products (id serial PRIMARY KEY, sku text NOT NULL UNIQUE, title text, price numeric(10, 2), tags jsonb);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    state text NOT NULL, placed timestamptz NOT NULL, note text);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    product_id int NOT NULL REFERENCES products, quantity int NOT NULL CHECK (quantity > 0), price numeric(10, 2),
    u uuid);
CREATE INDEX ON orders (customer_id); CREATE INDEX ON orders (state, placed);
CREATE INDEX ON lines (order_id); CREATE INDEX ON lines (product_id);
"""
_ROWS: Final = """
INSERT INTO customers (code, name, born, balance)
SELECT 'C' || i, md5(i::text), date '1950-01-01' + i % 20000, i * 1.01 FROM generate_series(1, {rows} / 10) i;
INSERT INTO products (sku, title, price, tags)
SELECT 'S' || i, md5(i::text), i % 1000, jsonb_build_object('k', i, 'w', md5(i::text))
FROM generate_series(1, {rows} / 10) i;
INSERT INTO orders (customer_id, state, placed, note)
SELECT 1 + i * 7919::bigint % ({rows} / 10), (ARRAY['new', 'paid', 'sent'])[1 + i % 3],
    timestamptz '2024-01-01' + i * interval '1 minute', md5(i::text) || md5((i + 1)::text)
FROM generate_series(1, {rows} * 3 / 10) i;
INSERT INTO lines (order_id, product_id, quantity, price, u)
SELECT 1 + i * 7919::bigint % ({rows} * 3 / 10), 1 + i * 104729::bigint % ({rows} / 10), 1 + i % 9,
    (i % 100000) / 100.0, md5(i::text)::uuid
FROM generate_series(1, {rows} / 2) i;
"""
_EMPTY: Final = "TRUNCATE customers, products, orders, lines"
_TEN: Final = """
UPDATE orders SET state = 'lost' WHERE id <= 5;
DELETE FROM lines WHERE id <= 3;
INSERT INTO customers (code, name) VALUES ('X1', 'new'), ('X2', 'new')
"""


def measure_restores(server_url: str) -> list[Figure]:
    """Return the seconds of pg_restore and of restores for each size, in databases made on the server.

    Of the largest the memory too that a process needs which takes and restores it.
    """
    return [
        figure
        for rows, rounds in _SIZES.items()
        for figure in asyncio.run(_measure_size(server_url, rows, rounds, with_memory=rows == max(_SIZES)))
    ]


async def _measure_size(server_url: str, rows: int, rounds: int, *, with_memory: bool) -> list[Figure]:
    server = await asyncpg.connect(server_url)
    with tempfile.TemporaryDirectory() as name:
        bench = _Bench(server, server_url, rows, Path(name))
        await bench.open()
        times = [await bench.measure() for _ in range(rounds)]
        memory = [await bench.measure_memory()] if with_memory else []
        await bench.close()
    await server.close()
    peer, full, ten, none = (statistics.median(one) for one in zip(*times, strict=True))
    against = Figure(name=f"pg_restore of {rows:,} rows in four tables with indexes", figure=peer, unit="s")
    return [
        against,
        compare(f"restore of these {rows:,} rows into emptied tables", full, "s", against=against, at_most=1),
        compare(
            f"restore after 10 of these {rows:,} rows have changed",
            ten,
            "s",
            against=against,
            at_most=0.2 if rows == max(_SIZES) else None,
        ),
        compare(f"restore after none of these {rows:,} rows has changed", none, "s", against=against),
        *memory,
    ]


class _Bench:
    """A database of so many rows, its dump and its baseline in *folder*."""

    def __init__(self, server: asyncpg.Connection, server_url: str, rows: int, folder: Path) -> None:
        self._server = server
        self._server_url = server_url
        self._rows = rows
        self._dump = folder / "dump"
        self._settings = Settings(
            database_url=self._url(f"restored_{rows}"),
            token="bench",
            catalog=folder,
            base_url="http://bench",
            embedded=True,
        )
        self._shelf = Shelf(LocalStore(folder / "store"))

    async def open(self) -> None:
        """Make everything."""
        url = self._settings.database_url
        await self._server.execute(f"CREATE DATABASE restored_{self._rows}")
        self._connection = await asyncpg.connect(url)
        await self._connection.execute(_TABLES)
        await self._connection.execute(_ROWS.format(rows=self._rows))
        await self._connection.execute("VACUUM ANALYZE")
        await _run("pg_dump", "-Fc", f"--file={self._dump}", url)
        self._database = await Database.open(self._settings)
        start = RunStart(run_id=_RUN, session_id=_RUN, actor="bench", seed=1, as_of="2026-01-15")
        await self._database.start_run(start)
        store = LocalStore(self._dump.parent / "store")
        self._manifest = await take_baseline(self._settings, store, "bench", actor="bench")

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()
        await self._connection.close()

    async def measure(self) -> tuple[float, float, float, float]:
        """Return the seconds of pg_restore, and of restores of all rows, of ten and of none."""
        peer = await self._restore_dump()
        return peer, await self._restore(_EMPTY), await self._restore(_TEN), await self._restore("SELECT 1")

    async def measure_memory(self) -> Figure:
        """Return the most memory of a process that takes a baseline and restores it into emptied tables."""
        command = [sys.executable, "-m", "tests.bench.baselines_memory", self._settings.database_url, _RUN, _EMPTY]
        done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
        what = f"memory of a process that takes and restores these {self._rows:,} rows"
        return limit(what, int(done.stdout) / 1e6, "MB", at_most=_MOST_MEMORY_MB)

    async def _restore_dump(self) -> float:
        name = f"peer_{self._rows}"
        await self._server.execute(f"CREATE DATABASE {name}")
        await self._server.execute("CHECKPOINT")
        started = time.perf_counter()
        await _run("pg_restore", f"--dbname={self._url(name)}", str(self._dump))
        seconds = time.perf_counter() - started
        await self._server.execute(f"DROP DATABASE {name}")
        return seconds

    async def _restore(self, change: str) -> float:
        await self._connection.execute(change)
        await self._connection.execute("CHECKPOINT")
        started = time.perf_counter()
        await restore_baseline(self._settings, self._shelf, self._manifest, run_id=_RUN)
        return time.perf_counter() - started

    def _url(self, database: str) -> str:
        return urlsplit(self._server_url)._replace(path=f"/{database}").geturl()


async def _run(program: str, *arguments: str) -> None:
    command = [str(find_binaries() / program), *arguments]
    await asyncio.to_thread(subprocess.run, command, check=True, env=clean_environment())
