"""The rows of a request as JSON that a Playwright test (or any other program) reads."""

from __future__ import annotations

import datetime
import json
import math
from typing import TYPE_CHECKING, Final

from pytest_atdm.emit.bundle import write_atomically
from pytest_atdm.emit.names import to_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_atdm.emit.bundle import FixtureBundle, FixtureEntity

#: JavaScript's Number.MAX_SAFE_INTEGER: beyond it, JSON.parse rounds.
MAX_SAFE_INTEGER: Final = 2**53 - 1


class PlaywrightJson:
    """Writes ``atdm_<scenario>.json``, format 1 of ``docs/reference/fixture-format.md``."""

    name = "playwright"

    def emit(self, bundle: FixtureBundle, folder: Path) -> Path:
        """Write the file into *folder* and return its path."""
        path = folder / f"atdm_{to_identifier(bundle.scenario)}.json"
        return write_atomically(path, render_playwright_json(bundle))


def render_playwright_json(bundle: FixtureBundle) -> str:
    """Return the text of the file: equal bundles give equal text, keys in a fixed order."""
    value = {
        "format": bundle.format,
        "scenario": bundle.scenario,
        "intent": bundle.intent,
        "expects": bundle.expects,
        "requirements": list(bundle.requirements),
        "request_id": bundle.request_id,
        "run_id": bundle.run_id,
        "as_of": bundle.as_of.isoformat(),
        "plan_hash": bundle.plan_hash,
        "tables": {name: entity.table for name, entity in bundle.entities.items()},
        "entities": {name: _entity_to_json(entity) for name, entity in bundle.entities.items()},
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _entity_to_json(entity: FixtureEntity) -> object:
    rows = [{name: to_json(value) for name, value in row.items()} for row in entity.rows]
    return rows if entity.many else rows[0]


def to_json(value: object) -> object:
    r"""Return *value* as JSON that JavaScript reads without loss.

    Integers are numbers, but strings beyond ``MAX_SAFE_INTEGER``; a Decimal is a string; floats are numbers, but
    ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` are strings; dates and times are ISO 8601; bytes are ``\x`` and hex.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else _name_float(value)
        case list() | tuple():
            return [to_json(item) for item in value]
        case dict():
            return _dict_to_json(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes():
            return f"\\x{value.hex()}"
    return str(value)


def _dict_to_json(value: Mapping[object, object]) -> object:
    return {str(key): to_json(item) for key, item in value.items()}


def _name_float(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
