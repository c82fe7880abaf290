"""The guard in front of every route that is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import Unauthorized
from seeder.access import bearer_matches

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.datastructures import State
    from litestar.handlers.base import BaseRouteHandler
    from litestar.types import Guard


def guard_with(token: str) -> Guard:
    """Return a guard that lets through who shows *token* as bearer token."""

    # Async though nothing is awaited: the framework runs a plain guard in a thread, which costs 0.2 ms per call.
    async def require_token(
        connection: ASGIConnection[BaseRouteHandler, object, object, State], _: BaseRouteHandler
    ) -> None:
        if not bearer_matches(connection.headers.get("authorization", ""), token):
            raise Unauthorized(
                f"{connection.url.path}: the bearer token is missing or wrong",
                hint="send Authorization: Bearer <token>; the plugin and the CLI take it from ATDM_TOKEN",
            )

    return require_token
