"""Consecutive rows of a volume, column by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_atdm.core.model import PlannedRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.model import Cell, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """*size* rows of *volume*, the first with the index *start*; each column has so many entries.

    *values* and *keys* are those of ``PlannedRow``, by column: cells, and whose allotted key it is.
    """

    volume: Volume
    start: int
    size: int
    values: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def entries(self, column: str) -> Sequence[Cell]:
        """Return the cells of *column*, or the pointers to keys that stand there; NULL where the batch has neither."""
        found = self.values.get(column) or self.keys.get(column)
        return (None,) * self.size if found is None else found

    def row(self, place: int) -> PlannedRow:
        """Return the row at *place* of this batch, counted from 0."""
        return PlannedRow(
            name=f"{self.volume.entity}[{self.start + place}]",
            entity=self.volume.entity,
            table=self.volume.table,
            values={name: cells[place] for name, cells in self.values.items()},
            keys={name: pointers[place] for name, pointers in self.keys.items()},
        )

    def rows(self) -> Iterator[PlannedRow]:
        """Yield all rows in their order."""
        return map(self.row, range(self.size))
