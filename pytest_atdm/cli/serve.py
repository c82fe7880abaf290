"""``atdm serve``: a seeder and its embedded Postgres that stay for the other commands."""

from __future__ import annotations

import contextlib
import signal
import threading

import click

from pytest_atdm.cli.options import MIGRATIONS, read_console, read_settings, setting_options


@click.command()
@setting_options("url", "database_url", "catalog", *MIGRATIONS)
def serve() -> None:
    """Keep the seeder of this folder running until Ctrl-C.

    Without it every command starts the embedded Postgres and ends it again. Commands and test sessions that start
    meanwhile in the same folder, with the same catalog and database, use the one that runs.
    """
    from pytest_atdm._connect import connect  # lazy: startup

    with contextlib.closing(connect(read_settings())) as connection:
        address = connection.address
        payload = {"url": address.url, "database_url": address.database_url, "origin": address.origin}
        read_console().answer(payload, [f"seeder    {address.url}", f"database  {address.database_url}"])
        read_console().remark("serving until Ctrl-C")
        wait_for_signal()


def wait_for_signal() -> None:
    """Return when the process is asked to end (SIGINT, SIGTERM)."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
