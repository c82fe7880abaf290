"""A process that plants rows with a seeder of its own and then does nothing, until it is killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import ensure_seeder

RUN_ID = "01JD0000000000000000000077"

if __name__ == "__main__":
    folder, catalog, database_url, keep_s = sys.argv[1:]
    sidecar = ensure_seeder(
        Path(folder), catalog=Path(catalog), database_url=database_url or None, timeout_s=60, migrations=None
    )
    client = SeederClient(sidecar.address)
    client.start_run(
        run_id=RUN_ID,
        session_id=RUN_ID,
        actor="planter",
        seed=0,
        as_of="2026-01-31",
        keep_s=int(keep_s) if keep_s else None,
    )
    client.request("active_member_clean", run_id=RUN_ID, request_key="one")
    print("planted", flush=True)
    time.sleep(600)
