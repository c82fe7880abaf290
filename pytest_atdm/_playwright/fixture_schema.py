"""The text of ``fixture.schema.json``: a JSON Schema of the files that ``emit.playwright_json`` writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pytest_atdm._playwright.words import COMMENT
from pytest_atdm._types.shapes import is_many
from pytest_atdm.emit.bundle import FIXTURE_FORMAT

if TYPE_CHECKING:
    from pytest_atdm._playwright.words import Words
    from pytest_atdm._types.shapes import Rows
    from pytest_atdm.core.catalog import Scenario

Json = dict[str, object]
_TEXT: Final[Json] = {"type": "string"}
_ULID: Final[Json] = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}


def render_fixture_schema(words: Words) -> str:
    """Return the text of the file."""
    scenarios = words.shapes.scenarios
    properties: Json = {
        "format": {"const": FIXTURE_FORMAT},
        "scenario": {"enum": [scenario.id for scenario in scenarios]},
        "intent": _TEXT,
        "expects": _TEXT,
        "requirements": {"type": "array", "items": _TEXT},
        "request_id": _ULID,
        "run_id": _ULID,
        "as_of": {"type": "string", "format": "date"},
        "plan_hash": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        "tables": {"type": "object", "additionalProperties": _TEXT},
        "entities": {"type": "object"},
    }
    document: Json = {
        "$comment": COMMENT,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Rows of a scenario, as ATDM writes them for Playwright, format {FIXTURE_FORMAT}",
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "allOf": [_make_scenario(scenario, words) for scenario in scenarios],
        "$defs": {name: _make_rows(rows, words) for rows, name in words.rows.items()},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _make_scenario(scenario: Scenario, words: Words) -> Json:
    """Return what holds of the entities where the file is of *scenario*; an override may bring others."""
    entities: Json = {}
    for name, entity in sorted(scenario.entities.items()):
        row: Json = {"$ref": f"#/$defs/{quote(words.rows[words.shapes.rows[scenario.id, name]])}"}
        entities[name] = {"type": "array", "items": row} if is_many(entity) else row
    return {
        "if": {"properties": {"scenario": {"const": scenario.id}}},
        "then": {"properties": {"entities": {"required": list(entities), "properties": entities}}},
    }


def _make_rows(rows: Rows, words: Words) -> Json:
    columns = words.make_schemas(rows)
    row: Json = {
        "description": words.describe(rows),
        "type": "object",
        "required": list(columns),
        "properties": columns,
    }
    return row | ({"additionalProperties": False} if words.shapes.is_whole(rows) else {})
