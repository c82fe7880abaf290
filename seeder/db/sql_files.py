"""SQL files, sent to Postgres statement by statement, so that a failure has a place."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg
import pgparse  # type: ignore[import-not-found]  # it ships no types

from pytest_atdm.core.errors import MigrationFailed
from pytest_atdm.core.migrations import MIGRATION_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LEAD: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


class Statement(NamedTuple):
    """One statement of a file: its *number* and *line*, both from 1, and its text without what stands before it.

    A file that the parser does not read is one statement of number 0: Postgres judges it as a whole.
    """

    number: int
    line: int
    text: str


async def apply_files(
    connection: asyncpg.Connection, paths: Sequence[Path], *, limit_s: float = MIGRATION_LIMIT_S
) -> None:
    """Run each file as a session of its own would: settings of one do not reach the next.

    Raises:
        MigrationFailed: Postgres refuses a statement, a file is no text or leaves its transaction open, or all
            together take longer than *limit_s* seconds.
    """
    path = None
    try:
        async with asyncio.timeout(limit_s):
            for path in paths:
                await run_file(connection, path, _read(path))
                if connection.is_in_transaction():
                    raise MigrationFailed(f"{path}: its transaction is still open at its end", hint="end it: COMMIT;")
                await connection.reset()
    except TimeoutError as error:
        raise MigrationFailed(
            f"{path}: the SQL files did not end within {limit_s:g} s, up to this one", hint="see what it waits for"
        ) from error


async def run_file(connection: asyncpg.Connection, path: Path, text: str) -> None:
    """Run the statements of *text*, the content of *path*, one after the other.

    Raises:
        MigrationFailed: Postgres refuses one; names file, statement and line.
    """
    for statement in split(text):
        try:
            await connection.execute(statement.text)
        except asyncpg.PostgresError as error:
            raise MigrationFailed(
                f"{path}, {_locate(statement, error)}: {error}",
                hint="correct the file; nothing of its folder was kept",
            ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MigrationFailed(f"{path} is no text in UTF-8: {error}", hint="save it as UTF-8") from error


def split(text: str) -> list[Statement]:
    """Return the statements of *text* in their order, by Postgres' own grammar."""
    try:
        parsed = pgparse.parse(text)
    except pgparse.PGQueryError:
        return [Statement(0, 1, text)]
    if isinstance(parsed, str):  # some releases answer with JSON text
        parsed = pgparse.json.loads(parsed)
    content = text.encode()  # places are counted in bytes
    statements = []
    for number, node in enumerate(parsed, start=1):
        start = node.get("stmt_location", 0)
        piece = content[start : start + node["stmt_len"] if "stmt_len" in node else None].decode()
        lead = _LEAD.match(piece)
        skipped = lead.end() if lead else 0
        line = content.count(b"\n", 0, start) + piece.count("\n", 0, skipped) + 1
        statements.append(Statement(number, line, piece[skipped:]))
    return statements


def _locate(statement: Statement, error: asyncpg.PostgresError) -> str:
    """Name the statement, and the line that Postgres points to; without that the line where the statement begins."""
    place = int(error.position or 1)
    line = statement.line + statement.text.count("\n", 0, place - 1)
    return f"statement {statement.number}, line {line}" if statement.number else f"line {line}"
