"""``python -m tests.bench.baselines_memory URL RUN EMPTY``: print the bytes that taking and restoring a baseline needs.

*EMPTY* is the statement that empties the tables in between. All that a seeder has loaded counts.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from pathlib import Path

import asyncpg

import seeder.app  # noqa: F401 (for its memory)
from seeder.baselines.restoring import restore_baseline
from seeder.baselines.shelf import Shelf
from seeder.baselines.taking import take_baseline
from seeder.settings import Settings
from seeder.store.local import LocalStore


async def _take_and_restore(url: str, run_id: str, empty: str, folder: Path) -> None:
    settings = Settings(database_url=url, token="bench", catalog=folder, base_url="http://bench", embedded=True)
    store = LocalStore(folder / "store")
    manifest = await take_baseline(settings, store, "bench", actor="bench")
    connection = await asyncpg.connect(url)
    await connection.execute(empty)
    await connection.close()
    await restore_baseline(settings, Shelf(store), manifest, run_id=run_id)


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the memory of the process that started this one, too
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    url, run_id, empty = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_take_and_restore(url, run_id, empty, Path(name)))
    print(_peak_bytes())
