"""What stands in front of every route that is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import Unauthorized
from seeder.access import bearer_matches
from seeder.routes.given import read_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, Receive, Scope, Send


def require_token(scope: Scope, token: str) -> None:
    """Let pass who shows *token* as bearer token.

    Raises:
        Unauthorized: it is missing or wrong.
    """
    if not bearer_matches(read_header(scope, "authorization"), token):
        raise Unauthorized(
            f"{scope['path']}: the bearer token is missing or wrong",
            hint="send Authorization: Bearer <token>; the plugin and the CLI take it from ATDM_TOKEN",
        )


def admit_holders_of(token: str) -> Callable[[ASGIApp], ASGIApp]:
    """Return a middleware that lets through who shows *token*; the framework's guards copy a handler for each call."""

    def guard(app: ASGIApp) -> ASGIApp:
        async def admit(scope: Scope, receive: Receive, send: Send) -> None:
            require_token(scope, token)
            await app(scope, receive, send)

        return admit

    return guard
