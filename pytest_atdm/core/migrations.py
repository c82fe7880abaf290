"""Where an embedded database gets the tables of the application from, as plugin and seeder tell one another."""

from __future__ import annotations

from typing import Final, NamedTuple

#: How long the project's migrations may take, in seconds, before they are given up.
MIGRATION_LIMIT_S: Final = 600


class MigrationSource(NamedTuple):
    """A folder of SQL files, or a command of the project: exactly one of *folder* and *command* is not empty.

    *folder* is an absolute path. *command* is a line for the shell, run in the project's root folder. *files* are the
    patterns, relative to that folder, of the files whose change makes the command run again; empty for the default.
    """

    folder: str = ""
    command: str = ""
    files: tuple[str, ...] = ()
