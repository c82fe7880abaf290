"""Which commit the tests are of: what CI says, else git is asked, while the tests are under way."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Of GitHub and of GitLab; others can be made to set one of them.
VARIABLES: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")
#: The commit, whatever tags there are, with ``-dirty`` where files that it has were changed since.
_DESCRIBE: Final = ("git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
#: A tree so large that git looks through it for longer is not looked through: it is clean as far as anybody knows.
_PATIENCE_S: Final = 3.0
_MAX_LENGTH: Final = 100


class Commit:
    """The commit of the folder *root*. Nothing fails for it: where there is no git, or no commit, none is known."""

    def __init__(self, root: Path, environment: Mapping[str, str] = os.environ) -> None:
        told = next((text for name in VARIABLES if (text := environment.get(name, "").strip())), "")
        self._root = root
        self._known = told[:_MAX_LENGTH]
        self._git = None if told else _start(_DESCRIBE, root)

    def read(self) -> str:
        """Return its name, empty where none is known; waits for git where that has not answered yet."""
        git, self._git = self._git, None
        if git is not None:
            self._known = _hear(git)
            if not self._known and git.returncode < 0:  # it was given up: without the tree it is quick
                again = _start(("git", "rev-parse", "HEAD"), self._root)
                self._known = _hear(again) if again else ""
        return self._known

    def close(self) -> None:
        """Give git up, where nobody has wanted its answer."""
        git, self._git = self._git, None
        if git is not None:
            git.kill()
            git.communicate()


def _start(command: tuple[str, ...], root: Path) -> subprocess.Popen[str] | None:
    with suppress(OSError):
        return subprocess.Popen(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # a tree that is only looked at is not written to
        )
    return None


def _hear(git: subprocess.Popen[str]) -> str:
    try:
        answer, _ = git.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        git.kill()
        git.communicate()
        return ""
    return answer.strip()[:_MAX_LENGTH] if git.returncode == 0 else ""
