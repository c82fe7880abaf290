"""Does what a page tells its reader to do: saves the files, types the commands, compares what comes out."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.requirements import Requirement

from tests.architecture.repository import ROOT
from tests.docs.markdown import Block, iter_blocks
from tests.environment import bare_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TIMEOUT_S: Final = 120


class Step(NamedTuple):
    """A command and what the page shows of its answer: a line ``...`` is any lines, ``...`` in a line any text."""

    command: str
    shown: str


class Reader:
    """Follows pages in *folder*, with *variables* in the environment beside those that everybody has."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.commands: list[str] = []
        kept = bare_environment()
        here = Path(sys.executable).parent
        self._environment = {
            **kept,
            "PATH": f"{here}{os.pathsep}{kept['PATH']}",
            "NO_COLOR": "1",
            "COLUMNS": "80",
            **(variables or {}),
        }

    def save_files(self, page: str) -> None:
        """Save every titled block of *page*, a path in the repository."""
        for block in read_blocks(page):
            if block.title:
                self._save(block)

    def follow(self, page: str, *, on_sql: Callable[[str], None] | None = None) -> None:
        """Do what *page* says, in its order; *on_sql* is called with what is to be said to the database.

        Raises:
            AssertionError: an answer is not what the page shows, or a command without a shown answer failed.
        """
        for block in read_blocks(page):
            if block.title:
                self._save(block)
            elif block.language == "console":
                for step in iter_steps(block.text):
                    self._do(step, f"{page}:{block.line}")
            elif block.language == "sql" and on_sql is not None:
                on_sql(block.text)

    def run(self, command: str, *, check: bool = False) -> str:
        """Run *command* in a shell and return what it prints, errors included; with *check* it must succeed."""
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert run.returncode == 0 or not check, f"{command}\n{run.stdout}"
        return run.stdout

    def _save(self, block: Block) -> None:
        path = self.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _do(self, step: Step, where: str) -> None:
        self.commands.append(step.command)
        if step.command.startswith("pip install "):
            check_installed(shlex.split(step.command)[2:])
            return
        if step.shown:
            came = self.run(step.command)
            assert matches(step.shown, came), f"{where}: {step.command}\nshown:\n{step.shown}\ncame:\n{came}"
        else:
            self.run(step.command, check=True)


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of *page*, a path in the repository."""
    return list(iter_blocks((ROOT / page).read_text(encoding="utf-8")))


def iter_steps(text: str) -> Iterator[Step]:
    """Yield the commands of a console block, each with the lines that follow it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = 1
        while lines[length - 1].endswith("\\"):
            length += 1
        yield Step("\n".join(lines[:length]), "\n".join(lines[length:]).strip("\n"))


def matches(shown: str, came: str) -> bool:
    """Return whether *came* is what a page shows; blank lines and blanks at the ends of lines do not matter."""
    pattern = ""
    for line in _iter_lines(shown):
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _iter_lines(came))) is not None


def check_installed(arguments: list[str]) -> None:
    """Raise AssertionError unless what ``pip install`` names is installed, with its extras: nothing is downloaded."""
    for wanted in (Requirement(argument) for argument in arguments if not argument.startswith("-")):
        metadata = importlib.metadata.metadata(wanted.name)
        assert wanted.extras <= set(metadata.get_all("Provides-Extra", [])), f"{wanted} has no such extra"
        for extra in wanted.extras:
            for needed in map(Requirement, importlib.metadata.requires(wanted.name) or []):
                if needed.marker is not None and needed.marker.evaluate({"extra": extra}):
                    assert needed.specifier.contains(importlib.metadata.version(needed.name)), f"{needed} is missing"


def _iter_lines(text: str) -> Iterator[str]:
    return (line.rstrip() for line in text.splitlines() if line.strip())
