"""``atdm serve``: a seeder that outlives single commands."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Atdm

SERVE = "import sys; from pytest_atdm.cli import main; sys.exit(main(['serve', '--output', 'json']))"


@contextlib.contextmanager
def serving(place: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Yield a running ``atdm serve`` in *place* and what it answered."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATDM_")}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                text += line
            yield process, json.loads(text)
        finally:
            process.kill()


def test_commands_share_what_is_served(run_atdm: Atdm, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it serves, every command in the folder meets the same seeder and the same database; SIGTERM ends it."""
    monkeypatch.chdir(open_folder)
    with serving(open_folder) as (process, served):
        receipt = run_atdm("request", "active_member_clean", "--output", "json").payload
        seen = [check["detail"] for check in run_atdm("doctor", "--output", "json").payload["checks"]]
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=30) == 0

    assert receipt["database_url"] == served["database_url"]
    assert receipt["audit_url"].startswith(served["url"])
    assert any(served["url"] in detail for detail in seen)
    assert list((open_folder / ".atdm").glob("*/seeder.json")) == []


def test_rows_outlive_the_seeder(run_atdm: Atdm, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``atdm serve`` each command starts the database anew, and a reset still finds the rows."""
    monkeypatch.chdir(open_folder)

    receipt = run_atdm("request", "active_member_clean", "--output", "json").payload
    report = run_atdm("reset", receipt["run_id"], "--token", receipt["cleanup_token"], "--output", "json").payload

    assert sum(report["seeded"].values()) == receipt["rows"]
