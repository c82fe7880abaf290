"""``atdm init``: a catalog to begin with, inferred from the tables of a database."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import (
    MIGRATIONS,
    given_options,
    read_console,
    read_settings,
    repeat_for_pytest,
    setting_options,
)
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.cli.beginning import Beginning

#: What sessions of pytest are told by the file.
_CONFIGURED: Final = frozenset((*MIGRATIONS, "seed", "as_of"))
_CONFIG: Final = "pyproject.toml"
_ABOUT: Final = """\
# Settings of pytest-atdm, for pytest and for the command atdm. "atdm doctor" says where each value comes from.
# The URL of a database may hold a password: it is better in the environment, as ATDM_DATABASE_URL.
"""
_DOMAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--domain", metavar="NAME", help="The domain's folder in the catalog (default: the database's name).")
@click.option("--table", "chosen", metavar="NAME", multiple=True, help="A scenario for this table; may be repeated.")
@click.option("--force", is_flag=True, help="Write files anew that stand there already.")
@setting_options("database_url", "url", *MIGRATIONS, "seed", "as_of")
def init(folder: Path, domain: str | None, chosen: tuple[str, ...], force: bool) -> None:  # noqa: FBT001  click passes it
    """Write a catalog to begin with into FOLDER, inferred from the tables of a database.

    In catalog/NAME: domain.yaml, with the rules that names and types suggest (marks that make a row synthetic, the
    order of dates); and a scenario of one row for each table that --table names, else for the ten with the most
    references. Beside the catalog: a test to begin with, and a pyproject.toml with what the options of this command say
    of pytest's sessions, too. Each rule and each scenario is tried in a transaction that is rolled back. What does not
    work is left out; the comments say why, and what needs a decision.

    A file that stands there is kept. Where domain.yaml does, its rules hold, and only scenarios are added. What a
    pyproject.toml that is kept would have to say is printed.
    """
    from pytest_atdm._connect import connect  # lazy: startup
    from pytest_atdm.cli.beginning import infer_beginning

    _check_domain(domain)
    settings = read_settings()
    if settings.database_url:  # the seeder needs no catalog, and one that is only half there would stop it
        settings = dataclasses.replace(settings, catalog=None)
    with contextlib.closing(connect(settings)) as connection:
        name = domain or _name_domain(connection.address.database_url)
        standing = _read_standing(folder, name, force=force)
        begun = infer_beginning(connection.client, settings, name, standing, chosen)
    written = {path: _write_file(folder / path, text, force=force) for path, text in begun.files.items()}
    config = _make_config(folder)
    written[_CONFIG] = _write_file(folder / _CONFIG, f"{_ABOUT}{config}", force=False)
    command = _make_command(folder, next(path for path in written if path.endswith(".py")))
    payload = {"domain": name, **_describe(begun), "files": _sort_files(folder, written), "next": command}
    lacks = "" if written[_CONFIG] or _CONFIGURED.isdisjoint(given_options()) else config
    read_console().answer({**payload, "config": config}, _tell(begun, folder, written, command, lacks))


def _check_domain(name: str | None) -> None:
    if name is not None and not _DOMAIN.fullmatch(name):
        raise SettingError(
            f'--domain: "{name}" cannot be the name of a folder in a catalog',
            hint="use letters, digits, - and _, with a letter or a digit first",
        )


def _name_domain(database_url: str | None) -> str:
    from pytest_atdm.core.inference import join_words  # lazy: startup

    if database_url is None:
        raise SettingError(
            "what to call the domain is not known: which database the seeder writes to was not said",
            hint="give --domain NAME",
        )
    name = unquote(urlsplit(database_url).path.removeprefix("/"))
    return name if _DOMAIN.fullmatch(name) else join_words(name, "_")


def _read_standing(folder: Path, domain: str, *, force: bool) -> dict[str, str]:
    """Return the files of the catalog in *folder* by path, without the rules of *domain* where they go anew."""
    from pytest_atdm._catalog import read_files  # lazy: startup

    files = read_files(folder / "catalog")
    return {path: text for path, text in files.items() if not (force and path == f"{domain}/domain.yaml")}


def _write_file(path: Path, text: str, *, force: bool) -> bool:
    """Write *text*, and return True; where a file stands there and is not to be written anew, return False."""
    if path.exists() and not force:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{path}: cannot be written: {error}", hint="name a folder that can be written") from error
    return True


def _make_config(folder: Path) -> str:
    """Return the table of ``pyproject.toml`` for what the options say; a URL may hold a password, and is left out."""
    lines = ["[tool.atdm]"]
    for name, text in sorted(given_options().items()):
        if name in _CONFIGURED:
            path = os.path.relpath(text, folder) if name == "migrations" else text
            lines.append(f"{name.replace('_', '-')} = {json.dumps(path)}")
    return "\n".join(lines) + "\n"


def _make_command(folder: Path, test: str) -> str:
    """Return the command that runs the file *test* in *folder*."""
    catalog = [f"--atdm-catalog={folder / 'catalog'}"] if folder.resolve() != Path.cwd() else []
    return shlex.join(["pytest", str(folder / test), *catalog, *repeat_for_pytest()])


# -- what came of it


def _sort_files(folder: Path, written: Mapping[str, bool]) -> dict[str, list[str]]:
    kinds = {"written": True, "kept": False}
    return {
        kind: [str(folder / path) for path, is_new in written.items() if is_new is wanted]
        for kind, wanted in kinds.items()
    }


def _describe(begun: Beginning) -> dict[str, object]:
    return {
        "scenarios": [{"scenario": one.id, "table": table} for table, one in begun.starters.items()],
        "without_scenario": [{"table": table, "reason": reason} for table, reason in begun.refused.items()],
        "rules": [
            {"id": one.rule.id, "table": one.rule.table, "rule": one.rule.expression, "why": one.why}
            for one in begun.guesses
        ],
        "left_out": list(begun.left_out),
        "reference_tables": dict(begun.lists),
    }


def _tell(begun: Beginning, folder: Path, written: Mapping[str, bool], command: str, lacks: str) -> Iterator[str]:
    for kind, paths in _sort_files(folder, written).items():
        yield from (f"{kind:7}  {path}" for path in paths)
    yield ""
    yield from format_table(("scenario", "table"), [(one.id, table) for table, one in begun.starters.items()])
    yield ""
    if begun.keeps_rules:
        yield "no rules inferred: those of domain.yaml hold"
    else:
        yield f"{len(begun.guesses)} rules inferred, {len(begun.left_out)} left out; domain.yaml says why"
    for table, reason in begun.refused.items():
        yield f"no scenario for {table}: {reason.splitlines()[0] if reason else 'the reason is not known'}"
    for table, rows in begun.lists.items():
        yield f"to decide: {table} looks like reference data ({rows} rows)"
    if lacks:
        yield f"to add to {folder / _CONFIG}:\n{lacks}"
    yield f"next: {command}"
