"""``atdm types``: the scenarios as types, for editors and type checkers."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.options import read_console, read_settings, setting_options
from pytest_atdm.core.errors import OutOfDate, SettingError

if TYPE_CHECKING:
    from pytest_atdm._session import AtdmSession


@click.command(short_help="Write the scenarios as types, for editors and type checkers.")
@click.option(
    "--file", "path", metavar="FILE", type=click.Path(path_type=Path), default="atdm_types.py", show_default=True,
    help="The Python module to write.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; fail where FILE is not what would be written.")
@setting_options("url", "database_url", "catalog")
def types(path: Path, *, check: bool) -> None:
    """Write a Python module with a class per scenario, for annotations of atdm_data.

    The names are the catalog's, the types those of the database's columns. The same catalog and schema give the same
    text: commit it, and let CI run the command with --check.
    """
    from pytest_atdm.cli.desk import make_session  # lazy: startup

    session = make_session(read_settings())
    names = session.catalog.scenario_ids  # before anything is started
    text = render(session)
    (check_module if check else write_module)(path, text)
    done = "is what would be written" if check else "written"
    read_console().answer(
        {"file": path, "scenarios": names}, [f"{path} {done}: {len(names)} scenario{'s' * (len(names) != 1)}"]
    )


def render(session: AtdmSession) -> str:
    """Return the text of the module for the catalog of *session* and the target's schema."""
    from pytest_atdm._types import render_types_module  # lazy: startup

    with contextlib.closing(session.connection):
        return render_types_module(session.catalog, session.schema)


def write_module(path: Path, text: str) -> None:
    """Write *text* to *path*, in a new folder where need be.

    Raises:
        SettingError: it cannot be written, or stands in place of somebody else's file.
    """
    from pytest_atdm._types import FIRST_LINE  # lazy: startup

    before = read_module(path)
    if before and not before.startswith(FIRST_LINE):
        raise SettingError(f"--file: {path} was not written by atdm types", hint="remove it, or name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as exc:
        raise SettingError(
            f"--file: {path} cannot be written: {exc.strerror}", hint="name a place where files may be written"
        ) from exc


def check_module(path: Path, text: str) -> None:
    """Return if *path* holds *text*.

    Raises:
        OutOfDate: it does not; names the first line that differs.
    """
    before = read_module(path)
    if before == text:
        return
    where = "there is no such file" if before is None else find_difference(before, text)
    raise OutOfDate(f"{path} is not what atdm types would write: {where}", hint=f"run atdm types --file {path}")


def find_difference(before: str, after: str) -> str:
    """Return the first line in which two texts differ, in words."""
    pairs = itertools.zip_longest(before.splitlines(), after.splitlines())
    for number, (stands, comes) in enumerate(pairs, start=1):
        if stands != comes:
            return f"line {number} is {stands!r}, and would be {comes!r}"
    return "its lines end otherwise"


def read_module(path: Path) -> str | None:
    """Return what *path* holds; None where there is no such file.

    Raises:
        SettingError: it cannot be read.
    """
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise SettingError(f"--file: {path} cannot be read: {exc.strerror}", hint="name a Python module") from exc
