"""What the seeder is told at its start, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_atdm.core.migrations import MigrationSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """The project's migrations as they were at the start of this process.

    *root* is the folder where a command runs, *log* the file that gets what it prints. *digest* stands for names and
    content of the files that decide: equal digests, equal tables.
    """

    source: MigrationSource
    root: Path
    log: Path
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one seeder process.

    *database_url* is the target; *token* the bearer token that callers show; *base_url* the address as clients see it.
    *embedded* says that this process started the Postgres itself: then it is a test database, and its tables are made
    by *migrations*, or without them by the domain's (``migrations/<domain>`` beside the catalog). *allow_databases* are
    names of databases that count as test databases without a mark. Limits: *max_body_bytes* of a request body,
    *max_rows* of a plan, *max_volume_rows* of the volumes that follow it, *pool_size* connections,
    *statement_timeout_ms* and *lock_timeout_ms* of each statement.

    *lease_s*: how long a run's rows stand without a sign of life from its owner. *owned*: the process ends with those
    who use it, so that the runs it granted leases to are over with it.
    """

    database_url: str
    token: str
    catalog: Path
    base_url: str
    embedded: bool = False
    migrations: Migrations | None = None
    migrate_domains: bool = False
    allow_databases: frozenset[str] = frozenset()
    max_body_bytes: int = 1_000_000
    max_rows: int = 1_000
    max_volume_rows: int = 1_000_000
    pool_size: int = 8
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 5_000
    lease_s: int = 30
    owned: bool = False
