"""A made-up target with a store beside it: baselines are taken and restored, and everything is looked at."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from pytest_atdm.core.baseline import RestoreReport
from seeder.baselines.manifest import Manifest
from seeder.baselines.restoring import compare_baseline, restore_baseline
from seeder.baselines.shelf import Shelf
from seeder.baselines.taking import take_baseline
from seeder.embedded.binaries import find_binaries
from seeder.store.local import LocalStore
from tests.database.world import RUN, World, settings

#: Value for value as Postgres writes it; of partitions and heirs each by itself.
_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('atdm', 'information_schema')
  AND n.nspname !~ '^pg_' ORDER BY 1
"""
_SEQUENCES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname NOT IN ('atdm', 'information_schema') AND n.nspname !~ '^pg_' ORDER BY 1
"""
_CATALOG = """
SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT concat_ws(' ', 'acting', tgrelid::regclass, k.conname, tgfoid::regproc, tgenabled, tgdeferrable, tginitdeferred)
FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint WHERE tgisinternal
UNION ALL
SELECT concat_ws(' ', 'rule', ev_class::regclass, rulename, ev_enabled) FROM pg_rewrite WHERE ev_class >= 16384
UNION ALL
SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, condeferrable, condeferred, convalidated,
    pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE oid >= 16384
UNION ALL
SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisclustered, indisreplident, indisvalid,
    obj_description(indexrelid, 'pg_class')) FROM pg_index WHERE indexrelid >= 16384 AND indrelid >= 16384
UNION ALL
SELECT concat_ws(' ', 'table', oid::regclass, relrowsecurity, relforcerowsecurity, relreplident) FROM pg_class
WHERE relkind IN ('r', 'p') AND oid >= 16384
UNION ALL
SELECT concat_ws(' ', 'column', attrelid::regclass, attname, attidentity, attgenerated) FROM pg_attribute
WHERE (attidentity <> '' OR attgenerated <> '') AND attrelid >= 16384
"""
_EXACT = "SET extra_float_digits = 1; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET row_security = off"


class Site(World):
    """A world with a store in *folder*."""

    def __init__(self, url: str, ddl: str, folder: Path, **more: str) -> None:
        super().__init__(url, ddl, **more)
        self.store = LocalStore(folder)
        self.shelf = Shelf(self.store)
        self.execute(_EXACT)
        self.start_run()

    def next_name(self) -> str:
        """A name that no baseline has yet."""
        self.made += 1
        return f"base{self.made}"

    def take(self, name: str = "base") -> Manifest:
        """Take a baseline of everything."""
        return self.wait(take_baseline(settings(self.url), self.store, name, actor="tests"))

    def restore(self, name: str = "base", **how: Any) -> RestoreReport:
        """Restore that baseline."""
        return self.restore_from(self.shelf.read(name), **how)

    def restore_from(
        self, manifest: Manifest, *, url: str = "", run_id: str = RUN, lock_timeout_ms: int = 5_000, **how: Any
    ) -> RestoreReport:
        """Restore from what that manifest says."""
        how_settings = settings(url or self.url, lock_timeout_ms=lock_timeout_ms)
        return self.wait(restore_baseline(how_settings, self.shelf, manifest, run_id=run_id, **how))

    def with_server(self, manifest: Manifest, version: int) -> Manifest:
        """The same manifest, from another major version of Postgres."""
        return dataclasses.replace(manifest, server=version)

    async def begin_restore(self) -> RestoreReport:
        """Restore the baseline, to be waited for."""
        return await restore_baseline(settings(self.url), self.shelf, self.shelf.read("base"), run_id=RUN)

    def with_tables(self, manifest: Manifest, *tables: str) -> Manifest:
        """The same manifest, of these tables only."""
        kept = tuple(one for one in manifest.tables if one.table in tables)
        return dataclasses.replace(manifest, tables=kept, sequences=(), whole=False)

    def end_sessions(self, application: str) -> None:
        """Let Postgres end the sessions of that name, and return when they have ended."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()",
                [application],
            )

    def compare(self, name: str = "base") -> RestoreReport:
        """Ask what a restore would do."""
        return self.wait(compare_baseline(settings(self.url), self.shelf, self.shelf.read(name)))

    def state(self) -> dict[str, list[str]]:
        """Every row of every table, and where each sequence stands."""
        found = {name: self._texts(f"SELECT t.*::text FROM ONLY {name} t") for name in self._texts(_TABLES)}  # noqa: S608
        for name in self._texts(_SEQUENCES):
            found[name] = self._texts(f"SELECT ROW(last_value, is_called)::text FROM {name}")  # noqa: S608
        return found

    def places(self, table: str) -> dict[str, str]:
        """Where each row of the table stands, and which transaction wrote it, by its text."""
        rows = self.wait(self.sut.fetch(f"SELECT t.*::text, ROW(ctid, xmin)::text FROM ONLY {table} t"))  # noqa: S608
        return dict(map(tuple, rows))

    def catalog(self) -> list[str]:
        """What is set for tables, constraints, triggers, rules and indexes."""
        return self._texts(_CATALOG)

    def dump(self) -> str:
        """What pg_dump says of the schema."""
        command = [str(find_binaries() / "pg_dump"), "--schema-only", "--exclude-schema=atdm", "--no-owner", self.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=_plain_environment())
        return "\n".join(
            line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
        )

    def _texts(self, sql: str) -> list[str]:
        return sorted(text for (text,) in self.wait(self.sut.fetch(sql)))


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
