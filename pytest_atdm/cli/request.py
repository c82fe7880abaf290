"""``atdm request``: the rows of a scenario, now."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm._options import UNIT_S
from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import MIGRATIONS, complete_scenario, read_console, read_settings, setting_options
from pytest_atdm.core.errors import CatalogError, OverrideError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm._markers import Wish
    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.model import Cell, Plan, Receipt, SeededEntity

KEYS_SHOWN: Final = 3
SET_HELP: Final = (
    "Override a parameter (days=3) or a column (order.status=open or order__status=open); may be repeated. "
    "VALUE is a scalar of YAML: 60 is a number, true a boolean, '\"60\"' a text."
)


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@click.option("--pytest", "pytest_module", is_flag=True, help="Write the rows as a pytest module too.")
@click.option("--playwright", "playwright_json", is_flag=True, help="Write the rows as JSON for Playwright too.")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help=SET_HELP)
@click.option("--dry-run", is_flag=True, help="Plan, pass the gate, print the plan, write nothing.")
@setting_options(
    "url", "database_url", "catalog", *MIGRATIONS, "run_id", "seed", "as_of", "keep_data", "actor", "fixtures_dir"
)
def request(
    scenario: str, pairs: tuple[str, ...], *, pytest_module: bool, playwright_json: bool, dry_run: bool
) -> None:
    """Seed the rows of SCENARIO and print the receipt.

    The receipt holds the cleanup token, which is shown this once: give it to "atdm reset". The rows stand for a day
    unless --keep-data says otherwise. Fixture files go to .atdm/fixtures unless --fixtures-dir says otherwise.
    """
    from pytest_atdm._markers import Wish  # lazy: startup
    from pytest_atdm.cli.desk import make_session

    wish = Wish(scenario, read_overrides(pairs))
    settings = read_settings()
    # Files are written here, those that the flags name; the session would write every format.
    keep_s = settings.keep_s or UNIT_S["d"]
    session = make_session(dataclasses.replace(settings, fixtures_dir=None, keep="on", keep_s=keep_s))
    session.catalog.check(scenario, wish.overrides)  # before anything is started
    formats = [name for name, asked in (("playwright", playwright_json), ("pytest", pytest_module)) if asked]
    try:
        if dry_run:
            _answer_plan(session.plan(wish, make_request_key(wish)))
        else:
            receipt, _ = session.seed(wish, request_key=make_request_key(wish), test="atdm request")
            folder = settings.fixtures_dir or settings.folder / "fixtures"
            try:
                fixtures = write_fixtures(session, receipt, formats, folder)
            except SettingError:
                session.reset(receipt, [])  # nobody will see its token
                raise
            _answer_receipt(receipt, fixtures, session)
    finally:
        session.let_go()


def read_overrides(pairs: Sequence[str]) -> dict[str, Cell]:
    """Return the overrides that ``key=value`` *pairs* name; values are scalars of YAML as in a catalog.

    Raises:
        OverrideError: no equals sign, a key that is given twice, or a value that is not a scalar.
    """
    overrides: dict[str, Cell] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise OverrideError(f'--set "{pair}" has no key and value', hint="write --set key=value")
        if key in overrides:
            raise OverrideError(f'--set "{key}" is given twice', hint="give it once")
        overrides[key] = _read_scalar(key, text)
    return overrides


def _read_scalar(key: str, text: str) -> Cell:
    from pytest_atdm.core.catalog.yaml_reader import read_yaml  # lazy: startup

    try:
        value = read_yaml(text, file=f"--set {key}").value
    except CatalogError:
        value = {}
    if isinstance(value, dict | list):
        raise OverrideError(
            f'--set {key}: "{text}" is not a scalar of YAML', hint=f"put it into quotes: --set '{key}=\"...\"'"
        )
    return value


def make_request_key(wish: Wish) -> str:
    """Return the key of *wish* in its run: the same wish in the same run gives the same rows."""
    overrides = "&".join(f"{key}={value}" for key, value in sorted(wish.overrides.items()))
    return f"{wish.scenario}?{overrides}" if overrides else wish.scenario


def write_fixtures(session: AtdmSession, receipt: Receipt, formats: Sequence[str], folder: Path) -> dict[str, Path]:
    """Write *receipt* into *folder* in each of *formats*, tell the audit trail, return the files by format."""
    from pytest_atdm.core.audit import EventKind  # lazy: startup
    from pytest_atdm.emit import built_in_emitters
    from pytest_atdm.emit.bundle import make_bundle

    if not formats:
        return {}
    bundle = make_bundle(receipt, session.catalog.scenario(receipt.scenario), session.schema)
    written = {one.name: one.emit(bundle, folder) for one in built_in_emitters() if one.name in formats}
    files: dict[str, Cell] = {name: str(path) for name, path in written.items()}
    event: dict[str, Cell] = {"kind": EventKind.FIXTURES_WRITTEN, "detail": {"files": files}}
    session.connection.client.append_events(receipt.request_id, receipt.cleanup_token, [event])
    return written


def _answer_plan(plan: Plan) -> None:
    from pytest_atdm.core.wire import dump_plan, plan_hash  # lazy: startup

    digest = plan_hash(dump_plan(plan))
    read_console().answer({"plan": plan, "plan_hash": digest}, _describe_plan(plan, digest))


def _describe_plan(plan: Plan, digest: str) -> Iterator[str]:
    yield f"plan of {plan.scenario}, as of {plan.as_of}, seed {plan.seed}: {len(plan.rows)} rows, nothing written"
    yield f"run     {plan.run_id}"
    yield f"hash    {digest}"
    for volume in plan.volumes:
        yield f"volume  {volume.rows} more rows of {volume.entity} follow, like the {volume.sample} below"
    for row in plan.rows:
        yield f"\n{row.name} ({row.table})"
        cells = {**row.values, **{column: f"<- {key}" for column, key in row.keys.items()}}
        yield from _align(cells)
    for existing in plan.existing:
        yield f"\n{existing.name} ({existing.table}), which stands already"
        yield from _align(existing.values)


def _align(cells: Mapping[str, Cell]) -> Iterator[str]:
    width = max(map(len, cells), default=0)
    for column, value in cells.items():
        yield f"  {column.ljust(width)}  {'NULL' if value is None else value}"


def _answer_receipt(receipt: Receipt, fixtures: Mapping[str, Path], session: AtdmSession) -> None:
    from pytest_atdm.cli.desk import make_page_url  # lazy: startup

    address = session.connection.address
    payload = {field.name: getattr(receipt, field.name) for field in dataclasses.fields(receipt)}
    payload |= {
        "audit_url": make_page_url(address, receipt.run_id),
        "fixtures": fixtures,
        "database_url": address.database_url,
        "kept_until": session.kept_until,
    }
    read_console().answer(payload, describe_receipt(receipt, session, fixtures))


def describe_receipt(receipt: Receipt, session: AtdmSession, fixtures: Mapping[str, Path]) -> Iterator[str]:
    """Yield what *receipt* says, for a person: the token too, and the command that undoes the request."""
    from pytest_atdm.cli.desk import make_page_url  # lazy: startup

    yield f"seeded {receipt.scenario}: {receipt.rows} rows, as of {receipt.as_of}\n"
    keys = {name: session.schema.table(entity.table).primary_key for name, entity in receipt.entities.items()}
    rows = [
        (name, entity.table, len(entity.rows) + entity.more, _describe_keys(entity, keys[name]))
        for name, entity in receipt.entities.items()
    ]
    yield from format_table(("entity", "table", "rows", "key"), rows)
    yield ""
    facts = {"request": receipt.request_id, "run": receipt.run_id, "token": receipt.cleanup_token}
    facts |= {f"{name} file": str(path) for name, path in fixtures.items()}
    address = session.connection.address
    facts |= {"audit": make_page_url(address, receipt.run_id), "database": address.database_url or "the seeder's"}
    if session.kept_until:
        facts |= {"stands until": f"{session.kept_until[:19]}Z"}
    facts |= {"undo": f"atdm reset {receipt.run_id} --token {receipt.cleanup_token}"}
    yield from (f"{name.ljust(16)}{fact}" for name, fact in facts.items())


def _describe_keys(entity: SeededEntity, primary_key: Sequence[str]) -> str:
    keys = [" ".join(str(row.get(column)) for column in primary_key) for row in entity.rows]
    return ", ".join(keys[:KEYS_SHOWN]) + (", ..." if len(keys) > KEYS_SHOWN else "")
