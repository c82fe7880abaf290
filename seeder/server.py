"""The HTTP server of one seeder process. Importing this module imports the whole application."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import sys
from typing import TYPE_CHECKING, Final

import uvicorn

from seeder.app import create_app
from seeder.lifeline import Lifeline
from seeder.migrations import is_unchanged

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator

    from litestar import Litestar

    from seeder.announcement import Announcement
    from seeder.settings import Migrations, Settings

_DRAIN_TIMEOUT_S: Final = 5


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts requests and leaves the signals to us."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise the signal again after its shutdown, and kill us before Postgres is stopped.
        yield

    def stop(self) -> None:
        self.should_exit = True


def make_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where that exists, which answers a request in two thirds of the time."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def run_server(settings: Settings, listener: socket.socket, announcement: Announcement, *, owned: bool) -> None:
    """Answer requests on *listener* until SIGTERM, SIGINT, or (if *owned*) until nobody holds on to this process.

    *announcement* is published once requests are accepted. Errors of the application's start are raised as they are;
    a start that takes long, because of migrations, ends like the rest.
    """
    app = create_app(settings)
    with contextlib.suppress(asyncio.CancelledError):
        async with contextlib.AsyncExitStack() as stack:
            end = _find_end()
            _on_stop_signals(end)
            lifeline_port: int | None = None
            if owned:
                lifeline = Lifeline(
                    settings.token,
                    suits=lambda wanted: _suits(settings.migrations, wanted),
                    on_orphaned=announcement.say_that_it_stays,
                    on_end=end,  # not stopped: there is nobody left to wait for, and the starter waits for our end
                )
                lifeline_port = await lifeline.open()
                stack.callback(lifeline.close)
            await stack.enter_async_context(_running(app))
            server = _Server(_configure(app, quiet=owned), lambda: announcement.publish(lifeline_port))
            _on_stop_signals(server.stop)
            gc.freeze()  # what was made until now stays: spares the collector a walk over it now and then, and at exit
            gc.enable()
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve(sockets=[listener])


def _find_end() -> Callable[[], object]:
    """Return what cancels the running task."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancel


def _on_stop_signals(call: Callable[[], object]) -> None:
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop_signal, call)


def _suits(migrations: Migrations | None, wanted: bytes) -> bool:
    """Return whether our database comes from the migrations *wanted*, and they have not changed since."""
    if migrations is None:
        return False
    return wanted == json.dumps(migrations.source).encode() and is_unchanged(migrations)


@contextlib.asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    """Start and end *app*; done here because uvicorn would swallow the error of a start that failed."""
    try:
        async with app.lifespan():
            yield
    except ExceptionGroup as group:  # Litestar's event emitter wraps whatever is raised while it lives
        raise _find_cause(group) from group


def _find_cause(error: Exception) -> Exception:
    return _find_cause(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _configure(app: Litestar, *, quiet: bool) -> uvicorn.Config:
    log_level = "warning" if quiet else "info"
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_level=log_level,
        timeout_graceful_shutdown=_DRAIN_TIMEOUT_S,
    )
