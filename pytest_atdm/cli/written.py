"""Files that commands write into a project: made anew, compared with what stands, never in place of somebody else's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import OutOfDate, SettingError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file that *command* writes to *path*, whose place the user names with *option*.

    *text* is all of it; *mark* is how it begins, and tells it from files that somebody else wrote.
    """

    path: Path
    text: str
    mark: str
    command: str
    option: str

    def refuse_strangers(self) -> None:
        """Return if nothing would be lost by ``write``.

        Raises:
            SettingError: a file stands there that *command* did not write, or that cannot be read.
        """
        before = self._read()
        if before and not before.startswith(self.mark):
            raise SettingError(
                f"{self.option}: {self.path} was not written by {self.command}", hint="remove it, or name another place"
            )

    def write(self) -> None:
        """Write the file, in a new folder where need be.

        Raises:
            SettingError: it cannot be written, or stands in place of somebody else's.
        """
        self.refuse_strangers()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.text, encoding="utf-8", newline="\n")
        except OSError as exc:
            raise SettingError(
                f"{self.option}: {self.path} cannot be written: {exc.strerror}",
                hint="name a place where files may be written",
            ) from exc

    def check(self, hint: str) -> None:
        """Return if the file is what ``write`` would write.

        Raises:
            OutOfDate: it is not; names the first line that differs, and gives *hint*.
            SettingError: it cannot be read.
        """
        before = self._read()
        if before == self.text:
            return
        where = "there is no such file" if before is None else find_difference(before, self.text)
        raise OutOfDate(f"{self.path} is not what {self.command} would write: {where}", hint=hint)

    def _read(self) -> str | None:
        try:
            return self.path.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise SettingError(
                f"{self.option}: {self.path} cannot be read: {exc.strerror}", hint="name another place"
            ) from exc


def find_difference(before: str, after: str) -> str:
    """Return the first line in which two texts differ, in words."""
    pairs = itertools.zip_longest(before.splitlines(), after.splitlines())
    for number, (stands, comes) in enumerate(pairs, start=1):
        if stands != comes:
            return f"line {number} is {stands!r}, and would be {comes!r}"
    return "its lines end otherwise"
