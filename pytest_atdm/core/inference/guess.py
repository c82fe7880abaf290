"""What inference comes to: rules with the reason for them, and what was left out with the reason for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A rule that the database does not state, and *why* it may hold, as a comment for whoever decides."""

    rule: Rule
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What looked like a rule of *table* (an id) and is none: *what* it would say, and the *reason* against it."""

    table: str
    what: str
    reason: str
