"""Who stands in the way of a statement that has waited for a lock in vain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from pytest_atdm.core.errors import AtdmError, DatabaseBusy, DatabaseUnavailable
from seeder.db.border import translated
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Collection

#: The caller has waited long enough already.
_LOOK_S: Final = 2.0
_HINT: Final = (
    "does the application hold a transaction open on these rows? end it (COMMIT, ROLLBACK, or close the connection), "
    "and try again"
)


class Session(Protocol):
    """A connection, or a pool of them, that does not wait for anything itself."""

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """Return the rows of a query."""


async def busy_error(beside: Session, doing: str, why: str, tables: Collection[str]) -> DatabaseBusy:
    """Return the error that names who holds locks on *tables* (ids) now, as far as the seeder's role sees it.

    Another reset at work holds them too: it has locked its request first.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
    """
    try:
        with translated(f"{doing}: {why}"):
            async with asyncio.timeout(_LOOK_S):
                rows = await beside.fetch(QUERIES["lock_holders"], sorted({*tables, "atdm.request", "atdm.run"}))
    except DatabaseUnavailable:
        raise  # nobody holds anything: Postgres is away
    except AtdmError as error:
        return DatabaseBusy(f"{doing}: {why}; who holds the rows could not be asked ({error.message})", hint=_HINT)
    if not rows:
        return DatabaseBusy(
            f"{doing}: {why}; no session holds locks on its tables now",
            hint="try again; see what triggers of these tables wait for",
        )
    return DatabaseBusy(f"{doing}: {why}; held by {'; '.join(map(_describe, rows))}", hint=_HINT)


def _describe(row: Any) -> str:
    on = f"on {', '.join(row['tables'])}"
    name = f'"{row["application_name"]}", ' if row["application_name"] else ""
    state = row["state"] or "in a state that only its own role and pg_read_all_stats see"
    since = "" if row["for_s"] is None else f", its transaction open for {row['for_s']} s"
    return f"process {row['pid']} ({name}role {row['usename']}) {on}, {state}{since}"
