"""The page about the seeder's interface, from its OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_atdm.data import folder
from seeder.app import create_app
from seeder.routes.openapi import describe_app
from seeder.settings import Settings
from tests.docs.markdown import join_paragraphs, render_table, to_code

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


def render_http_api(note: str) -> str:
    """Return the page; *note* says how it is written."""
    document = describe_app(create_app(_some_settings()))
    parts = [part for path, methods in document["paths"].items() for part in _render_path(path, methods)]
    models = document["components"]["schemas"]
    used = _close_over(document["paths"], models)
    return join_paragraphs(
        "# HTTP interface",
        note,
        "JSON in UTF-8. Calls marked (token) need `Authorization: Bearer <token>`. Every error is "
        "`application/problem+json` (RFC 9457); codes are in [errors](errors.md). Unknown fields and wrong types are "
        "refused, and then nothing is written. A running seeder serves the whole description, as OpenAPI 3.1, at "
        "`/schema/openapi.json`.",
        *parts,
        "## Bodies and answers",
        *(part for name in sorted(used) for part in _render_model(name, models[name])),
    )


def _some_settings() -> Settings:
    unused = "postgresql://localhost/never_opened"
    return Settings(database_url=unused, token="none", catalog=folder("catalog"), base_url="http://localhost")


def _render_path(path: str, methods: Json) -> Iterator[str]:
    for method, call in methods.items():
        yield f"## {method.upper()} {path}"
        yield f"{call['summary']}{' (token)' if call['security'] else ''}. {to_code(call['description'])}"
        inputs = [one for one in call["parameters"] if one["in"] != "path"]
        if inputs:
            rows = (
                [f"`{one['name']}`", one["in"], "yes" if one["required"] else "", one["description"]] for one in inputs
            )
            yield render_table(["input", "in", "required", "meaning"], rows)
        yield "\n".join(f"- {line}" for line in _render_exchange(call))


def _render_exchange(call: Json) -> Iterator[str]:
    if "requestBody" in call:
        optional = "" if call["requestBody"]["required"] else " (may be left out)"
        yield f"body: {_name_content(call['requestBody'])}{optional}"
    for status, answer in call["responses"].items():
        yield f"{status}: {to_code(answer['description']) if int(status) >= 400 else _name_content(answer)}"


def _name_content(part: Json) -> str:
    for kind, content in part.get("content", {}).items():
        return _name_type(content["schema"]) if "json" in kind else "text"
    return "nothing"


def _name_type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_name_type(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_name_type(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return "mapping"
    return str(schema.get("format", schema.get("type", "any")))


def _close_over(node: object, models: Json) -> set[str]:
    """Return the names of all *models* that *node* refers to, directly or through others."""
    found: set[str] = set()
    waiting = set(_references(node))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_references(models[name])) - found
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"]).rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _render_model(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    yield to_code(schema.get("description", ""))
    required = schema.get("required", [])
    rows = (
        [f"`{field}`", _name_type(part), "yes" if field in required else ""]
        for field, part in schema.get("properties", {}).items()
    )
    yield render_table(["field", "type", "always"], rows)
