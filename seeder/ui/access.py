"""Who may see the pages: whoever shows the bearer token, or the key that is derived from it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from litestar import Request, Response
from litestar.datastructures import Cookie, State
from litestar.response import Redirect

from pytest_atdm.core.errors import Unauthorized
from pytest_atdm.core.page_key import derive_page_key
from seeder.access import bearer_matches, page_key_matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def admit_with(token: str) -> Callable[[Request[None, None, State]], Awaitable[Response[Any] | None]]:
    """Return the hook before each page: ``?key=`` becomes a cookie and a clean address; else cookie or token."""
    cookie_name = name_cookie(token)

    async def admit_reader(request: Request[None, None, State]) -> Response[Any] | None:
        shown = request.query_params.get("key")
        if shown is not None and page_key_matches(shown, token):
            return _redirect_with_cookie(request, cookie_name, shown)
        if shown is None and page_key_matches(request.cookies.get(cookie_name, ""), token):
            return None
        if bearer_matches(request.headers.get("authorization", ""), token):
            return None
        raise Unauthorized(
            f"{request.url.path}: this page needs the page key of this seeder",
            hint="open the address that pytest or `atdm audit` printed: it ends with ?key=...",
        )

    return admit_reader


def name_cookie(token: str) -> str:
    """Return the cookie's name: browsers share cookies among the ports of a host, and each may be another seeder."""
    return f"atdm_{hashlib.sha256(derive_page_key(token).encode()).hexdigest()[:8]}"


def _redirect_with_cookie(request: Request[None, None, State], name: str, key: str) -> Response[Any]:
    rest = "&".join(f"{name}={value}" for name, value in request.query_params.multi_items() if name != "key")
    cookie = Cookie(
        key=name, value=key, path="/ui", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return Redirect(f"{request.url.path}?{rest}" if rest else request.url.path, status_code=303, cookies=[cookie])
