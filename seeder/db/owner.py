"""What is done as the owner of the database, before any work: migrations and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.data import folder as shipped_folder
from seeder.db.migrate import apply_migrations
from seeder.db.pool import connect
from seeder.db.roles import find_footing, grant_rights, list_lacking_roles
from seeder.db.template import connect_migrated
from seeder.records import Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import asyncpg

    from seeder.db.roles import Footing
    from seeder.settings import Settings


async def prepare(settings: Settings, folders: Sequence[Path] = ()) -> Footing:
    """Bring the database up to date, *folders* of the target's migrations included, and return how to work there.

    The owner does it, where the settings name one; who connects for the work then finds all done.

    Raises:
        MigrationFailed: the settings' migrations, or those of *folders*, did not run to their end.
        NotATestDatabase, DatabaseUnavailable, SettingError: as ``connect`` and ``apply_migrations``.
    """
    if settings.owner_url is not None:
        await bring_up(settings, folders)
    connection = await (
        connect_migrated(settings, settings.migrations)
        if settings.migrations
        else connect(settings, settings.database_url)
    )
    try:
        await _bring_up(connection, folders)
        return await find_footing(connection)
    finally:
        await connection.close()


async def bring_up(settings: Settings, folders: Sequence[Path] = ()) -> Preparation:
    """Apply ATDM's migrations and grant rights as the owner.

    Raises:
        As ``prepare``.
    """
    connection = await connect(settings, settings.owner_url or settings.database_url)
    try:
        return await _bring_up(connection, folders)
    finally:
        await connection.close()


async def renew_rights(settings: Settings) -> bool:
    """Grant what the roles lack by now, as the owner; return whether they lacked anything.

    Raises:
        SettingError, DatabaseBusy, DatabaseUnavailable: nothing has changed.
    """
    connection = await connect(settings, settings.owner_url or settings.database_url)
    try:
        return bool(await grant_rights(connection))
    finally:
        await connection.close()


async def _bring_up(connection: asyncpg.Connection, folders: Sequence[Path]) -> Preparation:
    applied: list[str] = []
    for folder in (shipped_folder("migrations") / "atdm", *folders):
        applied += await apply_migrations(connection, folder)
    granted = await grant_rights(connection)
    lacking = await list_lacking_roles(connection)
    return Preparation(applied=tuple(applied), granted=tuple(granted), lacking=lacking)
