"""Writes ``docs/reference/cli.md`` from the commands' own help.

python -m tests.cli.reference
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli import atdm

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
WIDTH: Final = 100

HEAD: Final = """\
# The command `atdm`

Written by `python -m tests.cli.reference` from the commands' own help; a test compares the two.

Every command takes its settings from its options, then from the environment (`ATDM_URL`, `ATDM_TOKEN`,
`ATDM_DATABASE_URL`, `ATDM_CATALOG`, `ATDM_MIGRATIONS`, `ATDM_MIGRATE_COMMAND`, `ATDM_MIGRATE_FILES`, `ATDM_RUN_ID`,
`ATDM_SEED`, `ATDM_AS_OF`, `ATDM_FIXTURES_DIR`, and so on), then from the table `[tool.atdm]` of `pyproject.toml`, then
from defaults. A setting for which a command has no option does not matter to it: `atdm audit` and `atdm reset` take the
embedded database as it is, whatever the migrations say.
The token of a seeder has no option, because others can read a command line. Ini files of pytest are not read.
State is kept in the nearest folder upwards that has a `.atdm`, else in the current one.

## What comes out

With `--output human` the answer is on stdout, and an error is three lines on stderr: what is wrong and where, what to
do, and a stable code.

    error: no scenario "claim_denied" in the catalog
    hint:  did you mean "claim_denial_duplicate"?
    code:  unknown_scenario

`atdm schema diff` with `--strict` or `--exact` answers as always, and then exits with 2 where it found something.

With `--output json` stdout holds exactly one JSON document: the answer, or `{"error": {"code", "message", "hint",
"exit_code", "retryable", "findings"}}`. Everything else is on stderr.

| exit code | meaning |
|---|---|
| 0 | done; for `doctor`: nothing to do, or warnings only |
| 1 | done, and not all is well: `audit verify`, `baseline diff`, `coverage --fail-under` |
| 2 | the caller can fix it: unknown scenario, wrong option, rejected plan, bad token |
| 3 | the seeder or its database cannot be reached, or failed; with `"retryable": true` trying again may help |
| 70 | a bug in ATDM |
| 130 | ended by Ctrl-C |

## Who keeps the database

Without `--url` or `--database-url` a command joins the seeder that runs for this folder and catalog, or starts one with
an embedded Postgres and ends it when it is done. The rows stay in `.atdm`, but no application can reach them between
two commands. `atdm serve` in another terminal keeps seeder and Postgres running for all of them.

## The same request again

Without `--run-id` every `atdm request` starts a run of its own, with values of its own wherever a column is unique.
With `--run-id` the same request in the same run gives the same rows: as long as they stand it is answered with them
again and with a new token (the older one stops working); once they have been reset it is refused as a conflict.

## Which request a reset means

`atdm reset RUN --token TOKEN` first takes RUN for the id of a request. If there is no such request it is the id of a
run, and the request of that run to which the token belongs is reset, the latest first; the seeder compares, so only a
hash of the token is ever stored. Only the rows of that request go; `atdm reset --all` removes those of every request of
every run.
"""


def render_reference() -> str:
    """Return the text of the reference."""
    return "\n".join((HEAD, *_render_commands()))


def iter_commands(path: str = "atdm", command: click.Command = atdm) -> Iterator[tuple[str, click.Command]]:
    """Yield *command* and those below it, groups before their commands, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, below in sorted(command.commands.items()):
            yield from iter_commands(f"{path} {name}", below)


def _render_commands() -> Iterator[str]:
    for path, command in iter_commands():
        yield from _render_help(path, command)


def _render_help(path: str, command: click.Command) -> Iterator[str]:
    names = atdm.context_settings["help_option_names"]
    context = click.Context(
        command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names
    )
    yield f"## `{path}`\n"
    yield f"```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    REFERENCE.write_text(render_reference(), encoding="utf-8")
