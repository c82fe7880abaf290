"""What emitters are given: one request's rows as Python values, and where they come from.

A bundle carries no token and no address: whatever is written from it may be committed, shared or printed.
"""

from __future__ import annotations

import datetime
import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.model import SeededEntity
from pytest_atdm.core.types import base_type, to_python

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.model import Receipt
    from pytest_atdm.core.schema import Schema

#: Version of both file formats; it grows when a reader of the older one would stumble.
FIXTURE_FORMAT: Final = 1
_MODIFIER: Final = re.compile(r"\([^)]*\)")  # of numeric(10,2), timestamp(3) with time zone


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureColumn:
    """A column as a fixture shows it; *type* is Postgres' own, without domain and modifier (``numeric``)."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureEntity:
    """The rows of one entity, columns in table order. *many* where the scenario gives it a count.

    *more* rows of a volume stand in the database beside those listed.
    """

    table: str
    columns: tuple[FixtureColumn, ...]
    rows: tuple[Mapping[str, object], ...]
    many: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureBundle:
    """One request in the form that emitters write. Values are what ``core.types.to_python`` returns."""

    scenario: str
    intent: str
    expects: str
    requirements: tuple[str, ...]
    request_id: str
    run_id: str
    as_of: datetime.date
    plan_hash: str
    entities: Mapping[str, FixtureEntity]
    format: int = FIXTURE_FORMAT


def make_bundle(receipt: Receipt, scenario: Scenario, schema: Schema) -> FixtureBundle:
    """Return *receipt* of a request for *scenario* without its token, cells turned into Python values.

    An entity whose count is 0 has no rows in the receipt; in the bundle it stands without rows.
    """
    empty = {
        name: SeededEntity(table=entity.table, rows=(), many=True)
        for name, entity in scenario.entities.items()
        if entity.count is not None and name not in receipt.entities
    }
    return FixtureBundle(
        scenario=receipt.scenario,
        intent=scenario.intent,
        expects=scenario.expects,
        requirements=tuple(scenario.requirements),
        request_id=receipt.request_id,
        run_id=receipt.run_id,
        as_of=datetime.date.fromisoformat(receipt.as_of),
        plan_hash=receipt.plan_hash,
        entities={name: _make_entity(entity, schema) for name, entity in {**receipt.entities, **empty}.items()},
    )


def _make_entity(entity: SeededEntity, schema: Schema) -> FixtureEntity:
    table = schema.table(entity.table)
    given = {name for row in entity.rows for name in row}
    names = [column.name for column in table.columns if column.name in given or not entity.rows]
    rows = tuple(
        {name: to_python(table.column(name).type, row.get(name), schema) for name in names} for row in entity.rows
    )
    columns = tuple(
        FixtureColumn(
            name=name,
            type=_MODIFIER.sub("", base_type(table.column(name).type, schema)),
            nullable=table.column(name).nullable,
        )
        for name in names
    )
    return FixtureEntity(table=table.id, columns=columns, rows=rows, many=entity.many, more=entity.more)


def write_atomically(path: Path, text: str) -> Path:
    """Write *text* as UTF-8 so that a reader finds the old file or the new one, never a part; return *path*.

    Raises:
        SettingError: it cannot be written there.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(text.encode())
            os.replace(unfinished, path)  # noqa: PTH105 (the name says what it promises)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as exc:
        hint = "name another folder for fixtures (fixtures_dir), or make this one writable"
        raise SettingError(f"the fixture file {path} cannot be written: {exc.strerror}", hint=hint) from exc
    return path
