"""How a value becomes an answer: its JSON is made here, once, and the framework passes the bytes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from litestar import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_encoder: Final = msgspec.json.Encoder()


def encode_json(value: object) -> bytes:
    """Return *value* (dataclasses, mappings, JSON scalars) as JSON."""
    return _encoder.encode(value)


def answer_json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """Return *value* as a JSON response."""
    return Response(encode_json(value), status_code=status, media_type="application/json", headers=headers)
