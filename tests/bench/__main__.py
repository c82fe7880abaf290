"""``python -m tests.bench``: print the table of figures and write ``.atdm/bench.json``."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.data import folder
from tests.bench.audit import measure_share, measure_verify
from tests.bench.baselines import measure_baselines
from tests.bench.baselines_restore import measure_restores
from tests.bench.cleanup import measure_levels, measure_sizes
from tests.bench.export import measure_export, wait_until_exported
from tests.bench.figures import render_table, write_json
from tests.bench.leases import measure_leases
from tests.bench.planning import measure_introspection, measure_planning
from tests.bench.seeding import measure_history, run_seeding
from tests.bench.situation import start_bench
from tests.bench.startup import measure_idle, measure_start
from tests.bench.suites import measure_suites
from tests.bench.volume import measure_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._sidecar import SeederAddress
    from tests.bench.situation import Bench

REPORT = Path(".atdm/bench.json")


def main() -> int:
    """Measure everything; return 0, whether the targets hold or not: the table says which."""
    figures = [*measure_start(), *measure_idle()]
    with _running_bench() as (bench, url, address, place):
        figures += run_seeding(bench, url)
        figures += measure_leases(bench, address)
        figures += measure_share(bench, url)
        figures += measure_planning(bench)
        figures += measure_introspection(url, folder("catalog"))
        figures += measure_volume(bench, url)
        figures += measure_export(bench, url, address.url, place)
    with _running_bench() as (_, _, address, _):
        figures += measure_suites(address)
    with _running_bench() as (old, _, old_address, _), _running_bench() as (fresh, url, *_):
        figures += measure_levels(fresh, url)
        figures += measure_history(old, fresh, come_to_rest=lambda: wait_until_exported(old_address.url))
        figures += measure_verify(old)
    with _running_bench() as (few, few_url, *_), _running_bench() as (many, many_url, *_):
        figures += measure_sizes((few, few_url), (many, many_url))
    with _running_bench() as (_, url, *_):
        figures += measure_baselines(url)
        figures += measure_restores(url)
    write_json(figures, REPORT)
    print(render_table(figures))
    return 0


@contextlib.contextmanager
def _running_bench() -> Iterator[tuple[Bench, str, SeederAddress, Path]]:
    """Yield a bench on a new seeder with a database of its own, the database's URL, the seeder's address and folder."""
    with tempfile.TemporaryDirectory() as name:
        sidecar = ensure_seeder(Path(name) / ".atdm", catalog=folder("catalog"), database_url=None, timeout_s=60)
        with contextlib.closing(sidecar), contextlib.closing(SeederClient(sidecar.address)) as client:
            yield start_bench(client), sidecar.address.database_url or "", sidecar.address, Path(name)


if __name__ == "__main__":
    sys.exit(main())
