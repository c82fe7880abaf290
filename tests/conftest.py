"""What all tests share: one real Postgres per test session, a database of it per process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ("pytester",)

# How long an example takes says something of the machine, not of the rule.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

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


@pytest.fixture(scope="session")
def make_database(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Make a fresh database, its name made up from the word given and this process, and return its URL."""
    import asyncpg  # lazy: most selections need no database

    worker: dict[str, Any] = getattr(request.config, "workerinput", {})
    server = worker.get("postgres_server") or _start_server_once(request.config)
    process = f"{worker.get('workerid', 'main')}_{os.getpid()}"

    async def create(name: str) -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()

    def make(word: str) -> str:
        name = f"{word}_{process}"
        asyncio.run(create(name))
        return urlsplit(server)._replace(path=f"/{name}").geturl()

    return make


@pytest.fixture(scope="session")
def postgres_url(make_database: Callable[[str], str]) -> str:
    """The URL of an empty database of this process's own, on a real server that all processes of the session share."""
    return make_database("atdm_test")
