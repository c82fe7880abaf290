"""Every error is a problem document: the framework's own and the unforeseen too."""

from __future__ import annotations

import logging

import httpx
import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from pytest_atdm.core.errors import AtdmError, iter_leaves
from seeder.routes.problem import answer_error
from tests.seeder.caller import Caller, new_ulid
from tests.seeder.expect import problem_of


@pytest.mark.parametrize("path", ["/nowhere", "/schema", "/schema/nowhere", "/audit", "/ui/nowhere", "/runs/a/b"])
def test_an_unknown_address_is_not_found(shop: Caller, path: str) -> None:
    """Nothing of the framework's own shows."""
    problem_of(shop.http.get(path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/runs"), ("POST", "/audit/runs/x"), ("DELETE", "/audit/runs/x")])
def test_a_method_that_is_not_served_names_those_that_are(shop: Caller, method: str, path: str) -> None:
    """405 with an Allow header."""
    answer = shop.http.request(method, path)

    problem_of(answer, 405, "invalid_request")
    assert "GET" in answer.headers["allow"]


def test_a_body_over_the_limit_is_refused_unread(shop: Caller, run_id: str) -> None:
    """Larger than the settings say, here 200 kB: 413, with and without a length told beforehand."""
    headers = {"ATDM-Plan-Hash": "sha256:0", "Idempotency-Key": "large"}
    pieces = (b" " * 50_000 for _ in range(5))

    for content in (b" " * 200_001, pieces):
        problem_of(shop.http.post("/internal/scenarios/seed", content=content, headers=headers), 413, "invalid_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=" + "x" * 27])
def test_a_query_parameter_out_of_range_is_refused(shop: Caller, query: str) -> None:
    """Paging has limits of its own."""
    problem_of(shop.http.get(f"/runs?{query}"), 422, "invalid_request")


@pytest.mark.parametrize("path", ["/runs/{}", "/audit/runs/{}", "/test-data/requests/{}", "/ui/audit/{}"])
def test_an_unknown_id_is_not_found(shop: Caller, path: str) -> None:
    """Whatever it looks like."""
    for unknown in ("01KAN2Q8Y7V0E2M5T9S4B6C3D1", "x", "%00", "%27%3B--", "é"):
        problem_of(shop.http.get(path.format(unknown)), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"domain": 1}', b'{"domain": "shop", "more": 1}', b'{"domain": "\\u0000"}'],
)
def test_a_malformed_body_is_refused(shop: Caller, body: bytes) -> None:
    """Not JSON, not an object, a wrong type, an unknown field: 422 with the place."""
    answer = shop.http.post("/test-data/reference", content=body)

    assert 422 == answer.status_code
    assert answer.json()["code"] in {"invalid_request", "catalog_error"}


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", ""])
def test_text_that_postgres_cannot_store_is_refused_at_the_door(shop: Caller, text: str) -> None:
    """A zero byte, half a character, or nothing at all."""
    body = f'{{"run_id": "{new_ulid()}", "session_id": "{text}", "actor": "a", "seed": 1, "as_of": "2026-03-01"}}'

    problem_of(shop.http.post("/runs", content=body.encode()), 422, "invalid_request")


def test_what_nobody_foresaw_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets an incident's id; the cause stands in the log under that id."""

    @get("/broken", sync_to_thread=False)
    def broken() -> None:
        raise RuntimeError("the secret of the house")

    app = Litestar([broken], exception_handlers={Exception: answer_error}, openapi_config=None, logging_config=None)
    with TestClient(app, raise_server_exceptions=False) as client, caplog.at_level(logging.ERROR, "atdm.seeder"):
        answer = client.get("/broken")

    document = answer.json()
    assert (500, "internal_error") == (answer.status_code, document["code"])
    assert "secret of the house" not in answer.text
    incident = document["detail"].partition("incident ")[2].rstrip(")")
    assert incident in caplog.text
    assert "the secret of the house" in caplog.text


@pytest.mark.parametrize("kind", list(iter_leaves()), ids=lambda kind: kind.code)
def test_every_error_of_the_tree_maps_by_its_class(kind: type[AtdmError]) -> None:
    """Status, code, title and hint come from the class and the raiser; nothing is decided twice."""

    @get("/raise", sync_to_thread=False)
    def fail() -> None:
        raise kind("what and where", hint="what to do")

    app = Litestar([fail], exception_handlers={Exception: answer_error}, openapi_config=None, logging_config=None)
    with TestClient(app) as client:
        answer = client.get("/raise")

    document = answer.json()
    assert (kind.status, kind.code) == (answer.status_code, document["code"])
    assert ("what and where", "what to do") == (document["detail"], document["hint"])
    assert kind.retryable is document["retryable"]


def test_a_browser_gets_errors_as_a_page(shop: Caller) -> None:
    """Who asks for HTML below /ui can read what went wrong."""
    answer = shop.http.get("/ui/audit/nowhere", headers={"Accept": "text/html"})

    assert (404, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert "not_found" in answer.text


def test_readiness_asks_postgres(base_url: str) -> None:
    """The one is about the process, the other about its work."""
    assert {"status": "ok"} == httpx.get(f"{base_url}/readyz").json() == httpx.get(f"{base_url}/healthz").json()
