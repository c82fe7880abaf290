"""Who may call what."""

from __future__ import annotations

import hashlib
import hmac

import httpx
import pytest
from litestar.routes import HTTPRoute

from seeder.app import create_app
from seeder.settings import Settings
from tests.seeder.caller import CATALOG, Caller
from tests.seeder.conftest import TOKEN
from tests.seeder.expect import problem_of

OPEN = {"/", "/healthz", "/readyz", "/version", "/metrics", "/ui/static/atdm.css"}
KEY = hmac.new(TOKEN.encode(), b"atdm-ui", hashlib.sha256).hexdigest()[:32]
SETTINGS = Settings(database_url="postgresql://nowhere/none", token=TOKEN, catalog=CATALOG, base_url="http://x")


def guarded_calls() -> list[tuple[str, str]]:
    """Every method and path that needs a token."""
    return sorted(
        (method, route.path.replace(":str", ""))
        for route in create_app(SETTINGS).routes
        if isinstance(route, HTTPRoute) and route.path not in OPEN
        for method in route.methods
        if method not in {"OPTIONS", "HEAD"}
    )


@pytest.mark.parametrize(("method", "path"), guarded_calls())
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "é"])
def test_every_other_route_needs_the_token(base_url: str, method: str, path: str, authorization: str | None) -> None:
    """Missing, wrong, nearly right, or of another scheme: 401, and how to do it."""
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}

    answer = httpx.request(method, base_url + path.replace("{", "").replace("}", ""), headers=headers)

    problem_of(answer, 401, "unauthorized")
    assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize("path", sorted(OPEN - {"/"}))
def test_health_and_style_are_open(base_url: str, path: str) -> None:
    """Probes and browsers have no token."""
    assert 200 == httpx.get(base_url + path).status_code


def test_a_seeder_without_token_does_not_start() -> None:
    """An empty token would let everybody in."""
    from dataclasses import replace

    from pytest_atdm.core.errors import SettingError

    with pytest.raises(SettingError, match="no token"):
        create_app(replace(SETTINGS, token=""))


def test_the_root_leads_to_the_runs(base_url: str) -> None:
    """Who types the bare address lands on a page."""
    answer = httpx.get(base_url)

    assert (302, "/ui") == (answer.status_code, answer.headers["location"])


def test_the_page_key_becomes_a_cookie_and_a_clean_address(base_url: str) -> None:
    """The key leaves the address bar at once, and no script or other site can use the cookie."""
    with httpx.Client(base_url=base_url) as browser:
        answer = browser.get("/ui", params={"key": KEY, "before": "01KAN2Q8Y7V0E2M5T9S4B6C3D1"})
        cookie = answer.headers["set-cookie"].lower()

        assert (303, "/ui?before=01KAN2Q8Y7V0E2M5T9S4B6C3D1") == (answer.status_code, answer.headers["location"])
        assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/ui"))
        assert TOKEN not in cookie
        assert 200 == browser.get("/ui").status_code
        assert 401 == browser.get("/runs").status_code


@pytest.mark.parametrize("key", ["", "0" * 32, KEY[:-1], TOKEN])
def test_a_wrong_page_key_opens_nothing(base_url: str, key: str) -> None:
    """Not even where a good cookie came with it: the caller meant the key."""
    problem_of(httpx.get(f"{base_url}/ui", params={"key": key}), 401, "unauthorized")


def test_the_bearer_token_opens_the_pages_too(shop: Caller) -> None:
    """A caller that has the token needs no cookie."""
    assert 200 == shop.http.get("/ui").status_code


@pytest.mark.parametrize("path", ["/healthz", "/version", "/target/schema", "/runs"])
def test_data_is_neither_sniffed_nor_stored(shop: Caller, path: str) -> None:
    """JSON stays JSON in a browser, and no cache keeps it unasked."""
    headers = shop.http.get(path).headers

    assert ("application/json", "nosniff") == (headers["content-type"], headers["x-content-type-options"])
    assert headers["cache-control"] in {"no-store", "no-cache"}


@pytest.mark.parametrize("path", ["/ui", "/nowhere", "/runs", "/metrics", "/ui/static/atdm.css"])
def test_all_that_is_no_data_carries_the_security_headers(base_url: str, path: str) -> None:
    """Errors included: nothing may be framed, sniffed, or loaded from elsewhere."""
    headers = httpx.get(base_url + path).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("nosniff", "no-referrer") == (headers["x-content-type-options"], headers["referrer-policy"])
    assert "cache-control" in headers


def test_no_route_below_audit_changes_anything() -> None:
    """The audit log has readers only."""
    audit = [route for route in create_app(SETTINGS).routes if route.path.startswith("/audit")]

    assert audit
    assert {"GET", "OPTIONS"} >= {method for route in audit for method in route.methods}
