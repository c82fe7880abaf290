"""What the planner is told beyond scenario and schema: rows that stand there, and what the database did not take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_atdm.core.model import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Strict):
    """Choices that neither scenario nor schema make.

    *reuse*: by table id, rows that stand in the database; where a parent of that table is needed one of them is taken
    instead of a new row. *link*: foreign keys (table id, constraint) that could stay NULL or at their default, and
    shall refer to a row. *apart*: foreign keys that refer to a row of their own, not to one that others refer to too.
    *full*: tables whose rows get a value in every column that may have one. *settled*: cells by
    (table id, column) where nothing else gives or ties them. *also*: further rows to plan, before all others, each a
    table id and the cells that it must have. *namesakes*: a column has the value of its parent's column of the same
    name and type. *attempt*: another number, other draws.
    """

    reuse: Mapping[str, Sequence[Mapping[str, Cell]]] = field(default_factory=dict)
    link: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[tuple[str, str]] = frozenset()
    full: frozenset[str] = frozenset()
    settled: Mapping[tuple[str, str], Cell] = field(default_factory=dict)
    also: tuple[tuple[str, Mapping[str, Cell]], ...] = ()
    namesakes: bool = False
    attempt: int = 0

    @property
    def is_empty(self) -> bool:
        """True where it says nothing."""
        return self == NO_ADVICE

    def linking(self, table: str, keys: Iterable[str]) -> Advice:
        """Return this advice, and that the foreign keys *keys* of *table* refer to rows."""
        return replace(self, link=self.link | {(table, key) for key in keys})

    def parting(self, table: str, key: str) -> Advice:
        """Return this advice, and that the foreign key *key* of *table* refers to a row of its own."""
        return replace(self, apart=self.apart | {(table, key)})

    def reusing(self, table: str, rows: Sequence[Mapping[str, Cell]]) -> Advice:
        """Return this advice, and that one of *rows* of *table* is taken."""
        return replace(self, reuse={**self.reuse, table: rows})

    def filling(self, table: str) -> Advice:
        """Return this advice, and that rows of *table* are filled in full."""
        return replace(self, full=self.full | {table})

    def settling(self, table: str, cells: Mapping[str, Cell]) -> Advice:
        """Return this advice, and that rows of *table* have *cells*."""
        return replace(self, settled={**self.settled, **{(table, name): cell for name, cell in cells.items()}})

    def adding(self, table: str, cells: Mapping[str, Cell]) -> Advice:
        """Return this advice, and that a row of *table* with *cells* is planned too."""
        return replace(self, also=(*self.also, (table, cells)))

    def tying_namesakes(self) -> Advice:
        """Return this advice, and that columns of the same name in child and parent are equal."""
        return replace(self, namesakes=True)

    def drawing_again(self) -> Advice:
        """Return this advice with the next number."""
        return replace(self, attempt=self.attempt + 1)


NO_ADVICE: Final = Advice()


class LinkNeeded(Exception):
    """A condition asks for a value in a column of an optional foreign key: draft anew with that key linked."""

    def __init__(self, table: str, keys: tuple[str, ...]) -> None:
        super().__init__(table, keys)
        self.table = table
        self.keys = keys
