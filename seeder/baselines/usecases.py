"""What can be done with baselines, one verb each; every change stands in the audit log."""

from __future__ import annotations

import asyncio
import datetime
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.baseline import Baseline, BaselineTable, Progress
from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.ulid import make_ulid
from seeder.baselines.manifest import Manifest
from seeder.records import NewEvent, RunStart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from pytest_atdm.core.baseline import RestoreReport
    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.model import Cell
    from seeder.baselines.shelf import Shelf
    from seeder.db.database import Database
    from seeder.settings import Settings
    from seeder.store.port import Store

    #: Is told how far the work has come.
    Tell = Callable[[Progress], None]

#: The run of a restore stands as long as the longest one may take.
_KEEP_S: Final = 86_400


class Baselines:
    """The baselines of one target in one store. Errors are those of the tree, raised as they come."""

    def __init__(self, database: Database, settings: Settings, catalog: Catalog, store: Store | None) -> None:
        self._database = database
        self._catalog = catalog
        self._settings = settings
        self._store = store

    async def list_all(self) -> tuple[Baseline, ...]:
        """Return every baseline, sorted by name; one that cannot be read says what is wrong."""
        shelf = self._shelf()
        names, found = await asyncio.to_thread(lambda: (shelf.list_names(), shelf.list_baselines()))
        return tuple(
            _describe(one) if isinstance(one, Manifest) else Baseline(name=name, damage=str(one.message))
            for name, one in zip(names, found, strict=False)
        )

    async def read(self, name: str) -> Baseline:
        """Return one.

        Raises:
            NotFound: there is no such baseline.
            BaselineDamaged: its manifest is not what was written.
        """
        return _describe(await self._read(name))

    async def take(self, name: str, *, actor: str, tables: Sequence[str] = (), tell: Tell) -> Baseline:
        """Put all tables of the target, or *tables* (ids) only, into the store as they are in one moment.

        Columns that the catalog masks get masked values.

        Raises:
            As ``take_baseline``.
        """
        from seeder.baselines.masking import Masking  # lazy: startup
        from seeder.baselines.strategies import InstalledStrategies
        from seeder.baselines.taking import take_baseline

        store = self._require_store()
        masking = Masking(self._catalog, InstalledStrategies(), self._settings.mask_key)
        async with self._audited(actor, EventKind.BASELINE_TAKEN) as detail:
            manifest = await take_baseline(
                self._settings,
                store,
                name,
                actor=actor,
                only=tables,
                masking=masking,
                progress=lambda table, done, total: tell(Progress(table=table, phase="read", done=done, total=total)),
            )
            detail |= {
                "baseline": name,
                "content": manifest.content,
                "tables": {t.table: t.rows for t in manifest.tables},
                "masked": dict(sorted(masking.applied.items())),
            }
        return _describe(manifest)

    async def compare(self, name: str, *, tell: Tell) -> RestoreReport:
        """Return what ``restore`` would change now; nothing is written.

        Raises:
            As ``compare_baseline``.
        """
        from seeder.baselines.restoring import compare_baseline  # lazy: startup

        manifest = await self._read(name)
        return await compare_baseline(self._settings, self._shelf(), manifest, progress=_telling(tell))

    async def restore(self, name: str, *, actor: str, force: bool, tell: Tell) -> RestoreReport:
        """Bring the target's tables to exactly the baseline's rows, all or nothing.

        Raises:
            As ``restore_baseline``.
        """
        from seeder.baselines.restoring import restore_baseline  # lazy: startup

        manifest = await self._read(name)
        async with self._run(actor) as run_id:
            report = await restore_baseline(
                self._settings, self._shelf(), manifest, run_id=run_id, force=force, progress=_telling(tell)
            )
            self._database.forget_keys()
        return report

    async def drop(self, name: str, *, actor: str) -> None:
        """Remove a baseline.

        Raises:
            NotFound: there is no such baseline.
        """
        shelf = self._shelf()
        async with self._audited(actor, EventKind.BASELINE_DROPPED) as detail:
            await asyncio.to_thread(shelf.drop, name)
            detail["baseline"] = name

    async def _read(self, name: str) -> Manifest:
        return await asyncio.to_thread(self._shelf().read, name)

    def _shelf(self) -> Shelf:
        from seeder.baselines.shelf import Shelf  # lazy: startup

        return Shelf(self._require_store())

    def _require_store(self) -> Store:
        if self._store is None:
            raise SettingError(
                "the seeder has no store to keep baselines in",
                hint="start it with ATDM_STORE: a folder, or s3://bucket/prefix",
            )
        return self._store

    @asynccontextmanager
    async def _audited(self, actor: str, kind: EventKind) -> AsyncIterator[dict[str, Cell]]:
        """Yield a detail to be filled in by what is done; it becomes an event of a run of its own once that is done."""
        detail: dict[str, Cell] = {}
        yield detail
        async with self._run(actor) as run_id:
            await self._database.append_run_events(run_id, [NewEvent(kind=kind, detail=detail)])

    @asynccontextmanager
    async def _run(self, actor: str) -> AsyncIterator[str]:
        """Yield the id of a run that ends, sealed, with the block."""
        run_id = make_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        await self._database.start_run(
            RunStart(run_id=run_id, session_id=run_id, actor=actor, seed=0, as_of=today, keep_s=_KEEP_S)
        )
        try:
            yield run_id
        finally:
            await self._database.reset_run(run_id)


def _telling(tell: Tell) -> Callable[[str, str, int, int], None]:
    return lambda table, phase, done, total: tell(Progress(table=table, phase=phase, done=done, total=total))


def _describe(manifest: Manifest) -> Baseline:
    return Baseline(
        name=manifest.name,
        taken_at=manifest.taken_at,
        actor=manifest.actor,
        server=manifest.server,
        schema=manifest.schema,
        whole=manifest.whole,
        content=manifest.content,
        tables=tuple(
            BaselineTable(
                table=one.table,
                rows=one.rows,
                size=one.size,
                masked=tuple(column.name for column in one.columns if column.masked),
            )
            for one in manifest.tables
        ),
        sequences=len(manifest.sequences),
    )
