"""Folders of SQL files, applied once each and in order, recorded in ``atdm.migration``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import SettingError
from seeder.db.border import translated
from seeder.db.queries import QUERIES
from seeder.db.sql_files import run_file

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from seeder.db.pool import Pool


async def apply_migrations(pool: Pool, folder: Path) -> list[str]:
    """Apply the files of *folder* that this database lacks and return their names; all of them or none.

    Raises:
        SettingError: a file that was applied has been changed since, or the connecting role resolves names in ATDM's
            own schema.
        MigrationFailed: Postgres does not take a file.
    """
    with translated(f"applying the migrations of {folder}"):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_migrations"])
            # From here on this process is the only one that migrates.
            if not await connection.fetchval(QUERIES["ground_laid"]):
                await connection.execute(QUERIES["lay_ground"])
            await _refuse_own_schema_first(connection)
            return await _apply_missing(connection, folder)


async def _refuse_own_schema_first(connection: asyncpg.Connection) -> None:
    """A role called atdm finds the schema of its name first: tables of the application would land in it."""
    found = await connection.fetchrow(QUERIES["own_schema_first"])
    if found is not None:
        raise SettingError(
            f'role "{found["role"]}" looks for names in the schema atdm first (search_path: {found["path"]}), '
            "which is ATDM's own",
            hint=f'connect as a role of another name, or: ALTER ROLE "{found["role"]}" SET search_path = public',
        )


async def _apply_missing(connection: asyncpg.Connection, folder: Path) -> list[str]:
    applied = dict(await connection.fetch(QUERIES["applied_migrations"], folder.name))
    fresh = []
    for path, text in _read_files(folder):
        digest = hashlib.sha256(text).hexdigest()
        if path.name not in applied:
            await run_file(connection, path, text.decode())
            await connection.execute(QUERIES["record_migration"], folder.name, path.name, digest)
            fresh.append(path.name)
        elif applied[path.name] != digest:
            raise SettingError(
                f"{path} has been applied to this database, and has been changed since",
                hint="restore the file and put the change into a new one; "
                "or begin anew: remove .atdm, or DROP SCHEMA atdm CASCADE",
            )
    return fresh


def _read_files(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in sorted(folder.glob("*.sql"))]
