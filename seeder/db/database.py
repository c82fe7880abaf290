"""The seeder's database, as the service sees it: one method per use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_atdm.core.model import ResetReport
    from pytest_atdm.core.schema import Schema
    from seeder.records import (
        AuditTrail,
        Metrics,
        NewEvent,
        ReferenceReport,
        ReferenceTable,
        RequestRecord,
        RunRecord,
        RunStart,
        SeedCommand,
        SeedOutcome,
    )
    from seeder.settings import Settings


class Database:
    """A pool of connections to one target database, with ATDM's schema in it.

    Every method may raise ``DatabaseUnavailable``; the others are named with each.
    """

    @classmethod
    async def open(cls, settings: Settings) -> Database:
        """Connect, check the test-database mark, and bring ATDM's own schema up to date.

        Raises:
            NotATestDatabase: neither embedded, marked, nor allowed by name; nothing has been written.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Close every connection; running statements are cancelled."""
        raise NotImplementedError

    async def ping(self) -> None:
        """Return once Postgres has answered."""
        raise NotImplementedError

    async def apply_target_migrations(self, folder: Path) -> list[str]:
        """Apply the ``*.sql`` files of *folder* that this database lacks, in the order of their names, and return those.

        Raises:
            SettingError: a file that was applied has been changed since, or a file is not valid SQL here.
        """
        raise NotImplementedError

    async def read_schema(self) -> Schema:
        """Introspect the target now; the answer is what ``schema()`` gives from then on."""
        raise NotImplementedError

    async def schema(self) -> Schema:
        """Return the schema of the last introspection."""
        raise NotImplementedError

    async def start_run(self, run: RunStart) -> RunRecord:
        """Record the run; the same values again give the same record with ``created=False``.

        Raises:
            Conflict: the run id stands there with other values, or the run has ended.
        """
        raise NotImplementedError

    async def end_run(self, run_id: str) -> None:
        """Mark the run ended; its rows stay. Idempotent.

        Raises:
            NotFound: no such run.
        """
        raise NotImplementedError

    async def seed(self, command: SeedCommand) -> SeedOutcome:
        """Write the plan's rows, their ledger and the audit events: all or nothing, one round trip.

        Raises:
            NotFound: no such run.
            Conflict: the run has ended; the idempotency key was used for another plan, or its request was reset.
            RowConflict: a row with the same unique key stands there already.
            RowRefused: a constraint or trigger of the target refused a row, or a table has no key to keep it by.
            SchemaMismatch: the plan names a table or column that the database lacks.
        """
        raise NotImplementedError

    async def reset_request(
        self, request_id: str, token_hash: bytes | None, events: Sequence[NewEvent] = ()
    ) -> ResetReport:
        """Delete the request's rows and what hangs below them; *token_hash* None is the operator, who needs no token.

        Raises:
            NotFound: no such request.
            Unauthorized: the token is not this request's.
            RowRefused: a constraint or trigger of the target refused the deletion; nothing has changed.
        """
        raise NotImplementedError

    async def reset_run(self, run_id: str) -> ResetReport:
        """Reset every live request of the run and end it.

        Raises:
            NotFound: no such run.
            RowRefused: as with ``reset_request``.
        """
        raise NotImplementedError

    async def reset_all(self) -> ResetReport:
        """Reset every live request of every run; runs stay as they are.

        Raises:
            RowRefused: as with ``reset_request``.
        """
        raise NotImplementedError

    async def seed_reference(self, domain: str, tables: Sequence[ReferenceTable]) -> ReferenceReport:
        """Insert the reference rows that lack, update those that differ, touch no other; parents come first in *tables*.

        Raises:
            RowRefused: a constraint or trigger of the target refused a row.
            SchemaMismatch: a table or column does not exist.
        """
        raise NotImplementedError

    async def list_runs(self, *, limit: int = 50, before: str | None = None) -> tuple[RunRecord, ...]:
        """Return runs, newest first; *before* is the run id that the last page ended with."""
        raise NotImplementedError

    async def read_run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            NotFound: no such run.
        """
        raise NotImplementedError

    async def read_request(self, request_id: str) -> RequestRecord:
        """Return one request.

        Raises:
            NotFound: no such request.
        """
        raise NotImplementedError

    async def read_events(self, run_id: str) -> AuditTrail:
        """Return the run with its whole audit trail, chain checked.

        Raises:
            NotFound: no such run.
        """
        raise NotImplementedError

    async def append_events(self, request_id: str, token_hash: bytes, events: Sequence[NewEvent]) -> None:
        """Append the client's events to the run of the request.

        Raises:
            NotFound: no such request.
            Unauthorized: the token is not this request's.
        """
        raise NotImplementedError

    async def metrics(self) -> Metrics:
        """Return the counts for ``/metrics``."""
        raise NotImplementedError
