"""One seeder process from start to end: its database, its address, its announcement, its clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import secrets
import socket
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError
from seeder.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE_FILE: Final = "seeder.json"

_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line and the environment say.

    *embedded* is the folder of an embedded Postgres, in place of *database_url*. *owned* means: announce on stdout as
    JSON, and end with the last holder; *state* is the folder of the state file then. Port 0 is any free one.
    """

    host: str
    port: int
    base_url: str | None
    database_url: str | None
    catalog: Path
    token: str | None
    allow_databases: frozenset[str]
    embedded: Path | None
    state: Path | None
    owned: bool


def serve(options: Options) -> None:
    """Run a seeder until it is told to stop or, if owned, nobody needs it any more.

    Raises:
        SettingError: no database, no token, or an address that cannot be used.
        AtdmError: whatever keeps the database or the application from starting.
    """
    token = _choose_token(options)
    # The imports take longer than the start of Postgres; the main thread, which lives on, is the one to start it.
    loading = threading.Thread(target=_load_application, daemon=True)
    loading.start()
    with _database(options) as database_url, _listen(options) as listener:
        loading.join()
        from seeder.server import run_server  # lazy: loaded meanwhile; raises here if that failed

        settings = _make_settings(options, database_url, token, listener)
        announcement = _Announcement(options, settings)
        with contextlib.closing(announcement):
            asyncio.run(
                run_server(
                    settings, listener, owned=options.owned,
                    on_started=announcement.publish, on_orphaned=announcement.say_that_it_stays,
                )
            )  # fmt: skip


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


@contextlib.contextmanager
def _database(options: Options) -> Iterator[str]:
    """Yield the target's URL; an embedded Postgres runs until the block ends."""
    if options.embedded is not None:
        from seeder.embedded import running_postgres  # lazy: only this mode

        with running_postgres(options.embedded) as database_url:
            yield database_url
    elif options.database_url:
        yield options.database_url
    else:
        raise SettingError("the seeder has no database", hint="set ATDM_DATABASE_URL, or give --embedded FOLDER")


def _listen(options: Options) -> socket.socket:
    """Return a bound socket: from now on the address is known and ours."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise SettingError(
            f"cannot listen on {options.host} port {options.port}: {error}", hint="choose another --host or --port"
        ) from error


def _make_settings(options: Options, database_url: str, token: str, listener: socket.socket) -> Settings:
    is_embedded = options.embedded is not None
    return Settings(
        database_url=database_url,
        token=token,
        catalog=options.catalog,
        base_url=options.base_url or _derive_base_url(listener),
        embedded=is_embedded,
        migrate_domains=is_embedded,
        allow_databases=options.allow_databases,
    )


def _derive_base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # a wildcard is no address to call
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


class _Announcement:
    """Tells the starter (stdout) and later joiners (the state file) where the seeder is; withdrawn by ``close``."""

    def __init__(self, options: Options, settings: Settings) -> None:
        self._owned = options.owned
        self._settings = settings
        folder = options.state or options.embedded
        self._file = folder / STATE_FILE if options.owned and folder is not None else None

    def publish(self, lifeline_port: int | None) -> None:
        """Say that requests are accepted."""
        settings = self._settings
        if not self._owned:
            database = f", database {settings.database_url}" if settings.embedded else ""
            print(f"atdm-seeder: {settings.base_url}{database}", file=sys.stderr, flush=True)
            return
        facts = {"url": settings.base_url, "token": settings.token, "database_url": settings.database_url}
        line = json.dumps({**facts, "pid": os.getpid(), "lifeline": lifeline_port})
        if self._file is not None:
            _write_privately(self._file, line)
        print_line(line)

    def say_that_it_stays(self) -> None:
        """Tell the starter, which has let go and may be waiting for our end, that others still hold on."""
        print_line(json.dumps({"stays": True}))

    def close(self) -> None:
        """Let no joiner find this seeder any more."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def print_line(line: str) -> None:
    """Write one *line* to the starter; nothing happens if it has gone: the lifeline notices that."""
    with contextlib.suppress(OSError):
        os.write(1, line.encode() + b"\n")


def _write_privately(path: Path, text: str) -> None:
    """Write *path* in one step, readable by its owner alone."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
