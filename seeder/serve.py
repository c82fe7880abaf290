"""One seeder process from start to end: its database, its address, its announcement, its clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import secrets
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError
from seeder.announcement import Announcement
from seeder.settings import Settings, StorePlace
from seeder.store.places import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_atdm.core.migrations import MigrationSource
    from seeder.settings import Migrations

_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line and the environment say.

    *embedded* is the folder of an embedded Postgres, in place of *database_url*; *migrations* say what makes its
    tables, a command of theirs runs in *root*. *owned* means: announce on stdout as JSON, and end with the last
    holder; *state* is the folder of the state file then. Port 0 is any free one. *limits* are fields of ``Settings``.
    *store* is where Parquet is kept; None leaves it to ``choose_store``. *mask_key*: see ``Settings``.
    """

    host: str
    port: int
    base_url: str | None
    database_url: str | None
    catalog: Path
    token: str | None
    owner_url: str | None
    allow_databases: frozenset[str]
    allow_hosts: frozenset[str]
    limits: Mapping[str, int]
    store: StorePlace | None
    mask_key: str | None = field(repr=False)
    embedded: Path | None
    migrations: MigrationSource | None
    root: Path
    state: Path | None
    owned: bool


def serve(options: Options) -> None:
    """Run a seeder until it is told to stop or, if owned, nobody needs it any more.

    Raises:
        SettingError: no database, no token, or an address or store that cannot be used.
        AtdmError: whatever keeps the database or the application from starting.
    """
    token, migrations, store = _choose_token(options), _read_migrations(options), choose_store(options)
    gc.disable()  # until requests are served: nothing of what a start makes is garbage, and looking costs 8 % of it
    # The imports run beside the start of Postgres. That is for the main thread, which lives on: see start_confined.
    loading = threading.Thread(target=_load_application, daemon=True)
    loading.start()
    with _listen(options) as listener, _database(options) as database_url:
        loading.join()
        from seeder.server import make_loop, run_server  # lazy: loaded meanwhile; raises here if that failed

        settings = _make_settings(options, database_url, token, migrations, store, listener)
        state = options.state or options.embedded
        announcing = contextlib.closing(Announcement(settings, state, owned=options.owned))
        with announcing as announcement, asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(run_server(settings, listener, announcement, owned=options.owned))


def _load_application() -> None:
    # The main thread imports the same module afterwards and raises what there is to raise.
    with contextlib.suppress(Exception):
        importlib.import_module("seeder.server")


def _choose_token(options: Options) -> str:
    if options.token:
        return options.token
    if not options.owned:
        raise SettingError(
            "the seeder has no token for its callers to show", hint="set ATDM_TOKEN to a long random text"
        )
    return secrets.token_urlsafe(_TOKEN_BYTES)


def choose_store(options: Options) -> StorePlace | None:
    """Return where Parquet is kept: as told, else beside an embedded Postgres, with which it comes and goes.

    Raises:
        SettingError: what was told is no store, or lacks a package.
    """
    place = options.store
    if place is None and options.embedded is not None:
        place = StorePlace(url=str(options.embedded / "store"))
    if place is not None:
        open_store(place)
    return place


def _read_migrations(options: Options) -> Migrations | None:
    if options.migrations is None:
        return None
    if options.embedded is None:
        raise SettingError("only an embedded database is migrated", hint="leave the migrations out, or the database")
    from seeder.migrations import read_migrations  # lazy: only with migrations

    return read_migrations(options.migrations, options.root, options.embedded / "migrate.log")


@contextlib.contextmanager
def _database(options: Options) -> Iterator[str]:
    """Yield the target's URL; an embedded Postgres runs until the block ends, or takes this process with it."""
    if options.embedded is not None:
        from seeder.embedded import running_postgres  # lazy: only this mode

        with running_postgres(options.embedded, on_end=_end_too) as database_url:
            yield database_url
    elif options.database_url:
        yield options.database_url
    else:
        raise SettingError("the seeder has no database", hint="set ATDM_DATABASE_URL, or give --embedded FOLDER")


def _end_too() -> None:
    """Stop in the regular way: nothing can be done without Postgres, and the next start recovers it."""
    print("atdm-seeder: the embedded Postgres has ended, and so does its seeder", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _listen(options: Options) -> socket.socket:
    """Return a bound socket: from now on the address is known and ours."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise SettingError(
            f"cannot listen on {options.host} port {options.port}: {error}", hint="choose another --host or --port"
        ) from error
    # Accepted connections inherit it. asyncio sets it only on sockets made with an explicit protocol, and without it
    # an answer of two writes waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _make_settings(
    options: Options,
    database_url: str,
    token: str,
    migrations: Migrations | None,
    store: StorePlace | None,
    listener: socket.socket,
) -> Settings:
    is_embedded = options.embedded is not None
    return Settings(
        database_url=database_url,
        token=token,
        catalog=options.catalog,
        base_url=options.base_url or _derive_base_url(listener),
        embedded=is_embedded,
        owned=options.owned,
        migrations=migrations,
        migrate_domains=is_embedded,
        owner_url=None if is_embedded else options.owner_url,
        allow_databases=options.allow_databases,
        allow_hosts=options.allow_hosts,
        store=store,
        mask_key=options.mask_key,
        **options.limits,
    )


def _derive_base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # a wildcard is no address to call
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
