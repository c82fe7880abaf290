"""Processes as a whole: an idle session with and without the plugin; empty process to the first seeded test."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, limit
from tests.environment import leave_out

IDLE_RUNS = 11
COLD_RUNS = 5
WARM_RUNS = 9
IDLE_TEST = "def test_nothing():\n    pass\n"
FIRST_TEST = """\
import pathlib
import time

import pytest


@pytest.mark.atdm_scenario("claim_denial_active_member")
def test_first(atdm_data):
    assert atdm_data.claim.status == "denied"
    pathlib.Path("reached").write_text(repr(time.time()))
"""
COUNT_MODULES = """\
import sys

def pytest_unconfigure():
    print("MODULES", len(sys.modules))
"""


def measure_idle() -> list[Figure]:
    """Return modules and CPU milliseconds that an installed but unused plugin adds to a session, in turns."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "test_idle.py").write_text(IDLE_TEST)
        (place / "conftest.py").write_text(COUNT_MODULES)
        with_plugin, without = [], []
        for _ in range(IDLE_RUNS):
            with_plugin.append(_run_idle(place))
            without.append(_run_idle(place, "-p", "no:atdm"))
    modules = with_plugin[0][0] - without[0][0]
    cpu = [statistics.median(cpu for _, cpu in runs) for runs in (with_plugin, without)]
    return [
        limit("idle session: modules that the plugin adds", modules, "modules", at_most=15),
        limit("idle session: CPU that the plugin adds", round(cpu[0] - cpu[1], 1), "ms", at_most=30),
    ]


def _run_idle(place: Path, *options: str) -> tuple[int, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *options]
    # Without compiled modules each process would compile them anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTEST_ADDOPTS"] = leave_out()
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = done.stdout.split()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(words[words.index("MODULES") + 1]), cpu_s * 1_000


def measure_start() -> list[Figure]:
    """Return the seconds from an empty process to the body of the first seeded test, cold and warm.

    Cold: no data directory, so that the embedded Postgres is made first. Warm: it is there and stopped.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "test_first.py").write_text(FIRST_TEST)
        (place / "pytest.ini").write_text("[pytest]\n")
        cold = statistics.median(_time_first_test(place, fresh=True) for _ in range(COLD_RUNS))
        warm = statistics.median(_time_first_test(place, fresh=False) for _ in range(WARM_RUNS))
    first = limit("empty process to first seeded test, cold", round(cold, 2), "s", at_most=2.5)
    return [first, limit("empty process to first seeded test, warm", round(warm, 2), "s", at_most=1.0)]


def _time_first_test(place: Path, *, fresh: bool) -> float:
    if fresh:
        shutil.rmtree(place / ".atdm", ignore_errors=True)
    # Without compiled modules each process would compile some hundreds of them anew.
    dropped = {"PYTHONDONTWRITEBYTECODE"} | {name for name in os.environ if name.startswith("ATDM_")}
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    began = time.time()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=place, env=environment, capture_output=True, check=True,
    )  # fmt: skip
    return float((place / "reached").read_text()) - began
