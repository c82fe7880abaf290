"""``python -m tests.bench``: print the table of figures and write ``.atdm/bench.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.data import folder
from tests.bench.figures import render_table, write_json
from tests.bench.seeding import run_seeding
from tests.bench.situation import start_bench
from tests.bench.startup import measure_idle, measure_start

REPORT = Path(".atdm/bench.json")


def main() -> int:
    """Measure everything; return 0, whether the targets hold or not: the table says which."""
    figures = [*measure_start(), *measure_idle()]
    with tempfile.TemporaryDirectory() as name:
        sidecar = ensure_seeder(Path(name) / ".atdm", catalog=folder("catalog"), database_url=None, timeout_s=60)
        client = SeederClient(sidecar.address)
        bench = start_bench(client)
        figures += run_seeding(bench, sidecar.address.database_url or "")
        client.close()
        sidecar.close()
    write_json(figures, REPORT)
    print(render_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
