"""The text of ``scenarios.ts``: what each scenario has, and what may be asked of it."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Final

from pytest_atdm._playwright.columns import BIGINT, FLOAT
from pytest_atdm._playwright.words import COMMENT
from pytest_atdm._types.shapes import is_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_atdm._playwright.words import Words
    from pytest_atdm._types.shapes import Rows
    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.catalog.scenario import Parameter

_HEAD: Final = f"""\
// {COMMENT}
/* eslint-disable */
//
// The scenarios of the catalog as types. Cells are as in JSON: dates, times, uuids and `numeric` are strings.

/** A bigint: a string beyond 2^53 - 1, which JavaScript would round. */
export type {BIGINT} = number | string;

/** A real or double precision. */
export type {FLOAT} = number | "NaN" | "Infinity" | "-Infinity";
"""
_CATALOG_HEAD: Final = """\
/** What index.ts needs to know of a scenario; `lists` are its entities with a count, which may have no rows. */
export interface Facts {
  readonly domain: string;
  readonly requirements: readonly string[];
  readonly lists: readonly string[];
}

export const catalog: { readonly [Name in ScenarioName]: Facts } = {
"""
_LINE_LENGTH: Final = 120
_WORD: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_TYPES: Final = {"integer": "number", "number": "number", "text": "string", "boolean": "boolean", "date": "string"}


def render_scenarios(words: Words) -> str:
    """Return the text of the file."""
    parts = (
        _HEAD,
        *(_render_enum(enum, name, words) for enum, name in words.enums.items()),
        *(_render_rows(rows, name, words) for rows, name in words.rows.items()),
        _render_table(words),
        "export type ScenarioName = keyof Scenarios;\n",
        _render_catalog(words.shapes.scenarios),
    )
    return "\n".join(parts)


def _render_enum(enum: str, name: str, words: Words) -> str:
    labels = [_quote(label) for label in words.shapes.schema.enums[enum]]
    line = f"export type {name} = {' | '.join(labels)};"
    if len(line) > _LINE_LENGTH:
        line = f"export type {name} =\n  | " + "\n  | ".join(labels) + ";"
    return f"{line}\n"


def _render_rows(rows: Rows, name: str, words: Words) -> str:
    cells = "".join(f"  {_write_key(column)}: {type};\n" for column, type in words.write_types(rows).items())
    return f"{_comment(words.describe(rows), 0)}export interface {name} {{\n{cells}}}\n"


def _render_table(words: Words) -> str:
    scenarios = "".join("".join(_render_scenario(scenario, words)) for scenario in words.shapes.scenarios)
    return f"/** What each scenario takes and has, by its name. */\nexport interface Scenarios {{\n{scenarios}}}\n"


def _render_scenario(scenario: Scenario, words: Words) -> Iterator[str]:
    yield _comment(scenario.title, 2)
    yield f"  {_write_key(scenario.id)}: {{\n"
    yield from _render_block("parameters", _write_parameters(scenario.parameters))
    yield from _render_block("entities", _write_entities(scenario, words))
    yield "  };\n"


def _render_block(name: str, lines: Iterable[str]) -> Iterator[str]:
    body = "".join(lines)
    yield f"    {name}: {{\n{body}    }};\n" if body else f"    {name}: {{}};\n"


def _write_parameters(parameters: Mapping[str, Parameter]) -> Iterator[str]:
    for name, parameter in sorted(parameters.items()):
        type = _TYPES[parameter.type]
        if parameter.choices is not None:
            type = " | ".join(_quote(choice) for choice in parameter.choices)
        yield f"{_comment(_describe(parameter), 6)}      {_write_key(name)}?: {type};\n"


def _describe(parameter: Parameter) -> str:
    limits = (("from", parameter.minimum), ("up to", parameter.maximum))
    parts = [parameter.type, *(f"{word} {limit}" for word, limit in limits if limit is not None)]
    return f"{' '.join(parts)}; {_quote(parameter.default)} unless told."


def _write_entities(scenario: Scenario, words: Words) -> Iterator[str]:
    for name, entity in sorted(scenario.entities.items()):
        row = words.rows[words.shapes.rows[scenario.id, name]]
        yield f"      {_write_key(name)}: {row}{'[]' * is_many(entity)};\n"


def _render_catalog(scenarios: Iterable[Scenario]) -> str:
    lines = []
    for scenario in scenarios:
        lists = sorted(name for name, entity in scenario.entities.items() if is_many(entity))
        lines.append(
            f"  {_write_key(scenario.id)}: {{\n    domain: {_quote(scenario.domain)},\n"
            f"    requirements: {_write_list(scenario.requirements)},\n    lists: {_write_list(lists)},\n  }},\n"
        )
    return f"{_CATALOG_HEAD}{''.join(lines)}}};\n"


def _write_list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"


def _comment(text: str, indent: int) -> str:
    """Return *text* as a comment before a line that begins with *indent* blanks; nothing where there is no text."""
    safe = " ".join(text.replace("*/", "*\\/").split())
    if not safe:
        return ""
    before = " " * indent
    line = f"{before}/** {safe} */"
    if len(line) <= _LINE_LENGTH:
        return f"{line}\n"
    wrapped = textwrap.fill(safe, _LINE_LENGTH, initial_indent=f"{before} * ", subsequent_indent=f"{before} * ")
    return f"{before}/**\n{wrapped}\n{before} */\n"


def _write_key(name: str) -> str:
    return name if _WORD.fullmatch(name) else _quote(name)


def _quote(value: object) -> str:
    """Return a text, number, boolean or None as TypeScript writes it."""
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
