"""The HTTP server of one seeder process. Importing this module imports the whole application."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from typing import TYPE_CHECKING, Final

import uvicorn

from seeder.app import create_app
from seeder.lifeline import Lifeline

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from litestar import Litestar

    from seeder.settings import Settings

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


async def run_server(
    settings: Settings,
    listener: socket.socket,
    *,
    owned: bool,
    on_started: Callable[[int | None], None],
    on_orphaned: Callable[[], None],
) -> None:
    """Answer requests on *listener* until SIGTERM, SIGINT, or (if *owned*) until nobody holds on to this process.

    *on_started* is called with the lifeline's port (None unless *owned*) once requests are accepted, *on_orphaned* when
    the starter has gone and others still hold. Errors of the application's start are raised as they are.
    """
    app = create_app(settings)
    # The lifespan is entered here, not by uvicorn, which would swallow the error of a start that failed.
    async with app.lifespan(), contextlib.AsyncExitStack() as stack:
        lifeline_port: int | None = None
        server = _Server(_configure(app, quiet=owned), lambda: on_started(lifeline_port))
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(stop_signal, server.stop)

        def end() -> None:
            serving.cancel()  # not stopped: there is nobody left to wait for, and the starter waits for our end

        if owned:
            lifeline = Lifeline(settings.token, on_orphaned=on_orphaned, on_end=end)
            lifeline_port = await lifeline.open()
            stack.callback(lifeline.close)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        gc.freeze()  # what was made until now stays: spares the collector a walk over it now and then, and at exit
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def _configure(app: Litestar, *, quiet: bool) -> uvicorn.Config:
    log_level = "warning" if quiet else "info"
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level=log_level,
        timeout_graceful_shutdown=_DRAIN_TIMEOUT_S,
    )
