"""Who may call: the bearer token of the interface, and the key of the pages that is derived from it."""

from __future__ import annotations

import hmac

from pytest_atdm.core.page_key import derive_page_key


def bearer_matches(authorization: str, token: str) -> bool:
    """Return whether the header value *authorization* is ``Bearer <token>``; in constant time."""
    scheme, _, shown = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def page_key_matches(shown: str, token: str) -> bool:
    """Return whether *shown* is the page key of *token*; in constant time."""
    return hmac.compare_digest(shown.encode(), derive_page_key(token).encode())
