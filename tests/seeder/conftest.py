"""A real seeder over a real Postgres, spoken to over HTTP."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seeder.settings import Settings
from tests.seeder.caller import Caller, free_listener, running_seeder

SHOP = Path(__file__).parent / "shop" / "catalog"
TOKEN = "the-token-of-these-tests"


@pytest.fixture(scope="session")
def shop_url(make_database: Callable[[str], str]) -> str:
    """The URL of a database of these tests' own."""
    return make_database("shop")


@pytest.fixture(scope="session")
def base_url(shop_url: str) -> Iterator[str]:
    """The address of a seeder for the shop, which takes bodies of 200 kB and plans of 20 rows."""
    listener = free_listener()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        database_url=shop_url,
        token=TOKEN,
        catalog=SHOP,
        base_url=url,
        embedded=True,
        max_body_bytes=200_000,
        max_rows=20,
    )
    with running_seeder(settings, listener):
        yield url


@pytest.fixture(scope="session")
def shop(base_url: str, shop_url: str) -> Iterator[Caller]:
    """A caller with the token; the reference rows stand."""
    with Caller(base_url, TOKEN, shop_url) as caller:
        answer = caller.http.post("/test-data/reference", json={"domain": "shop"})
        assert answer.is_success, answer.text
        yield caller


@pytest.fixture
def run_id(shop: Caller) -> str:
    """A fresh active run."""
    return shop.start_run(as_of=datetime.date(2026, 3, 1))
