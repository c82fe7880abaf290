"""The options that commands share, and the settings that follow from them and the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from pytest_atdm._options import OPTIONS, Given, Option, read_project, resolve_settings
from pytest_atdm.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from pytest_atdm._options import Settings

#: The settings that make the embedded database. A command that only reads or removes rows takes it as it is.
MIGRATIONS: Final = ("migrations", "migrate_command", "migrate_files")

Command = TypeVar("Command", bound="Callable[..., object]")

_OPTION_BY_NAME: Final = {option.name: option for option in OPTIONS}
_HELP: Final = {
    "catalog": "scenario catalog (default: ./catalog, else the one that ships)",
    "keep_data": "how long the rows stand, like 30m, 2h or 1d, unless they are reset before (default: 1d)",
    "fixtures_dir": "where the files go (default: .atdm/fixtures)",
}
_META: Final = "pytest_atdm.cli"


def output_option(command: Command, formats: Sequence[str] = ()) -> Command:
    """Add ``--output human|json``, with *formats* that the command knows beside them, and ``--json`` for the second."""
    choice = click.Choice(["human", "json", *formats])
    text = "How to answer; with json stdout holds one document, the answer or the error."
    add = click.option(
        "--output", type=choice, default="human", show_default=True, help=text, expose_value=False, callback=_remember
    )
    short = click.option(
        "--json", "output_json", is_flag=True, help="The same as --output json.", expose_value=False, callback=_remember
    )
    return add(short(command))


def setting_options(*names: str, formats: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Add the options of the settings *names* (of ``_options.OPTIONS``), and ``--output``, for more *formats* too."""

    def add(command: Command) -> Command:
        output_option(command, formats)
        for name in reversed(names):
            _make_option(_OPTION_BY_NAME[name])(command)
        return command

    return add


def complete_scenario(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the scenarios of the catalog that begin with *incomplete*, with their titles, for a shell to offer."""
    from click.shell_completion import CompletionItem  # lazy: startup

    from pytest_atdm._catalog import open_catalog
    from pytest_atdm.core.errors import AtdmError

    try:
        with context.scope(cleanup=False):
            catalog = open_catalog(read_settings().catalog_folder())
    except AtdmError:
        return []  # told by the command itself
    names = [name for name in catalog.scenario_ids if name.startswith(incomplete)]
    return [CompletionItem(name, help=catalog.scenario(name).title) for name in names]


def read_console() -> Console:
    """Return the console that the running command's ``--output`` or ``--json`` asks for."""
    return Console(as_json=read_output() == "json")


def read_output() -> str:
    """Return the format that the running command's ``--output`` or ``--json`` asks for."""
    return "json" if "output_json" in given_options() else given_options().get("output", "human")


def read_settings(environment: Mapping[str, str] = os.environ, *, every: bool = False) -> Settings:
    """Return the settings of the running command: options before environment before pyproject.toml before defaults.

    A setting that the command has no option for has its default, unless *every* one is asked for.

    Raises:
        SettingError: a value cannot be used; names the option or the variable.
    """
    parameters = {parameter.name for parameter in click.get_current_context().command.params}
    root = find_root(Path.cwd())
    project = read_project(root)
    given = {
        option.name: _find(option, environment) or project.get(option.name)
        if every or option.name in parameters
        else None
        for option in OPTIONS
    }
    return resolve_settings(given, root, environment)


def find_root(folder: Path) -> Path:
    """Return *folder* where it has a catalog; else the nearest from there upwards that has a ``.atdm``, or *folder*."""
    if (folder / "catalog").is_dir():
        return folder
    return next((parent for parent in (folder, *folder.parents) if (parent / ".atdm").is_dir()), folder)


def repeat_for_pytest() -> list[str]:
    """Return the settings that the running command was given as options, as pytest takes them; no password is told."""
    given = given_options()
    shown = {name: _hide_password(text) if name == "database_url" else text for name, text in given.items()}
    return [f"{option.flag}={shown[option.name]}" for option in OPTIONS if option.name in given]


def _hide_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)


def _find(option: Option, environment: Mapping[str, str]) -> Given | None:
    here = Path.cwd()
    if text := given_options().get(option.name):
        return Given(text, _flag(option), here)
    if text := environment.get(option.variable):
        return Given(text, f"env {option.variable}", here)
    return None


def given_options() -> dict[str, str]:
    """Return what the running command was given as options for settings, by their names."""
    found: dict[str, str] = click.get_current_context().meta.setdefault(_META, {})
    return found


def _flag(option: Option) -> str:
    return f"--{option.name.replace('_', '-')}"


def _make_option(option: Option) -> Callable[[Command], Command]:
    text = _HELP.get(option.name, option.help)
    text = f"{text[0].upper()}{text[1:]}; also {option.variable}."
    return click.option(_flag(option), metavar=option.metavar, help=text, expose_value=False, callback=_remember)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None and value is not False and parameter.name is not None:
        context.meta.setdefault(_META, {})[parameter.name] = str(value)
