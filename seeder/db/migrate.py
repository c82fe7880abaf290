"""Folders of SQL files, applied once each and in order, recorded in ``atdm.migration``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pytest_atdm.core.errors import SettingError
from seeder.db.border import translated
from seeder.db.queries import QUERIES
from seeder.db.sql_files import run_file

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg


async def apply_migrations(connection: asyncpg.Connection, folder: Path) -> list[str]:
    """Apply the files of *folder* that this database lacks and return their names; all of them or none.

    Raises:
        SettingError: a file that was applied has been changed since; the connecting role resolves names in ATDM's own
            schema; or files are missing, and it is not the owner of that.
        MigrationFailed: Postgres does not take a file.
    """
    with translated(f"applying the migrations of {folder}"):
        async with connection.transaction():
            await connection.execute(QUERIES["lock_migrations"])
            # From here on this process is the only one that migrates.
            ground = await connection.fetchrow(QUERIES["ground_laid"])
            if not ground["laid"] and ground["may_migrate"]:
                await connection.execute(QUERIES["lay_ground"])
            elif not (ground["laid"] and ground["may_look"]):
                raise _not_its_owner(ground["role"], "may not use ATDM's schema")
            await _refuse_own_schema_first(connection)
            missing = await _list_missing(connection, folder)
            if missing and not ground["may_migrate"]:
                raise _not_its_owner(ground["role"], f"may not apply {missing[0].path.name}, which this database lacks")
            for file in missing:
                await run_file(connection, file.path, file.text.decode())
                await connection.execute(QUERIES["record_migration"], folder.name, file.path.name, file.digest)
            return [file.path.name for file in missing]


async def _refuse_own_schema_first(connection: asyncpg.Connection) -> None:
    """A role called atdm finds the schema of its name first: tables of the application would land in it."""
    found = await connection.fetchrow(QUERIES["own_schema_first"])
    if found is not None:
        raise SettingError(
            f'role "{found["role"]}" looks for names in the schema atdm first (search_path: {found["path"]}), '
            "which is ATDM's own",
            hint=f'connect as a role of another name, or: ALTER ROLE "{found["role"]}" SET search_path = public',
        )


def _not_its_owner(role: str, what: str) -> SettingError:
    return SettingError(
        f'role "{role}" {what}',
        hint="let the owner of the database run it, and give the role what it needs: ATDM_OWNER_DATABASE_URL=... "
        f'atdm-seeder migrate; then GRANT atdm_seeder TO "{role}"',
    )


async def _list_missing(connection: asyncpg.Connection, folder: Path) -> list[_File]:
    applied = dict(await connection.fetch(QUERIES["applied_migrations"], folder.name))
    missing = []
    for file in _read_files(folder):
        if file.path.name not in applied:
            missing.append(file)
        elif applied[file.path.name] != file.digest:
            raise SettingError(
                f"{file.path} has been applied to this database, and has been changed since",
                hint="restore the file and put the change into a new one; "
                "or begin anew: remove .atdm, or DROP SCHEMA atdm CASCADE",
            )
    return missing


class _File(NamedTuple):
    path: Path
    text: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def _read_files(folder: Path) -> list[_File]:
    return [_File(path, path.read_bytes()) for path in sorted(folder.glob("*.sql"))]
