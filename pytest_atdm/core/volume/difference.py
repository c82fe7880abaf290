"""What must not be equal in any two rows of a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import PlanImpossible
from pytest_atdm.core.expressions import EvaluationError, compile_expression, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.model import Cell, PlannedRow
    from pytest_atdm.core.schema import Exclusion, Table
    from pytest_atdm.core.situation import Situation
    from pytest_atdm.core.volume.likeness import Likeness


class Difference:
    """The entries that rows have in each set of columns that must differ; NULL differs from everything."""

    def __init__(self, likeness: Likeness, table: Table, situation: Situation, scenario: str) -> None:
        rulebook = situation.rulebook
        self._volume = likeness.volume
        self._scenario = scenario
        models = [likeness.sample[index] for index in likeness.models]
        bound = (one.columns for one in table.exclusions if any(_is_bound(one, row, situation) for row in models))
        self.sets = tuple(dict.fromkeys(filter(None, (*table.unique_sets, *bound))))
        self._taken: dict[tuple[str, ...], set[tuple[object, ...]]] = {}
        for names in self.sets:
            listed = zip(*(rulebook.reference_cells(table.id, name) for name in names), strict=False)
            seeded = ([entry_of(row, name) for name in names] for row in likeness.sample)
            self._taken[names] = {key for key in map(_key, (*listed, *seeded)) if key is not None}

    def take(self, sets: Iterable[Sequence[str]], entry: Mapping[str, Cell]) -> bool:
        """Note that a row has *entry*; False, and nothing noted, where another has the same in one of *sets*."""
        wanted = [(self._taken[tuple(names)], _key(entry[name] for name in names)) for names in sets]
        if any(key in taken for taken, key in wanted if key is not None):
            return False
        for taken, key in wanted:
            if key is not None:
                taken.add(key)
        return True

    def take_all(self, sets: Sequence[Sequence[str]], columns: Mapping[str, Sequence[Cell]], size: int) -> None:
        """Note what *size* rows have in *columns*.

        Raises:
            PlanImpossible: two rows are equal.
        """
        for names in sets:
            for place in range(size):
                if not self.take([names], {name: columns[name][place] for name in names}):
                    raise self.exhausted(names)

    def exhausted(self, columns: Sequence[str]) -> PlanImpossible:
        """Return the error for rows that cannot all differ in *columns*."""
        return PlanImpossible(
            f'{self._scenario}: {self._volume.count} rows of "{self._volume.entity}" cannot all be different in '
            f"{', '.join(columns)} of {self._volume.table}",
            hint="ask for fewer rows, leave these columns to the planner, or let the rows refer to more parents",
        )


def entry_of(row: PlannedRow, name: str) -> Cell:
    """Return the cell of *row*, or the pointer to the allotted key that it will hold."""
    return row.keys.get(name) or row.values.get(name)


def _is_bound(exclusion: Exclusion, row: PlannedRow, situation: Situation) -> bool:
    """Return whether *exclusion* speaks of *row*; where that cannot be told, the database will."""
    try:
        predicate = compile_expression(parse(exclusion.predicate or "true", source=exclusion.name))
        return predicate(situation.scope(row)) is True
    except EvaluationError:
        return False


def _key(cells: Iterable[Cell]) -> tuple[object, ...] | None:
    key = tuple(_freeze(cells))
    return None if None in key else key


def _freeze(cells: Iterable[Cell]) -> Iterator[object]:
    """A cell as it is, an array or object as its text; 1, 1.0 and true are equal in Postgres as in Python."""
    return (repr(cell) if isinstance(cell, list | dict) else cell for cell in cells)
