"""What the seeder is told at its start, as one value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
class StorePlace:
    """Where objects are kept: *url* is ``s3://bucket/prefix``, ``file:///folder``, or the path of a folder.

    The others are for S3. *endpoint* is the store's own URL, None for AWS; *key* and *secret* are its credentials, None
    for those that botocore finds; *region* is the bucket's, None for the one that botocore finds.
    """

    url: str
    endpoint: str | None = None
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one seeder process.

    *database_url* is the target; *token* the bearer token that callers show; *base_url* the address as clients see it.
    *embedded* says that this process started the Postgres itself: then it is a test database, and its tables are made
    by *migrations*, or without them by the domain's (``migrations/<domain>`` beside the catalog). *allow_databases* are
    names of databases that count as test databases without a mark, *allow_hosts* hosts beside this machine that may
    have them. *owner_url* is the same database, as the role that migrates it and grants rights there; None for the role
    of *database_url*. *pool_size* counts connections. *store* is where Parquet is kept; None for nowhere. *mask_key* is
    what masked values of baselines depend on; None for another one each time. The limits are explained in
    ``seeder.limits``.

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
    allow_hosts: frozenset[str] = frozenset()
    owner_url: str | None = None
    store: StorePlace | None = None
    mask_key: str | None = field(default=None, repr=False)
    pool_size: int = 8
    max_body_bytes: int = 1_000_000
    max_rows: int = 1_000
    max_volume_rows: int = 1_000_000
    max_volume_bytes: int = 1_000_000_000
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 5_000
    idle_timeout_ms: int = 20_000
    lease_s: int = 30
    owned: bool = False

    @property
    def token_id(self) -> str:
        """What the audit log says of the token, 8 hex digits of its SHA-256: which one it was, and not what it is."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:8]


#: How long a new connection to Postgres may take.
CONNECT_S: Final = 5.0


def command_timeout_s(settings: Settings) -> float:
    """Return how long a statement is waited for: Postgres may hang, as a stopped process, and never time out itself."""
    return settings.statement_timeout_ms / 1000 + 5
