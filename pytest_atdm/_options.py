"""What the plugin is told: command line before environment before ini before default, each value with its source."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast, get_args
from urllib.parse import urlsplit

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.migrations import MigrationSource
from pytest_atdm.core.ulid import is_ulid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

#: The token has no option: command lines are visible in process lists, and ini files are committed.
TOKEN_VARIABLE: Final = "ATDM_TOKEN"
UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_KEEP_S: Final = 30 * UNIT_S["d"]
MAX_ACTOR: Final = 100
MAX_SEED: Final = 2**63 - 1  # a bigint: the seeder stores it with the run
#: What becomes of a cleanup that has to leave rows.
Leaks: TypeAlias = Literal["error", "warn", "ignore"]
#: Whose rows stay after the test.
Keep: TypeAlias = Literal["off", "on", "retain-on-failure"]
_KEEPING: Final = re.compile(r"(?=.)(?P<keep>on|retain-on-failure)?((^|:)(?P<count>[1-9][0-9]{0,9})(?P<unit>[smhd]))?")
#: How long they stay where nobody says so.
KEEP_S: Final = UNIT_S["h"]


class Option(NamedTuple):
    """One setting: ``--atdm-NAME``, ``ATDM_NAME`` and the ini key ``atdm_name``, with dashes or underscores."""

    name: str
    metavar: str
    help: str
    type: Literal["string", "int"] = "string"

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return f"--atdm-{self.name.replace('_', '-')}"

    @property
    def key(self) -> str:
        """The name in the ini file, and of the parsed option."""
        return f"atdm_{self.name}"

    @property
    def variable(self) -> str:
        """The name in the environment."""
        return self.key.upper()


OPTIONS: Final = (
    Option("url", "URL", f"use the seeder at URL, with the token in {TOKEN_VARIABLE} (default: start one)"),
    Option("database_url", "URL", "Postgres that the application under test uses (default: an embedded one)"),
    Option("catalog", "FOLDER", "scenario catalog (default: <rootdir>/catalog, else the one that ships)"),
    Option(
        "migrations",
        "FOLDER",
        "SQL files that make the embedded database's tables (default: migrations/<domain> beside the catalog)",
    ),
    Option(
        "migrate_command", "COMMAND", "command that makes them instead, with DATABASE_URL set: 'alembic upgrade head'"
    ),
    Option(
        "migrate_files",
        "PATTERNS",
        "files, with blanks between, whose change runs the command again "
        "(default: all in folders called alembic, migrations or prisma)",
    ),
    Option("run_id", "ULID", "run id; the same id gives byte-identical rows (default: a new one)"),
    Option("seed", "N", "seed of all generated values (default: 0)", "int"),
    Option("as_of", "DATE", "the day that scenarios call as_of, like 2026-01-31 (default: today in UTC)"),
    Option(
        "leaks",
        "ACTION",
        "what a cleanup that has to leave rows is: an error, or with warn a warning, or with ignore "
        "a line of the summary (default: error)",
    ),
    Option(
        "keep_data",
        "WHICH",
        "leave rows standing after the session: those of every test (on), of failed ones (retain-on-failure) or none "
        "(off), for an hour or as long as is said: 2h, retain-on-failure:30m (default: off)",
    ),
    Option("baseline", "NAME", "first bring the tables back to the baseline NAME, as atdm baseline restore does"),
    Option("actor", "NAME", "who asks, for the audit log, like agent:qa-7 (default: ci where CI is set, else human)"),
    Option("fixtures_dir", "FOLDER", "write a pytest module and a Playwright JSON per request below FOLDER"),
    Option("bundles_dir", "FOLDER", "where each failed test leaves a file for atdm replay (default: .atdm/failed)"),
    Option(
        "timeout",
        "SECONDS",
        "give up on a seeder that has not started, or not answered, for so long "
        "(default: 60 to start, to answer as long as it says itself)",
        "int",
    ),
    Option("junit", "on|off", "whether JUnit files tell of each test's requests and of the checkpoint (default: on)"),
    Option("github", "on|off", "whether GitHub shows failed tests in summary and code (default: on where it runs)"),
)

#: What only the command line says, of one session.
SWITCHES: Final = ("reset_all", "force", "show_data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one session. *sources* maps each name of ``OPTIONS`` to where its value came from.

    *catalog* is None for the catalog that ships, *migrations* for those beside the catalog. *folder* is ``.atdm`` in
    the root folder, where an embedded seeder keeps its state. *token* never appears in a repr. *keep*: whose rows stay
    after the test, for *keep_s* seconds from the session's end; None where all go. *baseline*: what the tables are
    brought back to first. *actor* is who asks, in the audit log. *timeout_s*: how long the seeder is waited for, None
    for its own measure. *show_data*: passed tests tell of their rows, too. *tells_junit*, *tells_github*: whether they
    hear of tests' data.
    """

    folder: Path
    url: str | None
    token: str | None
    database_url: str | None
    catalog: Path | None
    migrations: MigrationSource | None
    run_id: str | None
    seed: int
    as_of: date
    leaks: Leaks
    keep: Keep
    keep_s: int | None
    baseline: str | None
    actor: str
    fixtures_dir: Path | None
    bundles_dir: Path
    timeout_s: int | None
    tells_junit: bool
    tells_github: bool
    sources: Mapping[str, str]
    reset_all: bool = False
    force: bool = False
    show_data: bool = False

    def __repr__(self) -> str:
        return f"Settings({describe(self)})"

    def catalog_folder(self) -> Path:
        """Return the folder of the catalog, the shipped one included.

        Raises:
            DataNotFound: the shipped one is missing.
        """
        if self.catalog is not None:
            return self.catalog
        from pytest_atdm.data import folder  # lazy: startup

        return folder("catalog")


