"""How a value becomes an answer: its JSON is made here, once, and goes out as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

_encoder: Final = msgspec.json.Encoder()


class JsonAnswer:
    """A finished answer, an ASGI application by itself: the framework's own response would be put together twice."""

    __slots__ = ("_body", "_status")

    def __init__(self, body: bytes, status: int) -> None:
        self._body = body
        self._status = status

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


def encode_json(value: object) -> bytes:
    """Return *value* (dataclasses, mappings, JSON scalars) as JSON."""
    return _encoder.encode(value)


def answer_json(value: object, *, status: int = 200) -> JsonAnswer:
    """Return *value* as a JSON answer."""
    return JsonAnswer(encode_json(value), status)
