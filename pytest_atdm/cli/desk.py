"""Where commands work: the plugin's connection and session, with the plugin's settings, outside of pytest."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pytest_atdm._connect import connect
from pytest_atdm.cli.options import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._client import SeederClient
    from pytest_atdm._options import Settings
    from pytest_atdm._session import AtdmSession
    from pytest_atdm._sidecar import SeederAddress


@contextlib.contextmanager
def open_client() -> Iterator[SeederClient]:
    """Yield a client of the seeder of the running command's settings; one of our own is started if none runs."""
    with contextlib.closing(connect(read_settings())) as connection:
        yield connection.client


def make_session(settings: Settings) -> AtdmSession:
    """Return a session that plans and seeds as the plugin's does, without the hooks of any ``conftest.py``.

    Let go of it: closing the session would end the run, and a later ``atdm reset`` is to find it.
    """
    import pluggy  # lazy: startup

    from pytest_atdm import hookspecs  # lazy: startup
    from pytest_atdm._session import AtdmSession
    from pytest_atdm._xdist import Identity
    from pytest_atdm.core.ulid import make_ulid

    plugins = pluggy.PluginManager("pytest")
    plugins.add_hookspecs(hookspecs)
    # One id for both, so that a later command can go on with the run.
    run_id = settings.run_id or make_ulid(time.time_ns() // 1_000_000, os.urandom(10))
    identity = Identity(session_id=run_id, run_id=run_id, actor=f"{settings.actor} (atdm)")
    return AtdmSession(settings, identity, plugins.hook)


def make_page_url(address: SeederAddress, run_id: str) -> str:
    """Return the address of the run's audit page with the key that opens the pages and nothing else."""
    from pytest_atdm.core.page_key import derive_page_key  # lazy: startup

    return f"{address.url}/ui/audit/{run_id}?key={derive_page_key(address.token)}"
