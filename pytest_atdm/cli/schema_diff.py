"""``atdm schema diff``: what changed in the target since a schema was saved, and which scenarios that breaks."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.options import read_console, read_settings, setting_options
from pytest_atdm.cli.schema_show import summarise
from pytest_atdm.core.errors import InvalidRequest, SettingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.schema import Schema
    from pytest_atdm.core.schema_diff import Change
    from pytest_atdm.core.schema_effect import Effect
#: What a change does to a scenario; see ``Effect``.
_STATES: Final = ("sound", "broken", "failing", "mended")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Exit with 2 where a scenario is broken.")
@click.option("--exact", is_flag=True, help="Exit with 2 where anything differs: FILE must be as the target is.")
@setting_options("url", "database_url", "catalog", "seed", "as_of")
def diff(file: Path, *, strict: bool, exact: bool) -> int:
    """Compare the schema in FILE with the target's as it is now.

    FILE is what "atdm schema show --output json" wrote. Every scenario of the catalog is planned on both schemas, with
    its default parameters: broken are those that the gate let pass before and that cannot be planned now. Nothing is
    written.
    """
    from pytest_atdm._standing import fetch_standing  # lazy: startup
    from pytest_atdm.cli.desk import make_session
    from pytest_atdm.core.schema_diff import compare_schemas
    from pytest_atdm.core.schema_effect import find_effect

    settings = read_settings()
    session = make_session(settings)
    before, catalog = read_schema(file), session.catalog  # before anything is started
    with contextlib.closing(session.connection):
        after = session.schema
        standing = fetch_standing(session.connection.client, after, map(catalog.domain, catalog.domain_names))
    changes = compare_schemas(before, after)
    effect = find_effect(catalog, before, after, seed=settings.seed, as_of=settings.as_of, standing=standing)
    payload = {"before": before.fingerprint, "after": after.fingerprint, "changes": changes, "scenarios": effect}
    read_console().answer(payload, describe_diff(before, after, changes, effect))
    return UsageError.exit_code if (strict and effect.broken) or (exact and changes) else 0


def read_schema(file: Path) -> Schema:
    """Return the schema that *file* holds.

    Raises:
        SettingError: it cannot be read.
        InvalidRequest: it holds something else; every fault with its path.
    """
    from pytest_atdm.core.schema import Schema  # lazy: startup
    from pytest_atdm.core.wire import load

    try:
        return load(file.read_bytes(), Schema, what=f"the schema in {file}")
    except OSError as exc:
        raise SettingError(f"{file} cannot be read: {exc.strerror}", hint="name a file with a saved schema") from exc
    except InvalidRequest as exc:
        hint = f"write it with this version: atdm schema show --output json > {file}"
        raise InvalidRequest(exc.message, hint=hint) from exc


def describe_diff(before: Schema, after: Schema, changes: Sequence[Change], effect: Effect) -> Iterator[str]:
    """Yield the changes and what they do to the scenarios, for a person."""
    if not changes:
        yield f"the schema is as it was: {after.fingerprint}"
    else:
        yield from (f"before  {before.fingerprint}", f"now     {after.fingerprint}", "")
    yield from (f"{change.kind:9}  {describe_change(change)}" for change in changes)
    yield ""
    yield f"scenarios: {', '.join(f'{len(getattr(effect, name))} {name}' for name in _STATES)}"
    for state, failures in (("broken", effect.broken), ("failing", effect.failing)):
        for failure in failures:
            yield f"\n{state}  {failure.scenario}: {failure.message} [{failure.code}]\n  hint: {failure.hint}"


def describe_change(change: Change) -> str:
    """Return where *change* is, and what it made of what."""
    place = " > ".join(change.path)
    sides = [summarise(side) for side in (change.before, change.after)]
    if change.kind in ("added", "removed"):
        told = sides[change.kind == "added"]
        return f"{place}: {told}" if told else place
    return f"{place}: {sides[0]} -> {sides[1]}"
