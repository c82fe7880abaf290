"""A made-up target database, ATDM on top of it, and an application beside it; everything real, called without async."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.model import Cell, Plan, PlannedRow, ResetReport
from seeder.db.database import Database
from seeder.records import NewEvent, RunStart, SeedCommand, SeedOutcome, TrialOutcome
from seeder.settings import Settings

_Answer = TypeVar("_Answer")

RUN = "01RUN"
PASSWORD = "of-the-world"
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
    """A command to seed the rows."""
    return command_of(plan_of(*rows, request_key=request_id, run_id=run_id), request_id=request_id, key=key)


def plan_of(*rows: PlannedRow, request_key: str = "trial", run_id: str = RUN) -> Plan:
    """A plan of the rows."""
    return Plan(
        scenario="made_up",
        domain="made",
        schema="any",
        run_id=run_id,
        request_key=request_key,
        seed=1,
        as_of="2026-01-15",
        parameters={},
        overrides={},
        rows=rows,
    )


def command_of(plan: Plan, *, request_id: str, key: str | None = None) -> SeedCommand:
    """A command to seed *plan*; its hash is that of its rows."""
    digest = hashlib.sha256(json.dumps([[row.name, dict(row.values)] for row in plan.rows]).encode()).hexdigest()
    return SeedCommand(
        request_id=request_id,
        plan=plan,
        plan_hash=f"sha256:{digest}",
        idempotency_key=key or request_id,
        token_hash=TOKEN_HASH,
        events=(NewEvent(kind=EventKind.REQUEST_RECEIVED, detail={"test": "t"}),),
    )


class World:
    """One database with a schema of its own, a run in it, and a connection that plays the application (SUT).

    *role* is whom the seeder connects as, with no rights but to make ATDM's own schema; empty for the owner of all.
    *domain* is the text of the one ``domain.yaml`` of the seeder's catalog.
    """

    def __init__(self, url: str, ddl: str, *, role: str = "", domain: str = "title: Made\n") -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self.sut: asyncpg.Connection = self.wait(asyncpg.connect(url))
        if role:
            self.execute(_MAKE_ROLE.format(role=role, password=PASSWORD))
        self.execute(ddl)
        catalog = load_catalog({"made/domain.yaml": domain})
        self._seeder_url = log_in(url, role) if role else url
        self.database: Database = self.wait(Database.open(settings(self._seeder_url), catalog))
        self._others: list[Database] = []
        self.made = 0

    def work_as(self, role: str) -> None:
        """Let the seeder connect as the login *role*, which is made a member of atdm_seeder if it is not there."""
        make_member(self, role, "atdm_seeder")
        self.wait(self.database.close())
        self.database = self.wait(Database.open(settings(log_in(self.url, role))))

    async def open_beside(self, **changes: Any) -> Database:
        """Open another seeder on the same database, with *changes* to the settings; it is closed with the world."""
        self._others.append(await Database.open(settings(self._seeder_url, **changes)))
        await self._others[-1].read_schema()
        return self._others[-1]

    def close(self) -> None:
        """Close every connection."""
        for database in (self.database, *self._others):
            self.wait(database.close())
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

    def start_run(self, run_id: str = RUN, *, keep_s: int | None = None) -> None:
        """Begin a run."""
        start = RunStart(run_id=run_id, session_id="session", actor="tests", seed=1, as_of="2026-01-15", keep_s=keep_s)
        self.wait(self.database.start_run(start))

    def seed(self, *rows: PlannedRow, run_id: str = RUN) -> SeedOutcome:
        """Seed the rows as a request of their own."""
        self.made += 1
        request_id = f"{run_id}-{self.made:04}"
        return self.wait(self.database.seed(command(*rows, request_id=request_id, run_id=run_id)))

    def try_out(self, *rows: PlannedRow) -> TrialOutcome:
        """Write the rows and remove them again, in a transaction that is rolled back."""
        return self.wait(self.database.try_plan(plan_of(*rows)))

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


async def wait_until_blocked(url: str, waiting: int = 1) -> None:
    """Return once so many sessions of the database wait for a lock."""
    watcher = await asyncpg.connect(url)
    while waiting > await watcher.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ):
        await watcher.execute("SELECT pg_sleep(0.005)")
    await watcher.close()


def make_member(world: World, role: str, of: str) -> None:
    """Make the login *role*, a member of the role *of* if that is not empty; one that is there stays as it is."""
    membership = f"IN ROLE {of}" if of else ""
    world.execute(_MAKE_MEMBER.format(role=role, password=PASSWORD, membership=membership))


def log_in(url: str, role: str) -> str:
    """The URL of the same database for *role*, whose password is ``PASSWORD``."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()


# Roles belong to the whole server: another database's test may have made it, even in this moment.
_MAKE_ROLE = """
DO $$ BEGIN
    CREATE ROLE {role} LOGIN PASSWORD '{password}';
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END $$;
"""
_MAKE_MEMBER = """
DO $$ BEGIN
    CREATE ROLE {role} LOGIN PASSWORD '{password}' {membership};
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
"""
_DUMP = "SELECT to_jsonb(t.*)::text AS row FROM {name} t ORDER BY 1"
