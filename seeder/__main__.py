"""The command ``atdm-seeder``, also ``python -m seeder``."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import AtdmError, InternalError, SettingError
from pytest_atdm.core.migrations import MigrationSource
from seeder.announcement import print_line
from seeder.limits import read_limits
from seeder.mask_key import read_mask_key
from seeder.ownership import migrate
from seeder.serve import Options, serve
from seeder.settings import Settings, StorePlace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEFAULT_PORT: Final = 8765
_NEEDED_PACKAGES: Final = ("litestar", "asyncpg", "uvicorn", "jinja2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; an error is one JSON line on stdout if owned, else text on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    owned = "--owned" in words
    try:
        check_packages()
        if _make_parser(os.environ).parse_args(words).command == "migrate":
            migrate(read_owners_settings(words, os.environ))
        else:
            serve(read_options(words, os.environ))
    except AtdmError as error:
        _report(error, owned=owned)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the edge of the process: whoever started us must learn the cause
        traceback.print_exc()
        _report(InternalError(f"the seeder failed: {error!r}", hint="please report this, with its log"), owned=owned)
        return InternalError.exit_code
    return 0


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Return the options of ``serve``: the command line first, then the environment, then defaults."""
    given = _make_parser(environment).parse_args(arguments)
    return Options(
        host=given.host,
        port=given.port,
        base_url=given.base_url,
        database_url=given.database_url,
        catalog=(given.catalog or _shipped_catalog()).resolve(),
        token=environment.get("ATDM_TOKEN") or None,
        owner_url=environment.get("ATDM_OWNER_DATABASE_URL") or None,
        allow_databases=_read_names(environment, "ATDM_ALLOW_DATABASES"),
        allow_hosts=_read_names(environment, "ATDM_ALLOW_HOSTS"),
        limits=read_limits(environment),
        store=_read_store(given.store, environment),
        mask_key=read_mask_key(environment),
        embedded=given.embedded and given.embedded.resolve(),
        migrations=_read_source(given),
        root=given.root.resolve(),
        state=given.state and given.state.resolve(),
        owned=given.owned,
    )


def read_owners_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Return the settings of ``migrate``, which serves nobody: only those that a connection needs have a meaning.

    Raises:
        SettingError: there is no database, or a value cannot be used.
    """
    url = _make_parser(environment).parse_args(arguments).database_url
    if not url:
        raise SettingError("there is no database to migrate", hint="set ATDM_OWNER_DATABASE_URL to its owner's URL")
    return Settings(
        database_url=url,
        owner_url=url,
        token="",
        catalog=Path(),
        base_url="",
        embedded=False,
        migrations=None,
        migrate_domains=False,
        owned=False,
        allow_databases=_read_names(environment, "ATDM_ALLOW_DATABASES"),
        allow_hosts=_read_names(environment, "ATDM_ALLOW_HOSTS"),
        store=None,
        mask_key=None,
        **read_limits(environment),
    )


def _read_names(environment: Mapping[str, str], variable: str) -> frozenset[str]:
    names = environment.get(variable, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def _read_store(url: str | None, environment: Mapping[str, str]) -> StorePlace | None:
    """Return where Parquet is kept, if anybody says so: with *url*, and for S3 with the environment."""
    if not url:
        return None
    return StorePlace(
        url=url,
        endpoint=environment.get("ATDM_STORE_ENDPOINT") or None,
        key=environment.get("ATDM_STORE_KEY") or None,
        secret=environment.get("ATDM_STORE_SECRET") or None,
        region=environment.get("ATDM_STORE_REGION") or None,
    )


def _read_source(given: argparse.Namespace) -> MigrationSource | None:
    if given.migrations is None and given.migrate_command is None:
        if given.migrate_files:
            raise SettingError("--migrate-files runs no command", hint="name one with --migrate-command")
        return None
    folder = str(given.migrations.resolve()) if given.migrations else ""
    return MigrationSource(folder=folder, command=given.migrate_command or "", files=tuple(given.migrate_files.split()))


def check_packages() -> None:
    """Raise SettingError if a package of the ``seeder`` extra is not installed."""
    missing = [name for name in _NEEDED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingError(
            f"the seeder needs packages that are not installed for {sys.executable}: {', '.join(missing)}",
            hint="pip install 'pytest-atdm[embedded]' (or [seeder], for a Postgres of your own)",
        )


def _make_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="atdm-seeder", description="The service that seeds and resets the rows of tests."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "serve",
        help="answer requests until stopped",
        epilog="Secrets come from the environment: ATDM_TOKEN (bearer token), ATDM_DATABASE_URL, and for S3 "
        "ATDM_STORE_KEY and ATDM_STORE_SECRET. "
        "ATDM_ALLOW_DATABASES lists databases that count as test databases without a mark, ATDM_ALLOW_HOSTS hosts "
        "beside this machine that may have them.",
    )
    _add_migrate(commands, environment)
    add = command.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=_DEFAULT_PORT, help="port to listen on, 0 for a free one (%(default)s)")
    add("--base-url", default=environment.get("ATDM_BASE_URL"), help="the address as clients see it")
    add("--database-url", default=environment.get("ATDM_DATABASE_URL"), help="the target database")
    add(
        "--catalog",
        type=Path,
        default=environment.get("ATDM_CATALOG"),
        help="catalog folder (default: the shipped one)",
    )
    add(
        "--store",
        metavar="PLACE",
        default=environment.get("ATDM_STORE"),
        help="where Parquet is kept: a folder, or s3://bucket/prefix (default: store in --embedded, else nowhere)",
    )
    add("--embedded", type=Path, metavar="FOLDER", help="run a Postgres of its own in FOLDER")
    tables = command.add_mutually_exclusive_group()
    tables.add_argument(
        "--migrations", type=Path, metavar="FOLDER", help="SQL files that make the tables of --embedded"
    )
    tables.add_argument("--migrate-command", metavar="COMMAND", help="command that makes them instead")
    add("--migrate-files", default="", metavar="PATTERNS", help="files whose change runs the command again")
    add("--root", type=Path, default=Path(), metavar="FOLDER", help="where the command runs (the current folder)")
    add("--state", type=Path, metavar="FOLDER", help="where an owned seeder keeps seeder.json (default: --embedded)")
    add("--owned", action="store_true", help="speak JSON on stdout; end with stdin and the last lifeline")
    return parser


def _add_migrate(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment: Mapping[str, str]) -> None:
    command = commands.add_parser(
        "migrate",
        help="make ATDM's schema and roles in a database, as its owner, and end",
        epilog="Without the option the URL is that of ATDM_OWNER_DATABASE_URL, else that of ATDM_DATABASE_URL.",
    )
    url = environment.get("ATDM_OWNER_DATABASE_URL") or environment.get("ATDM_DATABASE_URL")
    command.add_argument("--database-url", default=url, help="the target database, as its owner")


def _shipped_catalog() -> Path:
    from pytest_atdm.data import folder  # lazy: only without --catalog

    return folder("catalog")


def _report(error: AtdmError, *, owned: bool) -> None:
    if owned:
        print_line(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}))
    else:
        print(f"atdm-seeder: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
