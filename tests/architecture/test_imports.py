"""Who may import whom: the contracts of pyproject.toml, and proof that each of them bites."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.repository import ROOT

#: For each contract one module that breaks it, and what that module says.
VIOLATIONS: Final = {
    "no-driver-in-the-test-process": ("pytest_atdm/_client.py", "import seeder.service"),
    "core-is-pure": ("pytest_atdm/core/ulid.py", "import random"),
    "core-stands-alone": ("pytest_atdm/core/text.py", "import pytest_atdm._client"),
    "seeder-is-no-plugin": ("seeder/app.py", "import pytest"),
    "seeder-shares-core-and-data": ("seeder/serve.py", "import pytest_atdm._client"),
    "driver-lives-in-db": ("seeder/service.py", "import asyncpg"),
    "s3-lives-in-store": ("seeder/service.py", "import s3fs"),
    "seeder-layers": ("seeder/db/pool.py", "import seeder.service"),
}


def _check_contracts(folder: Path) -> dict[str, bool]:
    """Return, for each contract's name, whether it is kept by the packages in *folder*."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    wide = {**os.environ, "COLUMNS": "300"}  # names are not wrapped
    run = subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, check=False)
    verdicts = re.findall(r"^(.+?) (KEPT|BROKEN)(?: .*)?$", run.stdout, flags=re.MULTILINE)
    assert verdicts, run.stdout + run.stderr
    return {name: verdict == "KEPT" for name, verdict in verdicts}


def _read_contracts() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"]: contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


def test_every_contract_is_kept() -> None:
    """The packages import as the contracts of pyproject.toml say."""
    kept = _check_contracts(ROOT)

    assert dict.fromkeys(_read_contracts().values(), True) == kept


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_contract_notices_a_violation(tmp_path: Path, contract: str) -> None:
    """In packages of the same modules, empty but for one import that breaks a contract, that contract is broken."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("pytest_atdm", "seeder"):
        for path in (ROOT / package).rglob("*.py"):
            sample = tmp_path / path.relative_to(ROOT)
            sample.parent.mkdir(parents=True, exist_ok=True)
            sample.touch()

    module, line = VIOLATIONS[contract]
    (tmp_path / module).write_text(f"{line}\n")
    kept = _check_contracts(tmp_path)

    assert not kept[_read_contracts()[contract]]


def test_every_contract_has_a_violation() -> None:
    """A contract that is added to pyproject.toml needs proof that it can break."""
    assert _read_contracts().keys() == VIOLATIONS.keys()
