"""A real Postgres that can be killed, stopped and started again; and a database of the library on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import asyncpg

from seeder.embedded import running_postgres
from tests.plugin.database import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARY_SQL: Final = LIBRARY / "migrations" / "library" / "0001_library.sql"
_POLL_S: Final = 0.01
_PATIENCE_S: Final = 90.0

#: Rows that stood there before any run: nothing of what happens may touch them.
_STANDING: Final = """
INSERT INTO genres VALUES ('crime', 'Crime'), ('verse', 'Verse');
INSERT INTO readers VALUES ('00000000-0000-0000-0000-000000000001', 'FAKE_standing', 'standing', 1, '2020-01-01');
INSERT INTO books (genre, title, price) VALUES ('verse', 'standing', 1);
INSERT INTO loans (reader_id, book_id, lent_on, state)
    SELECT reader_id, book_id, '2020-01-01', 'open' FROM readers, books;
INSERT INTO reminders (loan_id, text) SELECT loan_id, 'standing' FROM loans;
"""


class Server:
    """One Postgres in *folder*; ``address`` is where it listens now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = contextlib.ExitStack()
        self.url = self.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, which change with each start."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def start(self) -> str:
        """Start it, after whatever happened, and return its URL."""
        self.url = self._running.enter_context(running_postgres(self._folder))
        return self.url

    def close(self) -> None:
        """Stop it."""
        self.send(signal.SIGCONT)
        self._running.close()

    def send(self, number: signal.Signals) -> None:
        """Send the signal to the server: to each of its processes where it stops or wakes them, else to the first."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        pids = [*_children(postmaster), postmaster] if number in (signal.SIGSTOP, signal.SIGCONT) else [postmaster]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, number: signal.Signals) -> None:
        """Send the signal and return once the server is gone."""
        pids = [pid for pid in (self._postmaster(),) if pid is not None]
        pids += [child for pid in pids for child in _children(pid)]
        self.send(number)
        self._running.close()
        self._running = contextlib.ExitStack()
        wait_until(lambda: not any(_is_alive(pid) for pid in pids), "the server's processes end")

    def url_of(self, database: str, port: int | None = None) -> str:
        """Return the URL of one of its databases, through the proxy at *port* if given."""
        parts = urlsplit(self.url)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@127.0.0.1:{port or parts.port}", path=f"/{database}").geturl()

    def _postmaster(self) -> int | None:
        try:
            return int((self._folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None


class Sql:
    """One connection of the harness's own to a database, past every proxy; used without async."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        try:
            self._connection: asyncpg.Connection = self._runner.run(asyncpg.connect(url, timeout=10))
        except BaseException:
            self._runner.close()
            raise

    def close(self) -> None:
        """Close it, and with it end its transaction."""
        self._connection.terminate()
        self._runner.close()

    def execute(self, statement: str, *values: object) -> None:
        """Execute a statement."""
        self._runner.run(self._connection.execute(statement, *values, timeout=_PATIENCE_S))

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [dict(row) for row in self._runner.run(self._connection.fetch(query, *values, timeout=_PATIENCE_S))]

    def value(self, query: str, *values: object) -> Any:
        """Return the first value of a query."""
        return self._runner.run(self._connection.fetchval(query, *values, timeout=_PATIENCE_S))


def make_library(server: Server, name: str) -> str:
    """Make a database of that name with the library's tables and rows that stand there, and return its URL."""
    with contextlib.closing(Sql(server.url)) as sql:
        sql.execute(f'CREATE DATABASE "{name}"')
    url = server.url_of(name)
    with contextlib.closing(Sql(url)) as sql:
        sql.execute(_LIBRARY_SQL.read_text(encoding="utf-8"))
        sql.execute(_STANDING)
    return url


def wait_until(is_so: Any, what: str, patience_s: float = _PATIENCE_S) -> None:
    """Return once it is so; fail, saying *what* never happened, when the patience is over."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, f"within {patience_s:g} s it did not happen that {what}"
        time.sleep(_POLL_S)


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    yield int(entry.name)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
