"""The command ``atdm``: what the plugin does, by hand. Every command calls what the plugin calls.

Only click and the standard library are imported before a command runs.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.audit import audit
from pytest_atdm.cli.baseline import baseline
from pytest_atdm.cli.console import Console, wants_json
from pytest_atdm.cli.coverage import coverage
from pytest_atdm.cli.demo import demo
from pytest_atdm.cli.doctor import doctor
from pytest_atdm.cli.emit import emit
from pytest_atdm.cli.explain import explain
from pytest_atdm.cli.init import init
from pytest_atdm.cli.reading import scenarios, show
from pytest_atdm.cli.replay import replay
from pytest_atdm.cli.request import request
from pytest_atdm.cli.reset import reset
from pytest_atdm.cli.rows import rows
from pytest_atdm.cli.runs import reap, runs
from pytest_atdm.cli.schema import schema
from pytest_atdm.cli.serve import serve
from pytest_atdm.cli.types import types
from pytest_atdm.core.errors import AtdmError, InternalError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("atdm", "main")

#: What a shell sees of a command that Ctrl-C ended.
INTERRUPTED: Final = 130


HELP: Final = """\
Test data by intent: rows that exist for one test, typed, audited, and gone afterwards.

Without --url or --database-url the commands use an embedded Postgres, which lives below .atdm and ends with the last
that uses it: keep it running with "atdm serve".

\b
Exit codes:
  0   done
  2   the caller can fix it: unknown scenario, wrong option, rejected plan, bad token
  3   the seeder or its database cannot be reached, or failed; trying again may help
  70  a bug in ATDM
"""


@click.group(help=HELP, context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-atdm", message="atdm %(version)s")
def atdm() -> None:
    """Group the commands."""


for _command in (
    demo,
    init,
    request,
    explain,
    rows,
    replay,
    reset,
    runs,
    reap,
    scenarios,
    show,
    schema,
    types,
    emit,
    audit,
    coverage,
    baseline,
    doctor,
    serve,
):
    atdm.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (default: those of the process) name, and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(as_json=wants_json(words))
    try:
        code = atdm.main(args=words, prog_name="atdm", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except AtdmError as error:
        return console.fail(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        return console.fail(_translate(error))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the process's edge)
        traceback.print_exc()
        return console.fail(InternalError(f"{type(error).__name__}: {error}", hint="report it, with the lines above"))


def _translate(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "atdm"
    return UsageError(error.format_message(), hint=f'see "{command} --help"')
