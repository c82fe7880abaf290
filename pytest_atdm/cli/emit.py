"""``atdm emit``: the catalog in the language of other test tools."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.options import read_console, read_settings, setting_options
from pytest_atdm.cli.written import WrittenFile

if TYPE_CHECKING:
    from pytest_atdm._session import AtdmSession


@click.group(short_help="Write the catalog in the language of other test tools.")
def emit() -> None:
    """Write the catalog in the language of other test tools."""


@emit.command(short_help="Write TypeScript for tests with @playwright/test.")
@click.option(
    "--out", "folder", metavar="FOLDER", type=click.Path(path_type=Path), default="tests/atdm", show_default=True,
    help="The folder to write to.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is not what would be written.")
@setting_options("url", "database_url", "catalog")
def playwright(folder: Path, *, check: bool) -> None:
    """Write TypeScript for tests with @playwright/test: a test that names a scenario gets its rows.

    FOLDER gets index.ts with scenario() and its fixtures, scenarios.ts with the types of all scenarios, and
    fixture.schema.json, a JSON Schema of the files that "atdm request --playwright" writes. The same catalog and schema
    give the same files: commit them, and let CI run the command with --check.
    """
    from pytest_atdm.cli.desk import make_session  # lazy: startup

    session = make_session(read_settings())
    names = session.catalog.scenario_ids  # before anything is started
    files = render(session, folder)
    if check:
        for file in files:
            file.check(hint=f"run atdm emit playwright --out {folder}")
    else:
        write_all(files)
    done = "is what would be written" if check else "written"
    count = f"{len(names)} scenario{'s' * (len(names) != 1)}"
    read_console().answer(
        {"files": [file.path for file in files], "scenarios": names},
        [*(f"{file.path} {done}" for file in files), count],
    )


def render(session: AtdmSession, folder: Path) -> list[WrittenFile]:
    """Return the files for the catalog of *session* and the target's schema, to be written into *folder*."""
    from pytest_atdm._playwright import MARKS, render_files  # lazy: startup

    with contextlib.closing(session.connection):
        texts = render_files(session.catalog, session.schema)
    return [
        WrittenFile(path=folder / name, text=text, mark=MARKS[name], command="atdm emit playwright", option="--out")
        for name, text in texts.items()
    ]


def write_all(files: list[WrittenFile]) -> None:
    """Write *files*, all of them or, where one of somebody else stands in the way, none."""
    for file in files:
        file.refuse_strangers()
    for file in files:
        file.write()