class Given(NamedTuple):
    """A setting as somebody wrote it, who that was, and the folder that relative paths start from."""

    text: str
    source: str
    base: Path


def add_options(parser: pytest.Parser) -> None:
    """Register every option and ini key; ini keys are typed, so that native TOML works."""
    group = parser.getgroup("atdm", "test data by intent (pytest-atdm)")
    group.addoption(
        "--atdm-reset-all", action="store_true", help="first remove every row that any earlier run left behind"
    )
    group.addoption(
        "--atdm-force", action="store_true", help="have --atdm-reset-all take rows of sessions, too, that are at work"
    )
    group.addoption(
        "--atdm-show-data", action="store_true", help="show the rows of every test, not of failed ones only"
    )
    group.addoption("--atdm-scenarios", action="store_true", help="list the scenarios of the catalog, and run no test")
    group.addoption(
        "--atdm-coverage", action="store_true", help="say at the end what the tests have shown of the requirements"
    )
    for option in OPTIONS:
        text = f"{option.help}; also {option.variable} or ini {option.key}"
        group.addoption(option.flag, metavar=option.metavar, help=text)
        parser.addini(option.key, f"{option.help}; see {option.flag}", type=option.type, default=None)


def read_settings(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of *config*'s session. A worker takes ``as_of`` from its controller.

    Raises:
        SettingError: a value cannot be used; names the option and its source.
    """
    project = read_project(config.rootpath)
    given = {option.name: _find(config, environment, option) or project.get(option.name) for option in OPTIONS}
    told = getattr(config, "workerinput", {}).get("atdm", {})
    given["as_of"] = given["as_of"] or _told_as_of(told)
    settings = resolve_settings(given, config.rootpath, environment)
    reset_all, force, show_data = (bool(config.getoption(f"atdm_{name}")) for name in SWITCHES)
    if force and not reset_all:
        raise SettingError("--atdm-force: forces nothing", hint="it goes with --atdm-reset-all")
    return dataclasses.replace(settings, reset_all=reset_all, force=force, show_data=show_data)


def read_project(root: Path) -> dict[str, Given]:
    """Return what ``[tool.atdm]`` in the ``pyproject.toml`` of the folder *root* says, by name of ``OPTIONS``.

    Raises:
        SettingError: it is not TOML, or has a key that is no setting.
    """
    file = root / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    if "tool.atdm" not in text:  # what reads TOML costs every session some milliseconds
        return {}
    import tomllib  # lazy: startup

    from pytest_atdm.core.text import suggest

    try:
        table = tomllib.loads(text).get("tool", {}).get("atdm", {})
    except tomllib.TOMLDecodeError as exc:
        raise SettingError(f"{file}: {exc}", hint="mend the file") from exc
    known = [option.name for option in OPTIONS]
    for key in table:
        if key.replace("-", "_") not in known:
            raise SettingError(f'{file}: [tool.atdm] has no setting "{key}"', hint=suggest(key, known, "setting"))
    return {
        key.replace("-", "_"): Given(str(value), f"pyproject.toml [tool.atdm] {key}", root)
        for key, value in table.items()
    }


def resolve_settings(given: Mapping[str, Given | None], root: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that *given*, a value or None for each name of ``OPTIONS``, makes in the folder *root*.

    Raises:
        SettingError: a value cannot be used; names its source.
    """
    keep, keep_s = _read_keep(given["keep_data"])
    return Settings(
        folder=root / ".atdm",
        url=_read_url(given["url"]),
        token=_read_token(environment.get(TOKEN_VARIABLE)),
        database_url=found.text if (found := given["database_url"]) else None,
        catalog=_read_catalog(given["catalog"], root),
        migrations=_read_migrations(given),
        run_id=_read_run_id(given["run_id"]),
        seed=_read_seed(given["seed"]),
        as_of=_read_as_of(given["as_of"]),
        leaks=_read_leaks(given["leaks"]),
        keep=keep,
        keep_s=keep_s,
        baseline=found.text if (found := given["baseline"]) else None,
        actor=_read_actor(given["actor"], environment),
        fixtures_dir=found.base / found.text if (found := given["fixtures_dir"]) else None,
        bundles_dir=found.base / found.text if (found := given["bundles_dir"]) else root / ".atdm" / "failed",
        timeout_s=_read_timeout(given["timeout"]),
        tells_junit=_read_switch(given["junit"], default=True),
        tells_github=_read_switch(given["github"], default=environment.get("GITHUB_ACTIONS") == "true"),
        sources={name: found.source if found else "default" for name, found in given.items()},
    )


def describe(settings: Settings) -> str:
    """Return the header line: what is used and where each setting came from, without any secret."""
    sources = settings.sources
    catalog = settings.catalog or "shipped"
    database = _without_password(settings.database_url) if settings.database_url else "embedded"
    parts = [f"catalog {catalog} (from {sources['catalog']})"]
    if settings.url:
        parts.append(f"seeder {settings.url} (from {sources['url']})")
    if settings.database_url or not settings.url:
        parts.append(f"database {database} (from {sources['database_url']})")
    if settings.migrations:
        parts.append(_describe_migrations(settings.migrations, sources))
    parts += [f"{name} {getattr(settings, name)}{_cite(sources[name])}" for name in ("seed", "as_of")]
    parts += [f"run {settings.run_id}{_cite(sources['run_id'])}"] if settings.run_id else []
    parts += [f"baseline {settings.baseline} (from {sources['baseline']})"] if settings.baseline else []
    parts += [f"{_KEPT[settings.keep]} kept (from {sources['keep_data']})"] if settings.keep_s else []
    return "atdm: " + ", ".join(parts)


_KEPT: Final[Mapping[Keep, str]] = {"on": "rows", "retain-on-failure": "rows of failed tests"}


def _cite(source: str) -> str:
    """Return where a value came from that nobody has to give."""
    return "" if source == "default" else f" (from {source})"


def _describe_migrations(migrations: MigrationSource, sources: Mapping[str, str]) -> str:
    if migrations.folder:
        return f"migrations {migrations.folder} (from {sources['migrations']})"
    return f'migrations by "{migrations.command}" (from {sources["migrate_command"]})'


def _find(config: pytest.Config, environment: Mapping[str, str], option: Option) -> Given | None:
    here = config.invocation_params.dir
    on_line = config.getoption(option.key)
    if on_line is not None:
        return Given(str(on_line), option.flag, here)
    if environment.get(option.variable):
        return Given(environment[option.variable], f"env {option.variable}", here)
    in_ini = config.getini(option.key)
    if in_ini is None or in_ini == "":
        return None
    return Given(str(in_ini), f"ini {option.key}", config.inipath.parent if config.inipath else here)


def _told_as_of(told: Mapping[str, str]) -> Given | None:
    return Given(told["as_of"], "controller", Path()) if "as_of" in told else None


def _read_url(given: Given | None) -> str | None:
    if given is None:
        return None
    parts = urlsplit(given.text)
    if "@" in parts.netloc:  # never printed: what stands before it is a secret
        raise SettingError(
            f"{given.source}: the address holds a user name or password", hint=f"the token goes into {TOKEN_VARIABLE}"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refuse(given, "is not an address of HTTP", "write it like http://127.0.0.1:8080")
    return given.text.rstrip("/")


def _read_token(text: str | None) -> str | None:
    """Return the token; one that no header can carry is refused here, without being printed."""
    if text and not (text.isascii() and text.isprintable()):
        raise SettingError(
            f"env {TOKEN_VARIABLE}: holds a character that no header can carry",
            hint="give the bare token, in ASCII; a file that it was read from may end with a line break",
        )
    return text or None


def _read_catalog(given: Given | None, root: Path) -> Path | None:
    if given is None:
        return root / "catalog" if (root / "catalog").is_dir() else None
    return _require_folder(given, "name the folder that holds one folder per domain")


def _read_migrations(given: Mapping[str, Given | None]) -> MigrationSource | None:
    folder, command, files = (given[name] for name in ("migrations", "migrate_command", "migrate_files"))
    told = folder or command or files
    if told is None:
        return None
    elsewhere = given["url"] or given["database_url"]
    if elsewhere:
        raise SettingError(
            f"{told.source}: only the embedded database is migrated, and {elsewhere.source} names another",
            hint="leave out one of the two; a database of your own is migrated by your own tools",
        )
    if folder and (command or files):
        raise _refuse(
            folder, f"and {(command or files or told).source} exclude each other", "give a folder or a command"
        )
    if folder:
        return MigrationSource(folder=str(_require_folder(folder, "name the folder that holds the SQL files")))
    if command is None or not command.text.strip():
        raise _refuse(told, "runs no command", "name one with --atdm-migrate-command, like 'alembic upgrade head'")
    return MigrationSource(command=command.text.strip(), files=tuple(files.text.split()) if files else ())


def _require_folder(given: Given, hint: str) -> Path:
    folder = (given.base / given.text).resolve()
    if not folder.is_dir():
        raise _refuse(given, f"is not a folder ({folder})", hint)
    return folder


def _read_run_id(given: Given | None) -> str | None:
    if given is not None and not is_ulid(given.text):
        raise _refuse(given, "is not a ULID", "write 26 characters like 01JD0000000000000000000000")
    return given.text if given else None


def _read_seed(given: Given | None) -> int:
    if given is None:
        return 0
    if not given.text.isdecimal() or int(given.text) > MAX_SEED:
        raise _refuse(given, f"is not a whole number from 0 to {MAX_SEED}", "write it like 7")
    return int(given.text)


def _read_as_of(given: Given | None) -> date:
    if given is None:
        return datetime.now(tz=UTC).date()
    try:
        return date.fromisoformat(given.text)
    except ValueError:
        raise _refuse(given, "is not a date", "write it like 2026-01-31") from None


def _read_actor(given: Given | None, environment: Mapping[str, str]) -> str:
    if given is None:
        return "ci" if environment.get("CI", "").lower() not in ("", "0", "false") else "human"
    if not 0 < len(given.text) <= MAX_ACTOR or not given.text.isprintable():
        raise _refuse(given, f"is no name of 1 to {MAX_ACTOR} printable characters", "write it like agent:qa-7")
    return given.text


def _read_leaks(given: Given | None) -> Leaks:
    if given is None:
        return "error"
    for action in get_args(Leaks):
        if given.text == action:
            return cast("Leaks", action)
    raise _refuse(given, "is nothing that a leak can be", f"write one of {', '.join(get_args(Leaks))}")


def _read_keep(given: Given | None) -> tuple[Keep, int | None]:
    """Return whose rows stay and for how many seconds; a duration alone is ``on`` with it."""
    if given is None or given.text == "off":
        return "off", None
    found = _KEEPING.fullmatch(given.text.strip())
    seconds = 0
    if found:
        seconds = int(found["count"]) * UNIT_S[found["unit"]] if found["count"] else KEEP_S
    if found is None or not 0 < seconds <= MAX_KEEP_S:
        raise _refuse(
            given,
            "is neither off, on, retain-on-failure nor a duration of at most 30 days",
            "write it like retain-on-failure, 2h or retain-on-failure:30m",
        )
    return cast("Keep", found["keep"] or "on"), seconds


def _read_timeout(given: Given | None) -> int | None:
    if given is None:
        return None
    if not given.text.isdecimal() or not 0 < int(given.text) <= UNIT_S["d"]:
        raise _refuse(given, "is no number of seconds up to a day", "write it like 20")
    return int(given.text)


def _read_switch(given: Given | None, *, default: bool) -> bool:
    if given is None:
        return default
    if given.text not in ("on", "off"):
        raise _refuse(given, "is no switch", "write on or off")
    return given.text == "on"


def _refuse(given: Given, what: str, hint: str) -> SettingError:
    return SettingError(f'{given.source}: "{given.text}" {what}', hint=hint)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}" or "given"
