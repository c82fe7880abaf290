"""A made-up target database, ATDM on top of it, and an application beside it; everything real, called without async."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.model import Cell, Plan, PlannedRow, ResetReport
from seeder.db.database import Database
from seeder.records import NewEvent, RunStart, SeedCommand, SeedOutcome
from seeder.settings import Settings

_Answer = TypeVar("_Answer")

RUN = "01RUN"
TOKEN_HASH = hashlib.sha256(b"cleanup").digest()

_TABLES = """
SELECT n.nspname || '.' || c.relname AS id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('atdm', 'information_schema')
  AND n.nspname !~ '^pg_' ORDER BY 1
"""


def planned(name: str, table: str, values: Mapping[str, Cell], **keys: str) -> PlannedRow:
    """A row of a plan; *keys* are ``column="row.column"``."""
    return PlannedRow(name=name, entity=name.partition("[")[0], table=f"public.{table}", values=values, keys=keys)


def settings(url: str, **changes: Any) -> Settings:
    """Settings of a seeder on that database, which counts as embedded."""
    base = Settings(database_url=url, token="bearer", catalog=Path(), base_url="http://seeder", embedded=True)
    return dataclasses.replace(base, **changes)


def command(*rows: PlannedRow, request_id: str, run_id: str = RUN, key: str | None = None) -> SeedCommand:
    """A command to seed the rows; the plan's hash is that of its rows."""
    plan = Plan(
        scenario="made_up",
        domain="made",
        schema="any",
        run_id=run_id,
        request_key=request_id,
        seed=1,
        as_of="2026-01-15",
        parameters={},
        overrides={},
        rows=rows,
    )
    digest = hashlib.sha256(json.dumps([[row.name, dict(row.values)] for row in rows]).encode()).hexdigest()
    return SeedCommand(
        request_id=request_id,
        plan=plan,
        plan_hash=f"sha256:{digest}",
        idempotency_key=key or request_id,
        token_hash=TOKEN_HASH,
        events=(NewEvent(kind=EventKind.REQUEST_RECEIVED, detail={"test": "t"}),),
    )


class World:
    """One database with a schema of its own, a run in it, and a connection that plays the application (SUT)."""

    def __init__(self, url: str, ddl: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self.sut: asyncpg.Connection = self.wait(asyncpg.connect(url))
        self.execute(ddl)
        self.database: Database = self.wait(Database.open(settings(url)))
        self.made = 0

    def close(self) -> None:
        """Close every connection."""
        self.wait(self.database.close())
        self.wait(self.sut.close())
        self._runner.close()

    def wait(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Run the coroutine to its end."""
        return self._runner.run(work)

    def execute(self, sql: str, *arguments: object) -> None:
        """Let the application execute a statement."""
        self.wait(self.sut.execute(sql, *arguments))

    def fetch(self, sql: str, *arguments: object) -> Any:
        """Let the application read one value."""
        return self.wait(self.sut.fetchval(sql, *arguments))

    def start_run(self, run_id: str = RUN) -> None:
        """Begin a run."""
        start = RunStart(run_id=run_id, session_id="session", actor="tests", seed=1, as_of="2026-01-15")
        self.wait(self.database.start_run(start))

    def seed(self, *rows: PlannedRow, run_id: str = RUN) -> SeedOutcome:
        """Seed the rows as a request of their own."""
        self.made += 1
        request_id = f"{run_id}-{self.made:04}"
        return self.wait(self.database.seed(command(*rows, request_id=request_id, run_id=run_id)))

    def reset(self, outcome: SeedOutcome, events: Sequence[NewEvent] = ()) -> ResetReport:
        """Reset the request with its token."""
        return self.wait(self.database.reset_request(outcome.request_id, TOKEN_HASH, events))

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table of the target, as sorted JSON, by table id."""
        tables = self.wait(self.sut.fetch(_TABLES))
        return {
            table["id"]: [row[0] for row in self.wait(self.sut.fetch(_DUMP.format(name=table["name"])))]
            for table in tables
        }


_DUMP = "SELECT to_jsonb(t)::text AS row FROM {name} t ORDER BY 1"
