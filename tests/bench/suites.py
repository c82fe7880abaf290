"""What a marked test costs: the same 200 tests with each of the ways people have, alone and with two workers."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_atdm.data import folder
from tests.bench.figures import Figure, compare
from tests.environment import leave_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm._sidecar import SeederAddress

TESTS: Final = 200
ROUNDS: Final = 3
PEERS: Final = Path(__file__).with_name("peers")
SUITES: Final = {
    "idle": "no data",
    "with_atdm": "pytest-atdm",
    "with_factory_boy": "factory_boy + SQLAlchemy",
    "with_pytest_postgresql": "pytest-postgresql",
}
ROOT: Final = Path(__file__).parents[2]


def measure_suites(address: SeederAddress) -> list[Figure]:
    """Return the milliseconds per test that each way adds to a suite without data; the ways take turns."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        environment = _make_environment(address, place)
        for suite in SUITES:
            (place / suite).mkdir()
            (place / suite / "pytest.ini").write_text("[pytest]\n")
            shutil.copy(PEERS / f"{suite}.py", place / suite / "test_it.py")
        return [
            *_compare(_take_turns(place, environment, ()), "alone"),
            *_compare(_take_turns(place, environment, ("-n", "2")), "-n 2"),
        ]


def _make_environment(address: SeederAddress, place: Path) -> dict[str, str]:
    """Return the environment of every suite: the same server for all of them."""
    scripts = sorted((folder("migrations") / "healthcare").glob("*.sql"))
    codes = place / "codes.sql"
    codes.write_text(_CODES)
    dropped = (
        "ATDM_",
        "PYTEST_",
        "PYTHONDONTWRITEBYTECODE",
    )  # without compiled modules each process compiles them anew
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "ATDM_URL": address.url,
        "ATDM_TOKEN": address.token,
        "BENCH_DATABASE_URL": str(address.database_url),
        "BENCH_SQL": ":".join(str(path) for path in (*scripts, codes)),
        "BENCH_TESTS": str(TESTS),
        "PYTHONPATH": str(ROOT),
    }


def _take_turns(place: Path, environment: dict[str, str], words: Sequence[str]) -> dict[str, float]:
    """Return the median seconds of each suite."""
    samples: dict[str, list[float]] = {name: [] for name in SUITES}
    for _ in range(ROUNDS):
        for name, found in samples.items():
            plugins = leave_out(*(["pytest_postgresql"] if name == "with_pytest_postgresql" else []))
            found.append(_time(place / name, {**environment, "PYTEST_ADDOPTS": plugins}, words))
    return {name: statistics.median(found) for name, found in samples.items()}


def _time(place: Path, environment: dict[str, str], words: Sequence[str]) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    began = time.perf_counter()
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def _compare(seconds: dict[str, float], way: str) -> list[Figure]:
    def cost(name: str) -> float:
        return round((seconds[name] - seconds["idle"]) / TESTS * 1_000, 2)

    def label(name: str) -> str:
        return f"suite of {TESTS} tests, {way}: {SUITES[name]}, per test"

    peers = [
        Figure(name=label(name), figure=cost(name), unit="ms")
        for name in ("with_factory_boy", "with_pytest_postgresql")
    ]
    ours = [compare(label("with_atdm"), cost("with_atdm"), "ms", against=peer, at_least=1.0) for peer in peers]
    return [*peers, *ours]


_CODES: Final = """
INSERT INTO procedure_codes (code, description, fee, covered) VALUES ('A9270', 'Not covered', 100, false);
INSERT INTO diagnosis_codes (code, description) VALUES ('Z00.00', 'Examination');
"""
