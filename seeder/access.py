"""Who may call: the bearer token of the interface, and the key of the pages that is derived from it."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

PAGE_KEY_HEX_DIGITS: Final = 32


def bearer_matches(authorization: str, token: str) -> bool:
    """Return whether the header value *authorization* is ``Bearer <token>``; in constant time."""
    scheme, _, shown = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def derive_page_key(token: str) -> str:
    """Return the key that opens the pages and nothing else: 32 hex digits of HMAC-SHA256(token, "atdm-ui")."""
    return hmac.new(token.encode(), b"atdm-ui", hashlib.sha256).hexdigest()[:PAGE_KEY_HEX_DIGITS]


def page_key_matches(shown: str, token: str) -> bool:
    """Return whether *shown* is the page key of *token*; in constant time."""
    return hmac.compare_digest(shown.encode(), derive_page_key(token).encode())
