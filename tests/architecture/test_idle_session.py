"""A session that uses no mark pays nothing: what the plugin loads is measured, not intended."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY: Final = frozenset({
    "asyncio", "asyncpg", "click", "hashlib", "httpx", "litestar", "msgspec", "pgparse", "pyarrow", "pydantic",
    "seeder", "ssl", "yaml",
})  # fmt: skip
MAX_ADDED_MODULES: Final = 15
PROBE: Final = """
import sys
import pytest

class Probe:
    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        print("LOADED", *sys.modules)

sys.exit(pytest.main(sys.argv[1:], plugins=[Probe()]))
"""


def _loaded_modules(folder: Path, *arguments: str) -> set[str]:
    """Return what is loaded when a session in *folder* has ended, its summary included; other plugins stay out."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", PROBE, "--rootdir", str(folder), *arguments, str(folder)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return set(run.stdout.partition("LOADED")[2].split())


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the modules that a session has with the plugin and lacks without it."""
    folder = tmp_path_factory.mktemp("idle")
    (folder / "test_idle.py").write_text("def test_nothing():\n    pass\n")
    return _loaded_modules(folder, "-p", "atdm") - _loaded_modules(folder)


def test_plugin_is_loaded(added: set[str]) -> None:
    """The session that is measured has the plugin: otherwise the other tests here would prove nothing."""
    assert "pytest_atdm.plugin" in added


def test_idle_session_loads_nothing_heavy(added: set[str]) -> None:
    """None of the libraries that ATDM works with is loaded by a session that uses no mark."""
    assert set() == {name for name in added if name.partition(".")[0] in HEAVY}


def test_idle_session_loads_few_modules(added: set[str]) -> None:
    """All that the plugin adds to an idle session is a handful of small modules of its own."""
    assert {"pytest_atdm"} == {name.partition(".")[0] for name in added}
    assert len(added) <= MAX_ADDED_MODULES


def test_heavy_import_is_noticed(tmp_path: Path) -> None:
    """The probe sees a library that something in the session loads."""
    (tmp_path / "conftest.py").write_text("import yaml\n")
    (tmp_path / "test_idle.py").write_text("def test_nothing():\n    pass\n")

    assert "yaml" in _loaded_modules(tmp_path)
