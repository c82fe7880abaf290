"""The target database as a test looks at it, without ATDM in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

LIBRARY = Path(__file__).with_name("library")
CATALOG = LIBRARY / "catalog"
_ALL_ROWS = {
    "genres": "SELECT t::text AS row FROM genres t ORDER BY 1",
    "readers": "SELECT t::text AS row FROM readers t ORDER BY 1",
    "books": "SELECT t::text AS row FROM books t ORDER BY 1",
    "loans": "SELECT t::text AS row FROM loans t ORDER BY 1",
    "reminders": "SELECT t::text AS row FROM reminders t ORDER BY 1",
    "shelves": "SELECT t::text AS row FROM shelves t ORDER BY 1",
}


def fetch(url: str, query: str, *values: object) -> list[dict[str, Any]]:
    """Return the rows of *query*; committed when it returns."""
    return asyncio.run(_fetch(url, query, values))


def read_all_rows(url: str) -> dict[str, list[str]]:
    """Return every row of every table of the library as text, sorted."""
    return {table: [row["row"] for row in fetch(url, query)] for table, query in _ALL_ROWS.items()}


def empty_tables(url: str) -> None:
    """Remove all rows but those that the library's migrations and reference files made."""
    for query in ("DELETE FROM reminders", "DELETE FROM loans", "DELETE FROM books", "DELETE FROM readers"):
        fetch(url, query)


async def _fetch(url: str, query: str, values: tuple[object, ...]) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return [dict(row) for row in await connection.fetch(query, *values, timeout=10)]
    finally:
        await connection.close()
