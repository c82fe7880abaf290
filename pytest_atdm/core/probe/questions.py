"""What a probe asks of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pytest_atdm.core.model import Cell, Plan


@dataclass(frozen=True, slots=True)
class TryPlan:
    """Answered with a ``Trial``."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class ListRows:
    """Answered with the first rows of each table, by table id."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgeRows:
    """Answered with a truth value for each row: whether the CHECK *constraint* of *table* lets it pass."""

    table: str
    constraint: str
    rows: Sequence[Mapping[str, Cell]]


Question: TypeAlias = TryPlan | ListRows | JudgeRows
Answer: TypeAlias = Any  # a Trial, rows by table, or truth values: as each question says
