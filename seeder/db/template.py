"""The target's tables, made by the project's migrations once and kept in a template database.

The live database is a copy of the template. Databases of the server, beside the live one:

    atdm_template_<version>_<digest>    the template; complete once it is marked as one, which is the last thing done
    atdm_template_copy                  what becomes the live database
    atdm_template_former                what was the live database

Whoever is killed in between leaves something that is not the one complete template, or a live database that does not
bear its name as comment: the next start sees that and makes it good. The live database is there at any moment.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg

from pytest_atdm.core.errors import MigrationFailed
from seeder.db.border import translated
from seeder.db.pool import connect
from seeder.db.queries import QUERIES, quote_ident, quote_text
from seeder.db.roles import make_roles
from seeder.db.sql_files import apply_files
from seeder.migrations import is_unchanged, list_files, run_command

if TYPE_CHECKING:
    from seeder.settings import Migrations, Settings

PREFIX: Final = "atdm_template_"
_COPY: Final = f"{PREFIX}copy"
_FORMER: Final = f"{PREFIX}former"
_DIGEST_CHARACTERS: Final = 40  # a name has at most 63
_CONNECT_TIMEOUT_S: Final = 10


async def connect_migrated(settings: Settings, migrations: Migrations) -> asyncpg.Connection:
    """Return a connection to the live database, after that was made anew if it does not come from *migrations*.

    Raises:
        MigrationFailed: a file or the command failed; the live database has no tables then.
        SettingError, DatabaseUnavailable: as ``connect``.
    """
    connection = await connect(settings, settings.database_url)
    try:
        template = name_template(connection, migrations)
        if await connection.fetchval(QUERIES["made_from_template"], template, PREFIX):
            return connection
    except BaseException:
        await connection.close()
        raise
    await connection.close()
    with translated("making the database from the project's migrations"):
        await _rebuild(settings.database_url, template, migrations)
    return await connect(settings, settings.database_url)


def name_template(connection: asyncpg.Connection, migrations: Migrations) -> str:
    """Return the name of the database that *migrations* make on this version of Postgres."""
    version = connection.get_server_version()  # minor is 0 in every release of today; micro is what they call minor
    return f"{PREFIX}{version.major}_{version.micro}_{migrations.digest[:_DIGEST_CHARACTERS]}"


async def _rebuild(live_url: str, template: str, migrations: Migrations) -> None:
    live = urlsplit(live_url).path.removeprefix("/")
    connection = await asyncpg.connect(_at(live_url, "postgres"), timeout=_CONNECT_TIMEOUT_S)
    try:
        is_complete = await connection.fetchval(QUERIES["is_complete_template"], template)
        await _drop_leftovers(connection, template if is_complete else "")
        if not is_complete:
            await _replace(connection, live, None)
            await _drop_roles(connection)
            await make_roles(connection)  # which the migrations may want to give rights to
            await _make_template(connection, live_url, template, migrations)
        await _replace(connection, live, template)
    finally:
        await connection.close()


async def _drop_leftovers(connection: asyncpg.Connection, kept: str) -> None:
    for row in await connection.fetch(QUERIES["template_databases"], PREFIX, kept):
        name = quote_ident(row["name"])
        await connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _drop_roles(connection: asyncpg.Connection) -> None:
    """Drop the roles that earlier migrations made: they belong to the server, and would be in the way of the next."""
    for row in await connection.fetch(QUERIES["other_roles"]):
        with contextlib.suppress(asyncpg.DependentObjectsStillExistError):  # of a database that is not ours
            await connection.execute(f"DROP ROLE {quote_ident(row['name'])}")


async def _make_template(connection: asyncpg.Connection, live_url: str, template: str, migrations: Migrations) -> None:
    name, url = quote_ident(template), _at(live_url, template)
    await connection.execute(f"CREATE DATABASE {name}")
    if migrations.source.command:
        await run_command(migrations, url)
    else:
        await _apply_folder(url, migrations)
    if not is_unchanged(migrations):
        raise MigrationFailed(
            "the migration files have changed while they were applied",
            hint="start again; if the command itself writes some of them, name the others with --atdm-migrate-files",
        )
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false IS_TEMPLATE true")
    # From here on the template is complete.


async def _apply_folder(url: str, migrations: Migrations) -> None:
    connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S)
    try:
        await apply_files(connection, list_files(migrations.source, migrations.root))
    finally:
        await connection.close()


async def _replace(connection: asyncpg.Connection, live: str, template: str | None) -> None:
    """Put a copy of *template*, or an empty database, in the place of the live one."""
    if template is None:
        await connection.execute(f"CREATE DATABASE {_COPY}")
    else:
        await connection.execute(f"CREATE DATABASE {_COPY} TEMPLATE {quote_ident(template)}")
        await _copy_settings(connection, template)
        await connection.execute(f"COMMENT ON DATABASE {_COPY} IS {quote_text(template)}")
    async with connection.transaction():
        await connection.execute(f"ALTER DATABASE {quote_ident(live)} RENAME TO {_FORMER}")
        await connection.execute(f"ALTER DATABASE {_COPY} RENAME TO {quote_ident(live)}")
    await connection.execute(f"DROP DATABASE {_FORMER} WITH (FORCE)")


async def _copy_settings(connection: asyncpg.Connection, template: str) -> None:
    """Give the copy what a migration has set with ALTER DATABASE: Postgres does not copy that."""
    for row in await connection.fetch(QUERIES["database_settings"], template):
        name, _, value = row["setting"].partition("=")
        quoted = ".".join(map(quote_ident, name.split(".")))
        async with connection.transaction():
            await connection.execute("SELECT set_config($1, $2, true)", name, value)
            await connection.execute(f"ALTER DATABASE {_COPY} SET {quoted} FROM CURRENT")


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
