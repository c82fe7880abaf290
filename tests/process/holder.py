"""A process of its own that holds on to a seeder: ``python -m tests.process.holder FOLDER CATALOG [COMMAND FILES]``.

Prints one line of JSON (where the seeder is, or the error), and lets go at the end of its standard input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.migrations import MigrationSource


def main(folder: str, catalog: str, command: str = "", *files: str) -> None:
    """Hold on until told to let go."""
    migrations = MigrationSource(command=command, files=files) if command else None
    try:
        sidecar = ensure_seeder(
            Path(folder), catalog=Path(catalog), database_url=None, migrations=migrations, timeout_s=60
        )
    except AtdmError as error:
        print(json.dumps({"code": error.code, "message": error.message, "hint": error.hint}), flush=True)
        return
    print(json.dumps({"url": sidecar.address.url, "database_url": sidecar.address.database_url}), flush=True)
    sys.stdin.read()
    sidecar.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
