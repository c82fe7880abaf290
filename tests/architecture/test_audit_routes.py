"""Nobody changes the audit log by HTTP: no route under /audit writes. The database refuses it too (tests/database)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litestar import Litestar, delete, get
from litestar.routes import HTTPRoute

from pytest_atdm.data import folder
from seeder.app import create_app
from seeder.settings import Settings
from tests.architecture.repository import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

READING: Final = {"GET", "HEAD", "OPTIONS"}


def find_writing_routes(app: Litestar) -> Iterator[Fault]:
    """Yield every route with "audit" in its path that takes another method than those that read."""
    for route in app.routes:
        if "audit" in route.path:
            methods = set(route.methods) if isinstance(route, HTTPRoute) else {type(route).__name__}
            for method in sorted(methods - READING):
                yield Fault(route.path, 0, method)


def test_audit_is_read_only_over_http() -> None:
    """The seeder serves the audit trail as JSON and as a page, and takes nothing but GET, HEAD and OPTIONS there."""
    unused = "postgresql://localhost/never_opened"
    app = create_app(Settings(database_url=unused, token="t", catalog=folder("catalog"), base_url="http://localhost"))

    assert {"/audit/runs/{run_id:str}", "/ui/audit/{run_id:str}"} <= {route.path for route in app.routes}
    assert [] == [str(fault) for fault in find_writing_routes(app)]


def test_writing_route_is_noticed() -> None:
    """A route that deletes below /audit is noticed beside one that reads."""

    @get("/audit/runs", sync_to_thread=False)
    def read() -> str:
        return ""

    @delete("/audit/runs", sync_to_thread=False)
    def remove() -> None:
        return None

    found = list(find_writing_routes(Litestar([read, remove], openapi_config=None)))

    assert [Fault("/audit/runs", 0, "DELETE")] == found
