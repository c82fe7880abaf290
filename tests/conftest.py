"""What all tests share: one real Postgres per test session, a database of it per process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from tests.environment import OWN, leave_out

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ("pytester",)

# How long an example takes says something of the machine, not of the rule.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

#: Of a whole run's temporary files, many times what they are at their most.
_ROOM_IN_MEMORY = 8 * 2**30


def _work_in_memory(place: Path = Path("/dev/shm")) -> None:
    """Put temporary files into memory where there is room, unless TMPDIR says where they go.

    A database is some 300 files: to make one there takes 20 ms, on a disk up to 400.
    """
    if "TMPDIR" not in os.environ and place.is_dir() and shutil.disk_usage(place).free > _ROOM_IN_MEMORY:
        os.environ["TMPDIR"] = tempfile.tempdir = str(place)


_work_in_memory()
os.environ["PYTEST_ADDOPTS"] = leave_out(*OWN)  # workers of this session have it, too

_SERVER = pytest.StashKey[str]()
_CLOSING = pytest.StashKey[contextlib.ExitStack]()


@contextlib.contextmanager
def _running_server() -> Iterator[str]:
    from seeder.embedded import running_postgres  # lazy: most selections need no server

    # Not below tmp_path: its folders are closed to others, and Postgres does not run as root.
    with tempfile.TemporaryDirectory(prefix="atdm-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running_postgres(Path(folder)) as url:
            yield url


def _start_server_once(config: pytest.Config) -> str:
    """Start the session's server at first need; it ends with this process's session."""
    if _SERVER not in config.stash:
        closing = config.stash[_CLOSING] = contextlib.ExitStack()
        config.stash[_SERVER] = closing.enter_context(_running_server())
    return config.stash[_SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the controller of pytest-xdist start the server, so that it outlives each worker."""
    node.workerinput["postgres_server"] = _start_server_once(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, where this process started it."""
    if _CLOSING in config.stash:
        config.stash[_CLOSING].close()


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Pytest's own, whose sessions leave out the plugins that only some tests are about."""
    monkeypatch.setenv("PYTEST_ADDOPTS", leave_out())
    return pytester


@pytest.fixture(scope="session")
def make_database(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Make a fresh database, its name made up from the word given and this process, and return its URL.

    It is empty, or a copy of the database whose URL is given second, to which nobody is connected.
    """
    import asyncpg  # lazy: most selections need no database

    worker: dict[str, Any] = getattr(request.config, "workerinput", {})
    server = worker.get("postgres_server") or _start_server_once(request.config)
    process = f"{worker.get('workerid', 'main')}_{os.getpid()}"

    async def create(name: str, template: str) -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        await connection.close()

    def make(word: str, copy_of: str = "/template1") -> str:
        name = f"{word}_{process}"
        asyncio.run(create(name, copy_of.rpartition("/")[2]))
        return urlsplit(server)._replace(path=f"/{name}").geturl()

    return make


@pytest.fixture(scope="session")
def postgres_url(make_database: Callable[[str], str]) -> str:
    """The URL of an empty database of this process's own, on a real server that all processes of the session share."""
    return make_database("atdm_test")
