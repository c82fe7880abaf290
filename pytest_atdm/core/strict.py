"""How values that travel are read: unknown fields and wrong types are refused."""

from __future__ import annotations

from typing import Any, ClassVar


class Strict:
    """Base of dataclasses that ``wire.load`` reads; pydantic looks for this attribute, nothing is imported for it."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
