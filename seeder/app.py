"""The one place that wires: settings in, application out."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from litestar import Litestar, Router
from litestar.di import Provide

from pytest_atdm import __version__
from pytest_atdm.core.catalog import Catalog, load_catalog
from pytest_atdm.core.errors import InternalError, SettingError
from pytest_atdm.realistic import iter_realistic
from seeder.baselines.usecases import Baselines
from seeder.db.database import Database
from seeder.export import Exporter
from seeder.metrics import Counters
from seeder.reaper import Reaper
from seeder.routes.audit import Audit
from seeder.routes.auth import admit_holders_of
from seeder.routes.baselines import BaselineRoutes
from seeder.routes.coverage import Coverage
from seeder.routes.fast_path import FastPath
from seeder.routes.health import Health
from seeder.routes.openapi import Description
from seeder.routes.problem import answer_error
from seeder.routes.requests import Requests
from seeder.routes.runs import Runs
from seeder.routes.target import Target
from seeder.service import Seeder
from seeder.store.places import open_store
from seeder.ui.pages import create_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from litestar.types import Message, Scope

    from seeder.settings import Settings

_Service = TypeVar("_Service")
_ROUTES: Final = (Target, Runs, Requests, Audit, Coverage, BaselineRoutes, Description)

#: Pages need their own style sheet and nothing else.
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Data is no page as long as nobody takes it for one.
DATA_HEADERS: Final = ((b"x-content-type-options", b"nosniff"),)
PAGE_HEADERS: Final = (
    *DATA_HEADERS,
    (b"content-security-policy", PAGE_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NOT_STORED: Final = (b"cache-control", b"no-store")
_DATA_TYPE: Final = (b"content-type", b"application/json")


def create_app(settings: Settings) -> Litestar:
    """Return the application; it opens its database when it starts to serve, and closes it when it ends.

    Raises:
        SettingError: there is no token, or no catalog in the folder.
    """
    if not settings.token:
        raise SettingError("the seeder has no token: anybody could write", hint="set ATDM_TOKEN to a random value")
    engine = _Engine(settings, read_catalog(settings.catalog))
    admission = admit_holders_of(settings.token)
    app = Litestar(
        route_handlers=[
            Health,
            Router("/", route_handlers=list(_ROUTES), middleware=[admission]),
            create_pages(settings.token, answer_error),
        ],
        dependencies={
            "seeder": Provide(engine.provide, sync_to_thread=False),
            "baselines": Provide(engine.provide_baselines, sync_to_thread=False),
        },
        exception_handlers={Exception: answer_error},
        lifespan=[engine.run],
        before_send=[add_security_headers],
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
        opt={"version": __version__},
    )
    app.asgi_handler = FastPath(
        app.asgi_handler, engine.provide, token=settings.token, max_body_bytes=settings.max_body_bytes
    )
    return app


class _Engine:
    """The service while the application serves."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._seeder: Seeder | None = None
        self._baselines: Baselines | None = None

    @asynccontextmanager
    async def run(self, _app: Litestar) -> AsyncIterator[None]:
        """Open the database, apply the domains' migrations where that is wanted, and close it in the end."""
        settings = self._settings
        is_made_by_domains = settings.migrations is None and (settings.embedded or settings.migrate_domains)
        folders = _migration_folders(settings.catalog, self._catalog) if is_made_by_domains else ()
        database = await Database.open(settings, self._catalog, folders)
        try:
            counters = Counters()
            reaper = Reaper(database, counters, settings.lease_s)
            store = open_store(settings.store) if settings.store else None
            exporter = Exporter(database.exports, store, counters, database.sealed) if store else None
            self._baselines = Baselines(database, settings, self._catalog, store)
            self._seeder = Seeder(database, self._catalog, settings, counters, reaper, exporter)
            if exporter and not settings.owned:
                await exporter.probe()  # who serves many shall not begin with a store that loses what it is given
            if settings.embedded and settings.owned:
                await reaper.sweep()  # who starts the embedded Postgres has it alone
            async with exporter.running() if exporter else contextlib.nullcontext():
                async with reaper.running():
                    yield
                if settings.owned:
                    await reaper.give_up()
        finally:
            await database.close()

    def provide(self) -> Seeder:
        """Return the service to a handler."""
        return _opened(self._seeder)

    def provide_baselines(self) -> Baselines:
        """Return what baselines are asked of."""
        return _opened(self._baselines)


def _opened(service: _Service | None) -> _Service:
    if service is None:
        raise InternalError("the seeder was called before it was open", hint="enter the application's lifespan")
    return service


def read_catalog(folder: Path) -> Catalog:
    """Return the catalog in *folder*: every ``*.yaml`` below it; a ``*.yml`` is refused.

    Raises:
        SettingError: there is none.
    """
    files = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.y*ml"))}
    if not files:
        raise SettingError(f"{folder}: there is no catalog here", hint="point ATDM_CATALOG to a folder of domains")
    return load_catalog(files, iter_realistic)


async def add_security_headers(message: Message, _scope: Scope) -> None:
    """Add to every answer, errors included, what keeps browsers from doing more with it than it is for."""
    if message["type"] != "http.response.start":
        return
    headers = [*message["headers"]]
    headers += DATA_HEADERS if _DATA_TYPE in headers else PAGE_HEADERS
    if not any(name == b"cache-control" for name, _ in headers):
        headers.append(NOT_STORED)
    message["headers"] = headers


def _migration_folders(catalog_folder: Path, catalog: Catalog) -> list[Path]:
    folders = [catalog_folder.parent / "migrations" / name for name in catalog.domain_names]
    return [folder for folder in folders if folder.is_dir()]
