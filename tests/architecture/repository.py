"""What the rules are checked against: the files that are committed, or would be."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("pytest_atdm", "seeder")


class Fault(NamedTuple):
    """A place that breaks a rule."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Source(NamedTuple):
    """A text file: its path in the repository, with slashes, and its content."""

    path: str
    text: str

    @property
    def lines(self) -> Iterator[tuple[int, str]]:
        """Line numbers, from 1, with their lines."""
        return enumerate(self.text.splitlines(), start=1)

    def parse(self) -> ast.Module:
        """Return the syntax tree of a Python file: a new one each time."""
        return ast.parse(self.text, filename=self.path)


def list_paths() -> list[str]:
    """Return the path of every file that git tracks or would add, symlinks among them, sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(path for path in listed.split("\0") if path and (ROOT / path).exists())


def read_sources(*folders: str, suffix: str = "") -> list[Source]:
    """Return the text files below *folders* (default: all) whose names end with *suffix*; symlinks are not followed."""
    prefixes = tuple(f"{folder}/" for folder in folders)
    wanted = [path for path in list_paths() if path.endswith(suffix) and (not folders or path.startswith(prefixes))]
    files = [path for path in wanted if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]
    return [Source(path, content.decode()) for path in files if b"\0" not in (content := (ROOT / path).read_bytes())]


def read_modules(*folders: str) -> list[Source]:
    """Return the Python files below *folders* (default: all)."""
    return read_sources(*folders, suffix=".py")
