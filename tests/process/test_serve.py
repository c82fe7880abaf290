"""A seeder that humans start: configured from outside, stopped by a signal."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_atdm._client import SeederClient
from pytest_atdm.core.errors import InvalidRequest, SettingError
from seeder.__main__ import read_options
from seeder.limits import LIMITS, Limit
from seeder.settings import Settings
from tests.process.actors import CATALOG, PATIENCE_S, answers, is_running
from tests.process.conftest import Ensure


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


def test_what_is_allowed_is_a_list_with_commas() -> None:
    """Names are separated by commas; blanks around them and empty ones do not count."""
    options = read_options(["serve"], {"ATDM_ALLOW_DATABASES": "one, two ,,", "ATDM_ALLOW_HOSTS": " db.example,"})

    assert frozenset({"one", "two"}) == options.allow_databases
    assert frozenset({"db.example"}) == options.allow_hosts


def test_a_key_for_masks_is_read_and_not_shown() -> None:
    """It comes from the environment alone, nothing is none, and no text of the options or settings has it."""
    key = "sixteen letters!"

    options = read_options(["serve"], {"ATDM_MASK_KEY": key})

    settings = Settings(database_url="", token="", catalog=Path(), base_url="", mask_key=options.mask_key)
    assert key == options.mask_key == settings.mask_key
    assert key not in f"{options!r} {settings!r}"
    assert read_options(["serve"], {"ATDM_MASK_KEY": ""}).mask_key is None


def test_a_key_for_masks_that_is_short_is_refused() -> None:
    """It could be found by trying; the error does not say it."""
    with pytest.raises(SettingError, match="ATDM_MASK_KEY has 15 characters") as caught:
        read_options(["serve"], {"ATDM_MASK_KEY": "fifteen letters"})

    assert "a long random text" in caught.value.hint
    assert "fifteen letters" not in str(caught.value)


def test_every_limit_can_be_set() -> None:
    """Each variable of the table sets its field; a field that nobody sets has its default."""
    environment = {limit.variable: str(number) for number, limit in enumerate(LIMITS, start=1)}

    options = read_options(["serve"], environment)

    assert {limit.field: number for number, limit in enumerate(LIMITS, start=1)} == options.limits
    assert {limit.field for limit in LIMITS} <= Settings.__dataclass_fields__.keys()
    assert {} == read_options(["serve"], {}).limits


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.variable)
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1_000", "\u0663", "1" + "0" * 30])
def test_a_limit_that_is_none_is_refused(limit: Limit, text: str) -> None:
    """What is no whole number from 1 to the largest is an error that names the variable and says what it limits."""
    with pytest.raises(SettingError, match=f'{limit.variable}: "{text}"') as caught:
        read_options(["serve"], {limit.variable: text})

    assert limit.meaning in caught.value.hint


def test_a_seeder_of_a_session_has_the_limits_of_its_environment(
    ensure: Ensure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set where pytest runs holds for the seeder that it starts."""
    monkeypatch.setenv("ATDM_MAX_BODY_BYTES", "10")

    with contextlib.closing(SeederClient(ensure().address)) as client, pytest.raises(InvalidRequest):
        client.start_run(run_id="01KAN2Q8Y7V0E2M5T9S4B6C3D1", session_id="s", actor="a", seed=1, as_of="2026-03-01")


def test_without_a_catalog_the_shipped_one_is_served() -> None:
    """The catalog that ships with the package is the default."""
    assert CATALOG == read_options(["serve"], {}).catalog
