"""The roles that the work is done as: made, given their rights, and taken on where that is possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from pytest_atdm.data import folder as shipped_folder
from seeder.db.border import translated
from seeder.db.queries import QUERIES, RIGHTS
from seeder.db.sql_files import run_file
from seeder.records import WorkingRole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seeder.db.pool import Pool

#: Reads and writes rows, and appends to the audit log.
SEEDER: Final = "atdm_seeder"
READER: Final = "atdm_reader"
ROLES_FILE: Final = "0005_roles.sql"

#: How often a connection looks whether its client is still there while a statement runs.
_CLIENT_CHECK: Final = "1s"
_ATTEMPTS: Final = 3
#: "tuple concurrently updated", or gone: somebody else changed or dropped the same table or function in this moment.
_OVERTAKEN: Final = frozenset({"XX000", "42P01", "3F000", "42883"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """How working connections begin: *session* are settings of theirs.

    *obstacle* says what to do for them to work as ``atdm_seeder``; empty where they do.
    """

    session: Mapping[str, str] = field(default_factory=dict)
    obstacle: str = ""


async def make_roles(connection: asyncpg.Connection) -> None:
    """Make the roles that this server lacks, as far as the connecting role may."""
    path = shipped_folder("migrations") / "atdm" / ROLES_FILE
    await run_file(connection, path, path.read_text("utf-8"))


async def grant_rights(connection: asyncpg.Connection) -> list[str]:
    """Give the roles the rights that they lack to what the connecting role owns; return the statements that did so.

    Raises:
        DatabaseBusy, DatabaseUnavailable: nothing has changed.
    """
    with translated("granting rights to the roles of ATDM"):
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await _grant_rights(connection)
            except asyncpg.PostgresError as error:
                if error.sqlstate not in _OVERTAKEN or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")


async def _grant_rights(connection: asyncpg.Connection) -> list[str]:
    async with connection.transaction():
        await connection.execute(QUERIES["lock_migrations"])
        await make_roles(connection)
        statements = [row["statement"] for row in await connection.fetch(RIGHTS)]
        if statements:
            await connection.execute("; ".join(statements))
        return statements


async def list_lacking_roles(connection: asyncpg.Connection) -> tuple[str, ...]:
    """Return, for each of the roles that this server has not, the statement that would make it."""
    lacking = await connection.fetch(QUERIES["lacking_roles"], [SEEDER, READER])
    return tuple(f"CREATE ROLE {row['name']} NOLOGIN" for row in lacking)


async def find_footing(connection: asyncpg.Connection) -> Footing:
    """Return how connections of this one's role can work: as ``atdm_seeder``, where that can do all that the role can.

    A schema that the search_path names after the connecting role stays in it: bodies of triggers rely on it.
    """
    with translated("looking for the role to work as"):
        found = await connection.fetchrow(QUERIES["find_footing"])
        session = {"client_connection_check_interval": _CLIENT_CHECK} if await _checks_clients(connection) else {}
    obstacle = _find_obstacle(found)
    if obstacle or found["login"] == SEEDER:
        return Footing(session=session, obstacle=obstacle)
    session["role"] = SEEDER
    if found["search_path"] is not None:
        session["search_path"] = found["search_path"]
    return Footing(session=session)


def _find_obstacle(found: Mapping[str, Any]) -> str:
    login = found["login"]
    if not found["is_there"]:
        return (
            'let a role that may create roles run "atdm-seeder migrate" (ATDM_OWNER_DATABASE_URL has its URL); then: '
            f'GRANT {SEEDER} TO "{login}", and start the seeder again'
        )
    if not found["is_mine"]:
        return f'GRANT {SEEDER} TO "{login}", and start the seeder again'
    if found["closed"] is not None:
        return (
            f'{SEEDER} may do less with {found["closed"]} than "{login}": let the owner of the tables run '
            f'"atdm-seeder migrate"; for row security, as a superuser: ALTER ROLE {SEEDER} BYPASSRLS'
        )
    return ""


async def _checks_clients(connection: asyncpg.Connection) -> bool:
    """Return whether this server can notice that a client has gone; not every system can."""
    try:
        await connection.execute(f"SET client_connection_check_interval = '{_CLIENT_CHECK}'")
    except (asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError):
        return False
    return True


async def read_working_role(pool: Pool, obstacle: str) -> WorkingRole:
    """Return whom the pool works as; *obstacle* is that of its footing."""
    with translated("asking for the role"):
        found = await pool.fetchrow(QUERIES["working_role"])
    excess = "a superuser" if found["is_superuser"] else "an owner of tables" if found["is_owner"] else ""
    otherwise = f"REVOKE from {found['role']} what makes it {excess}, unless your triggers need it"
    return WorkingRole(
        role=found["role"], login=found["login"], excess=excess, advice=(obstacle or otherwise) if excess else ""
    )
