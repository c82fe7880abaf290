"""The one border where the driver's errors become errors of the tree."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.errors import (
    AtdmError,
    Conflict,
    DatabaseBusy,
    DatabaseUnavailable,
    InternalError,
    InvalidRequest,
    LeaseLost,
    NotFound,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    SettingError,
)
from pytest_atdm.core.model import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Another writer was in the way; the same statement may succeed at once.
CLASHES: Final = frozenset({"40001", "40P01"})
#: The writer's run was reaped, or started again: nothing is to be tried again.
LEASE_LOST: Final = "AT410"
#: A row below was written meanwhile, or a key is new: look again.
REFERENCE_BROKEN: Final = frozenset({"23503", "23001"})

#: What the driver itself says of an argument that it cannot send; Postgres always says it more exactly.
_NOT_SENT: Final = "22000"
_ROW_EXISTS: Final = frozenset({"23505", "23P01"})
#: A lock did not come in time: whoever holds it may hold it for long.
LOCKED: Final = "55P03"
_GAVE_UP: Final = frozenset({"57014", *CLASHES})
#: The transaction was open without work for too long, and Postgres has ended the session.
_IDLE: Final = "25P03"
_READ_ONLY: Final = "25006"
#: No such database, no such role, or not with this password.
_NO_ENTRY: Final = frozenset({"3D", "28"})
MEND_URL: Final = "mend the database URL: postgresql://role:password@host:port/database"
_GRANT: Final = (
    'GRANT this right to the role that seeding and reset run as ("atdm doctor" names it); '
    "a trigger function may have it as SECURITY DEFINER instead"
)
_NAMES_UNKNOWN: Final = frozenset({"42P01", "42703", "3F000", "42704"})


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise errors of the tree instead of the driver's; *doing* says in the message what was being done."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise translate(error, doing) from error
    except asyncpg.exceptions.ClientConfigurationError as error:
        raise SettingError(f"{doing}: {error}", hint=MEND_URL) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise DatabaseUnavailable(
            f"{doing}: Postgres does not answer ({type(error).__name__}: {error})",
            hint="see that Postgres runs and that the database URL is right, then try again",
        ) from error


def translate(error: asyncpg.PostgresError, doing: str) -> AtdmError:
    """Return the error of the tree for what Postgres said while *doing*."""
    state = error.sqlstate or ""
    if state.startswith("AT"):
        return _translate_own(state, str(error))
    if state == _NOT_SENT:
        return InvalidRequest(f"{doing}: {error}", hint="give a value that Postgres can hold")
    if state in _ROW_EXISTS:
        return RowConflict(
            f"{doing}: {_place(error)}: {error.detail or error}",
            hint="another row holds this key: leave the value to the planner, or override it with one that is free",
        )
    if state == LOCKED:
        return DatabaseBusy(
            f"{doing}: {error}",
            hint="does the application hold a transaction open on these rows? end it and try again",
        )
    if state in _GAVE_UP:
        return DatabaseBusy(f"{doing}: {error}", hint="Postgres gave up on the statement; try again")
    if state == _READ_ONLY:
        return DatabaseUnavailable(
            f"{doing}: Postgres takes no changes: {error}",
            hint="is it a standby, or set to read-only? point the database URL to one that can be written to",
        )
    if state == _IDLE:
        return DatabaseBusy(f"{doing}: {error}", hint="somebody was stopped, or slow, in the middle of it; try again")
    if state[:2] in ("08", "53", "57"):
        return DatabaseUnavailable(f"{doing}: {error}", hint="see what Postgres' log says; then try again")
    return _translate_refusal(error, state, doing)


def read_refusal(error: asyncpg.PostgresError, stage: str) -> Refusal:
    """Return what Postgres said, as a value."""
    return Refusal(
        stage=stage,
        code=error.sqlstate or "",
        message=str(error.args[0]),
        detail=error.detail or "",
        context=error.context or "",
        table=f"{error.schema_name}.{error.table_name}" if error.table_name else "",
        column=error.column_name or "",
        constraint=error.constraint_name or "",
    )


def _translate_own(state: str, message: str) -> AtdmError:
    if state == "AT404":
        return NotFound(message, hint="start the run first (POST /runs), and mind that ids are case-sensitive")
    if state == "AT409":
        return Conflict(message, hint="start a new run; an ended run takes no more requests")
    if state == LEASE_LOST:
        return LeaseLost(message, hint="run the tests again; see that no process of theirs is stopped for long")
    return InternalError(message, hint="ATDM tried to change its own audit log; please report this")


def _translate_refusal(error: asyncpg.PostgresError, state: str, doing: str) -> AtdmError:
    if state[:2] in ("0A", "22", "23", "44", "P0", "09", "27"):
        return RowRefused(
            f"{doing}: {_place(error)}: {error}",  # the driver's text holds detail and hint
            hint="the database itself refuses this row: change the scenario, or the override that leads to it",
        )
    if state in _NAMES_UNKNOWN:
        return SchemaMismatch(
            f"{doing}: {error}", hint="the database has changed since it was read: fetch /target/schema and plan again"
        )
    if state[:2] in _NO_ENTRY:
        return SettingError(f"{doing}: {error}", hint=MEND_URL)
    if state == "42501":
        return SettingError(f"{doing}: {error}", hint=_GRANT)
    return InternalError(f"{doing}: {error} [SQLSTATE {state}]", hint="please report this with the message")


def _place(error: asyncpg.PostgresError) -> str:
    """Name what refused: table, column and constraint, as far as Postgres says."""
    table = f'table "{error.schema_name}.{error.table_name}"' if error.table_name else ""
    column = f'column "{error.column_name}"' if error.column_name else ""
    constraint = f'constraint "{error.constraint_name}"' if error.constraint_name else ""
    return ", ".join(part for part in (table, column, constraint) if part) or "the database"
