"""A session without the mark pays nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MAX_NEW_MODULES = 15
BANNED = {"asyncio", "click", "httpx", "pgparse", "pyarrow", "pydantic", "yaml"}

#: Runs pytest and prints what is loaded at the very end, the terminal summary included.
PROBE = """
import sys, pytest
class Probe:
    def pytest_unconfigure(self): print("LOADED", *sorted(sys.modules))
sys.exit(pytest.main(sys.argv[1:], plugins=[Probe()]))
"""


def list_modules(folder: Path, *args: str) -> set[str]:
    """Return what a session in *folder* has loaded when it ends."""
    command = [sys.executable, "-c", PROBE, "-p", "no:cacheprovider", *args, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=60)
    return set(next(line for line in run.stdout.splitlines() if line.startswith("LOADED")).split()[1:])


@pytest.mark.parametrize("args", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_an_idle_session_loads_no_heavy_module(tmp_path: Path, args: tuple[str, ...]) -> None:
    """At its end an idle session has loaded few modules more than without the plugin, and none of the heavy ones."""
    (tmp_path / "test_it.py").write_text("def test_a(): pass\n", encoding="utf-8")

    new = list_modules(tmp_path, *args) - list_modules(tmp_path, *args, "-p", "no:atdm")

    assert {"pytest_atdm", "pytest_atdm.plugin"} <= new
    assert set() == new & BANNED
    assert len(new) <= MAX_NEW_MODULES, sorted(new)
    assert not (tmp_path / ".atdm").exists()


def test_a_banned_module_is_noticed(tmp_path: Path) -> None:
    """The probe sees what a session loads: with a test that imports one of the heavy modules, it is there."""
    (tmp_path / "test_it.py").write_text("import click\n\ndef test_a(): pass\n", encoding="utf-8")

    assert "click" in list_modules(tmp_path)


def test_the_plugin_can_be_switched_off(pytester: pytest.Pytester) -> None:
    """``-p no:atdm`` leaves no option, header or fixture."""
    result = pytester.runpytest_subprocess("-p", "no:atdm", "--help")

    assert "atdm" not in result.stdout.str()
