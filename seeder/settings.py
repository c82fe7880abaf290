"""What the seeder is told at its start, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one seeder process.

    *database_url* is the target; *token* the bearer token that callers show; *base_url* the address as clients see it.
    *embedded* says that this process started the Postgres itself: then it is a test database, and the domain's
    migrations (``migrations/<domain>`` beside the catalog) are applied to it. *allow_databases* are names of databases
    that count as test databases without a mark. Limits: *max_body_bytes* of a request body, *max_rows* per request,
    *pool_size* connections, *statement_timeout_ms* and *lock_timeout_ms* of each statement.
    """

    database_url: str
    token: str
    catalog: Path
    base_url: str
    embedded: bool = False
    migrate_domains: bool = False
    allow_databases: frozenset[str] = frozenset()
    max_body_bytes: int = 1_000_000
    max_rows: int = 1_000
    pool_size: int = 8
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 5_000
