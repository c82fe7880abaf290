"""The key that opens the seeder's pages and nothing else, derived from the bearer token."""

from __future__ import annotations

import hmac


def derive_page_key(token: str) -> str:
    """Return 32 hex digits of HMAC-SHA256(*token*, ``atdm-ui``): who sees the key learns nothing of the token."""
    return hmac.digest(token.encode(), b"atdm-ui", "sha256").hex()[:32]
