"""Which row of a volume is like which row of its sample."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.model import Cell, PlannedRow, Volume
    from pytest_atdm.core.schema import Table


class Likeness:
    """The rows beyond the sample are like its *models*, each in turn: those of the sample with the usual columns."""

    def __init__(self, volume: Volume, sample: Sequence[PlannedRow], table: Table) -> None:
        self.volume = volume
        self.sample = sample
        self._table = table
        shapes = [frozenset({*self.cells(row), *row.keys}) for row in sample]
        usual = max(dict.fromkeys(shapes), key=shapes.count)
        #: Indexes into the sample; all of these rows give the same columns.
        self.models = [index for index, shape in enumerate(shapes) if shape == usual]

    @property
    def first(self) -> PlannedRow:
        """The first model."""
        return self.sample[self.models[0]]

    def cells(self, row: PlannedRow) -> dict[str, Cell]:
        """Return the cells of *row*, with NULL where that is what the database puts."""
        silent = (
            column.name
            for column in self._table.columns
            if column.default is None and not column.filled_by_database and column.name not in row.keys
        )
        return {**dict.fromkeys(silent), **row.values}

    def model(self, row: int) -> tuple[int, int]:
        """Return the place in ``models`` of what the row with the index *row* is like, and its number among those."""
        turn, place = divmod(row - self.volume.sample, len(self.models))
        return place, turn + 1

    def instance(self, index: int, turn: int) -> int:
        """Return the index of a row that is like the sample's row *index*, itself included: all of them in turn."""
        number = turn % self.instances(index)
        if number == 0:
            return index
        return self.volume.sample + self._places[index] + len(self.models) * (number - 1)

    def instances(self, index: int) -> int:
        """Return how many rows are like the sample's row *index*, itself included."""
        if index not in self._places:
            return 1
        left = self.volume.rows - self._places[index]
        return 1 + max(0, -(-left // len(self.models)))

    @cached_property
    def _places(self) -> Mapping[int, int]:
        return {index: place for place, index in enumerate(self.models)}
