"""A seeder that humans start: configured from outside, stopped by a signal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seeder.__main__ import read_options
from tests.process.actors import CATALOG, PATIENCE_S, answers, is_running


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_cleanly(stop_signal: signal.Signals, tmp_path: Path) -> None:
    """Without --owned nothing is written to stdout, no standard input is needed, and a signal stops both servers."""
    words = [sys.executable, "-m", "seeder", "serve", "--port=0", f"--catalog={CATALOG}", f"--embedded={tmp_path}"]
    environment = os.environ | {"ATDM_TOKEN": "secret"}
    with subprocess.Popen(
        words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = read_address(process)
        assert answers(url)
        postgres = int((tmp_path / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])

        process.send_signal(stop_signal)
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert (0, "") == (process.returncode, output)
    assert not is_running(postgres)
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()


def read_address(process: subprocess.Popen[str]) -> str:
    """Return the address that *process* writes to stderr when it accepts requests."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.match(r"atdm-seeder: (http://127\.0\.0\.1:\d+), database postgresql://", line):
            return found[1]
    raise AssertionError("the seeder ended without an address")


def test_the_command_line_wins_over_the_environment() -> None:
    """Each setting is taken from the command line, else from its variable, else from its default."""
    environment = {"ATDM_DATABASE_URL": "postgresql://from-variable", "ATDM_CATALOG": "/from-variable"}

    options = read_options(["serve", "--catalog", "/from-line"], environment)

    assert ("postgresql://from-variable", Path("/from-line")) == (options.database_url, options.catalog)
    assert ("127.0.0.1", 8765) == (options.host, options.port)


def test_allowed_databases_are_a_list_with_commas() -> None:
    """Names are separated by commas; blanks around them and empty ones do not count."""
    options = read_options(["serve"], {"ATDM_ALLOW_DATABASES": "one, two ,,"})

    assert frozenset({"one", "two"}) == options.allow_databases


def test_without_a_catalog_the_shipped_one_is_served() -> None:
    """The catalog that ships with the package is the default."""
    assert CATALOG == read_options(["serve"], {}).catalog
