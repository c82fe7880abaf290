"""The interface's own description."""

from __future__ import annotations

import json
from typing import Any

from litestar.routes import HTTPRoute

from seeder.app import create_app
from tests.seeder.caller import Caller
from tests.seeder.test_access import OPEN, SETTINGS


def read_openapi(shop: Caller) -> dict[str, Any]:
    """Return the document."""
    document: dict[str, Any] = shop.http.get("/schema/openapi.json").raise_for_status().json()
    return document


def test_every_route_but_the_pages_is_described(shop: Caller) -> None:
    """Nothing is served that is not written down, and nothing is written down that is not served."""
    served = {
        (route.path_format, method.lower())
        for route in create_app(SETTINGS).routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/ui") and route.path != "/"
        for method in route.methods
        if method not in {"OPTIONS", "HEAD"}
    }

    paths = read_openapi(shop)["paths"]

    assert served == {(path, method) for path, methods in paths.items() for method in methods}


def test_every_operation_says_what_it_does_takes_and_answers(shop: Caller) -> None:
    """Summary, description, success, problems, and a token unless it is open."""
    for path, methods in read_openapi(shop)["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert any(status.startswith("2") for status in operation["responses"]), where
            assert "application/problem+json" in operation["responses"]["500"]["content"], where
            assert ("401" in operation["responses"]) is (path not in OPEN), where
            assert bool(operation["security"]) is (path not in OPEN), where
            names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert all(f"{{{name}}}" in path for name in names), where


def test_every_reference_leads_somewhere(shop: Caller) -> None:
    """The document is whole: no schema is referred to that is not in it."""
    document = read_openapi(shop)
    text = json.dumps(document)

    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named == set(document["components"]["schemas"]) & named
    assert {"Problem", "Receipt", "ResetReport", "Plan", "RunBody", "ScenarioBody", "Finding"} <= named
    assert "#/$defs/" not in text
