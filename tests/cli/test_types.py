"""``atdm types``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._types import FIRST_LINE
from tests.architecture.repository import ROOT
from tests.cli.shipped import SHIPPED

if TYPE_CHECKING:
    from tests.cli.conftest import Atdm

COMMITTED: Final = ROOT / "tests/typing/atdm_types.py"
TEXT: Final = COMMITTED.read_text()
LINES: Final = TEXT.splitlines()


def test_the_committed_module_is_current(atdm: Atdm) -> None:
    """What ``tests/typing/api.py`` is checked with is what the command writes for the shipped catalog."""
    outcome = atdm("types", "--check", "--file", str(COMMITTED))

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{COMMITTED} is what would be written: {len(SHIPPED)} scenarios\n"


def test_the_module_is_written(atdm: Atdm, tmp_path: Path) -> None:
    """The file's folder is made, and an older module replaced."""
    path = tmp_path / "new" / "atdm_types.py"
    path.parent.mkdir()
    path.write_text(f"{FIRST_LINE}older\n")

    outcome = atdm("types", "--file", str(path), "--output", "json")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.payload["file"] == str(path)
    assert len(outcome.payload["scenarios"]) == len(SHIPPED)
    assert path.read_bytes() == COMMITTED.read_bytes()


@pytest.mark.parametrize(
    ("stands", "where"),
    [
        (None, "there is no such file"),
        ("", f"line 1 is None, and would be {FIRST_LINE.rstrip()!r}"),
        (
            TEXT.replace("fee: Decimal", "fee: float"),
            f"line {LINES.index('    fee: Decimal') + 1} is '    fee: float', and would be '",
        ),
        (f"{TEXT}\n\n", f"line {len(LINES) + 1} is '', and would be None"),
        (TEXT.replace("\n", "\r\n"), "its lines end otherwise"),
    ],
    ids=["missing", "empty", "changed", "longer", "line ends"],
)
def test_a_module_that_is_out_of_date_fails_the_check(
    atdm: Atdm, tmp_path: Path, stands: str | None, where: str
) -> None:
    """CI gets an exit code, the first line that differs, and the command that mends it; the file stays as it is."""
    path = tmp_path / "atdm_types.py"
    if stands is not None:
        path.write_bytes(stands.encode())

    outcome = atdm("types", "--check", "--file", str(path))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {path} is not what atdm types would write: {where}")
    assert outcome.err.endswith(f"\nhint:  run atdm types --file {path}\ncode:  out_of_date\n")
    assert (path.read_bytes().decode() if stands is not None else None) == stands


def test_a_module_that_is_out_of_date_in_json(atdm: Atdm, tmp_path: Path) -> None:
    """The error has a code of its own."""
    outcome = atdm("types", "--check", "--file", str(tmp_path / "atdm_types.py"), "--output", "json")

    assert outcome.payload["error"]["code"] == "out_of_date"


def test_a_file_of_somebody_else_is_not_replaced(atdm: Atdm, tmp_path: Path) -> None:
    """A module that the command did not write stays."""
    path = tmp_path / "conftest.py"
    path.write_text("import pytest\n")

    outcome = atdm("types", "--file", str(path))

    assert (outcome.code, path.read_text()) == (2, "import pytest\n")
    assert outcome.err == (
        f"error: --file: {path} was not written by atdm types\n"
        "hint:  remove it, or name another place\ncode:  setting_error\n"
    )


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_file_that_cannot_be_used_is_a_wrong_setting(atdm: Atdm, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A folder is no file, whether it is to be written or read."""
    outcome = atdm("types", *words, "--file", str(tmp_path))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: --file: {tmp_path} cannot be read: {os.strerror(21)}")
    assert outcome.err.endswith("code:  setting_error\n")


def test_a_place_where_nothing_can_be_written_is_a_wrong_setting(atdm: Atdm) -> None:
    """The error names the file."""
    outcome = atdm("types", "--file", "/dev/null/atdm_types.py")

    assert (outcome.code, outcome.out) == (2, "")
    assert "error: --file: /dev/null/atdm_types.py cannot be" in outcome.err
    assert outcome.err.endswith("code:  setting_error\n")


def test_a_broken_catalog_is_told_before_anything_starts(atdm_alone: Atdm, tmp_path: Path) -> None:
    """Nobody waits for a database to hear of a wrong file."""
    folder = tmp_path / "catalog" / "shop" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "odd.yml").touch()

    outcome = atdm_alone("types")

    assert outcome.code == 2
    assert outcome.err.endswith("code:  catalog_error\n")
    assert not (tmp_path / ".atdm").exists()
