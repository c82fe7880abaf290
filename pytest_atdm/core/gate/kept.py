"""Rows of volumes that other rows refer to, table by table."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.model import Cell, PlannedRow
    from pytest_atdm.core.volume.batch import Batch

Found: TypeAlias = "dict[tuple[Cell, ...], int]"


class KeptRows:
    """The rows of one table that volumes have so far, *sample* first; each is told by its place."""

    def __init__(self, sample: Sequence[PlannedRow]) -> None:
        self._sample = sample
        self._batches: list[Batch] = []
        self._starts: list[int] = []
        self._size = len(sample)
        self._found: dict[tuple[str, ...], Found] = {}

    def add(self, batch: Batch) -> None:
        """Keep the rows of *batch* too."""
        self._batches.append(batch)
        self._starts.append(self._size)
        self._size += batch.size
        for columns, found in self._found.items():
            found.update(self._list_batch(batch, self._starts[-1], columns))

    def row(self, place: int) -> PlannedRow:
        """Return the row at *place*."""
        if place < len(self._sample):
            return self._sample[place]
        number = bisect_right(self._starts, place) - 1
        return self._batches[number].row(place - self._starts[number])

    def cells(self, places: Sequence[int | None], column: str) -> list[Cell]:
        """Return what rows have in *column*, cells or pointers to allotted keys; None where there is no row."""
        known = {place: self._cell(place, column) for place in set(places) if place is not None}
        return [None if place is None else known[place] for place in places]

    def find(self, columns: tuple[str, ...], entries: Sequence[tuple[Cell, ...]]) -> list[int | None]:
        """Return the place of a row that has each of *entries* in *columns*; None where none has."""
        if columns not in self._found:
            self._found[columns] = {
                tuple(row.keys.get(name) or row.values.get(name) for name in columns): place
                for place, row in enumerate(self._sample)
            }
            for start, batch in zip(self._starts, self._batches, strict=True):
                self._found[columns].update(self._list_batch(batch, start, columns))
        return list(map(self._found[columns].get, entries))

    def _list_batch(self, batch: Batch, start: int, columns: tuple[str, ...]) -> Iterator[tuple[tuple[Cell, ...], int]]:
        entries = zip(*(batch.entries(name) for name in columns), strict=True)
        return ((entry, place) for place, entry in enumerate(entries, start=start))

    def _cell(self, place: int, column: str) -> Cell:
        if place < len(self._sample):
            return self._sample[place].keys.get(column) or self._sample[place].values.get(column)
        number = bisect_right(self._starts, place) - 1
        return self._batches[number].entries(column)[place - self._starts[number]]
