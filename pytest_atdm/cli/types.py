"""``atdm types``: the scenarios as types, for editors and type checkers."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.options import read_console, read_settings, setting_options
from pytest_atdm.cli.written import WrittenFile

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
    module = render(session, path)
    if check:
        module.check(hint=f"run atdm types --file {path}")
    else:
        module.write()
    done = "is what would be written" if check else "written"
    read_console().answer(
        {"file": path, "scenarios": names}, [f"{path} {done}: {len(names)} scenario{'s' * (len(names) != 1)}"]
    )


def render(session: AtdmSession, path: Path) -> WrittenFile:
    """Return the module for the catalog of *session* and the target's schema, to be written to *path*."""
    from pytest_atdm._types import FIRST_LINE, render_types_module  # lazy: startup

    with contextlib.closing(session.connection):
        text = render_types_module(session.catalog, session.schema)
    return WrittenFile(path=path, text=text, mark=FIRST_LINE, command="atdm types", option="--file")
