"""``atdm emit playwright``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._playwright import MARKS
from tests.cli.shipped import SHIPPED

if TYPE_CHECKING:
    from tests.cli.conftest import Atdm

NAMES: Final = ("index.ts", "scenarios.ts", "fixture.schema.json")


def test_files_are_written(atdm: Atdm, tmp_path: Path) -> None:
    """The folder is made, older files of the command are replaced, and others in the folder stay."""
    folder = tmp_path / "new" / "atdm"
    folder.mkdir(parents=True)
    (folder / "index.ts").write_text(f"{MARKS['index.ts']}older\n")
    (folder / "mine.ts").write_text("mine\n")

    outcome = atdm("emit", "playwright", "--out", str(folder))

    assert (outcome.code, outcome.err) == (0, "")
    written = "".join(f"{folder / name} written\n" for name in NAMES)
    assert outcome.out == f"{written}{len(SHIPPED)} scenarios\n"
    assert {path.name for path in folder.iterdir()} == {*NAMES, "mine.ts"}
    assert all((folder / name).read_text().startswith(MARKS[name]) for name in NAMES)
    assert "older" not in (folder / "index.ts").read_text()
    assert (folder / "mine.ts").read_text() == "mine\n"


def test_the_default_folder_is_among_the_tests(atdm: Atdm) -> None:
    """Without an option the files stand in tests/atdm, and the answer in JSON names them."""
    outcome = atdm("emit", "playwright", "--output", "json")

    assert outcome.payload["files"] == [f"tests/atdm/{name}" for name in NAMES]
    assert len(outcome.payload["scenarios"]) == len(SHIPPED)
    assert {path.name for path in Path("tests/atdm").iterdir()} == {*NAMES}


def test_the_same_catalog_and_schema_give_the_same_files(atdm: Atdm, tmp_path: Path) -> None:
    """What was written passes the check, and the check writes nothing."""
    atdm("emit", "playwright", "--out", str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    outcome = atdm("emit", "playwright", "--check", "--out", str(tmp_path))

    assert (outcome.code, outcome.err) == (0, "")
    same = "".join(f"{tmp_path / name} is what would be written\n" for name in NAMES)
    assert outcome.out == f"{same}{len(SHIPPED)} scenarios\n"
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["missing", "changed"])
def test_a_file_that_is_out_of_date_fails_the_check(atdm: Atdm, tmp_path: Path, name: str, kind: str) -> None:
    """CI gets an exit code, the file, and the command that mends it; the file stays as it is."""
    atdm("emit", "playwright", "--out", str(tmp_path))
    path = tmp_path / name
    text = path.read_text()
    where = "there is no such file"
    if kind == "missing":
        path.unlink()
    else:
        path.write_text(f"{text}// one line more\n")
        where = f"line {len(text.splitlines()) + 1} is '// one line more', and would be None"

    outcome = atdm("emit", "playwright", "--check", "--out", str(tmp_path))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"error: {path} is not what atdm emit playwright would write: {where}\n"
        f"hint:  run atdm emit playwright --out {tmp_path}\ncode:  out_of_date\n"
    )
    assert path.exists() == (kind == "changed")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_somebody_else_is_not_replaced(atdm: Atdm, tmp_path: Path, name: str) -> None:
    """Where one of the files is not the command's own, it stays, and none is written beside it."""
    (tmp_path / name).write_text('{"mine": true}\n')

    outcome = atdm("emit", "playwright", "--out", str(tmp_path))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"error: --out: {tmp_path / name} was not written by atdm emit playwright\n"
        "hint:  remove it, or name another place\ncode:  setting_error\n"
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, '{"mine": true}\n')]


def test_a_place_where_nothing_can_be_written_is_a_wrong_setting(atdm: Atdm) -> None:
    """The error names the file and the system's reason."""
    outcome = atdm("emit", "playwright", "--out", "/dev/null/atdm")

    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: --out: /dev/null/atdm/index.ts cannot be read: {os.strerror(20)}" in outcome.err
    assert outcome.err.endswith("code:  setting_error\n")


def test_a_broken_catalog_is_told_before_anything_starts(atdm_alone: Atdm, tmp_path: Path) -> None:
    """Nobody waits for a database to hear of a wrong file."""
    folder = tmp_path / "catalog" / "shop" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "odd.yml").touch()

    outcome = atdm_alone("emit", "playwright")

    assert outcome.code == 2
    assert outcome.err.endswith("code:  catalog_error\n")
    assert {path.name for path in tmp_path.iterdir()} == {"catalog"}
