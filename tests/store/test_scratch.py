"""Folders for files on their way: none is left for good, and none is taken from a process at work."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from seeder.store.scratch import scratch_folder
from tests.process.actors import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import sys
from seeder.store.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "rows").write_text("some")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary files are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def holding() -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds a folder, an old one by its date."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        os.utime(process.stdout.readline().strip(), (0, 0))
        try:
            yield process
        finally:
            process.kill()


def test_a_folder_goes_with_its_block(place: Path) -> None:
    """It is there, empty, for the length of the block."""
    with scratch_folder() as folder:
        assert [] == list(folder.iterdir())
        (folder / "rows").touch()
        assert [folder] == list(place.iterdir())

    assert [] == list(place.iterdir())


def test_what_a_killed_process_left_goes(place: Path) -> None:
    """The next process that needs a folder removes what one left that was killed."""
    with holding():
        pass

    assert len(list(place.iterdir())) == 1
    with scratch_folder() as folder:
        assert [folder] == list(place.iterdir())


def test_the_folder_of_a_process_at_work_stays(place: Path) -> None:
    """However old it is, what a process works with is not removed."""
    with holding():
        with scratch_folder():
            pass

        assert ["rows"] == [path.name for path in place.glob("*/*")]


def test_a_young_folder_stays(place: Path) -> None:
    """A folder that nobody holds may be one that is being made."""
    young = place / "atdm-scratch-young"
    young.mkdir()

    with scratch_folder():
        pass

    assert young.is_dir()


def test_links_are_not_followed(place: Path) -> None:
    """A link in the place of a folder leads nowhere: what it points to stays."""
    other = place / "other"
    (other / "precious").mkdir(parents=True)
    (place / "atdm-scratch-link").symlink_to(other)
    os.utime(place / "atdm-scratch-link", (0, 0), follow_symlinks=False)

    with scratch_folder():
        pass

    assert (other / "precious").is_dir()
