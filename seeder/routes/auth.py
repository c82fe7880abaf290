"""What stands in front of every route that is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import Unauthorized
from seeder.access import bearer_matches
from seeder.routes.given import read_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, Receive, Scope, Send


def admit_holders_of(token: str) -> Callable[[ASGIApp], ASGIApp]:
    """Return a middleware that lets through who shows *token* as bearer token.

    The framework's guards do the same, and copy the handler for each call, which is a quarter of the framework's time.
    """

    def require_token(app: ASGIApp) -> ASGIApp:
        async def admit(scope: Scope, receive: Receive, send: Send) -> None:
            if not bearer_matches(read_header(scope, "authorization"), token):
                raise Unauthorized(
                    f"{scope['path']}: the bearer token is missing or wrong",
                    hint="send Authorization: Bearer <token>; the plugin and the CLI take it from ATDM_TOKEN",
                )
            await app(scope, receive, send)

        return admit

    return require_token
