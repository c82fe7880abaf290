"""Which commit the tests are of."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pytest_atdm import _commit
from pytest_atdm._commit import Commit

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    """Run git in *folder* and return what it says."""
    return subprocess.run(["git", *_SETTINGS, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a commit, and a tag on it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "tag", "v1")
    return tmp_path


def test_git_says_the_commit_and_whether_files_were_changed(repository: Path) -> None:
    """The whole hash, whatever tags there are; with a mark once a file of the commit differs, and in a folder below."""
    head = git(repository, "rev-parse", "HEAD").strip()
    (repository / "below").mkdir()
    (repository / "new.txt").write_text("not in the commit")

    assert head == Commit(repository, {}).read()
    assert head == Commit(repository / "below", {}).read()
    (repository / "code.py").write_text("2")
    assert f"{head}-dirty" == Commit(repository, {}).read()


def test_what_ci_says_goes_before(repository: Path) -> None:
    """GitHub's variable, then GitLab's; an empty one says nothing, and git is not asked."""
    commit = Commit(repository, {"GITHUB_SHA": " ", "CI_COMMIT_SHA": "abc"})

    assert "abc" == commit.read() == commit.read()
    assert "def" == Commit(repository, {"GITHUB_SHA": "def", "CI_COMMIT_SHA": "abc"}).read()


def test_without_a_commit_none_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, no commit in it, no git, no folder: nothing fails, and the answer is empty."""
    assert "" == Commit(tmp_path, {}).read()
    assert "" == Commit(tmp_path / "nowhere", {}).read()
    git(tmp_path, "init", "-q")
    assert "" == Commit(tmp_path, {}).read()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "" == Commit(tmp_path, {}).read()


def test_a_git_that_takes_too_long_is_not_waited_for(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where looking through the tree takes long the commit is told without it; where that does too, none is."""
    head = git(repository, "rev-parse", "HEAD").strip()
    tools = tmp_path_factory.mktemp("tools")
    slow, path = tools / "git", os.environ["PATH"]
    monkeypatch.setattr(_commit, "_PATIENCE_S", 0.5)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{path}")

    found = []
    for what in ("describe", ""):
        slow.write_text(f'#!/bin/sh\ncase "$1" in "{what}"*) exec sleep 60;; esac\nPATH="{path}" exec git "$@"\n')
        slow.chmod(0o755)
        began = time.monotonic()
        found.append(Commit(repository, {}).read())
        assert time.monotonic() - began < 10

    assert [head, ""] == found


def test_git_is_given_up_where_nobody_wants_its_answer(repository: Path) -> None:
    """No process is left, and none is known then; a second end finds nothing to do."""
    commit = Commit(repository, {})

    commit.close()
    commit.close()

    assert "" == commit.read()
