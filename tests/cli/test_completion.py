"""What a shell offers while a command is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "plugin" / "library" / "catalog"


def complete(words: str, **environment: str) -> list[str]:
    """Return what bash is offered for the last of *words*."""
    told = {"_ATDM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    program = Path(sys.executable).with_name("atdm")
    done = subprocess.run([program], env=os.environ | told | environment, capture_output=True, text=True, check=True)
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("command", ["request", "show", "explain"])
def test_scenarios_are_offered(command: str) -> None:
    """Those of the catalog that the settings name and that begin as typed; an option before them counts."""
    assert ["overdue_loan"] == complete(f"atdm {command} over", ATDM_CATALOG=str(LIBRARY))
    assert ["overdue_loan"] == complete(f"atdm {command} --catalog {LIBRARY} over")


def test_commands_are_offered() -> None:
    """By their first letters."""
    assert ["reap", "replay", "request", "reset"] == sorted(complete("atdm re"))


def test_a_catalog_with_a_fault_offers_nothing(tmp_path: Path) -> None:
    """Completion says nothing of it, and breaks no command line."""
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "domain.yaml").write_text("title: [")

    assert [] == complete("atdm request ", ATDM_CATALOG=str(tmp_path))
