"""Drawing one column of a volume, each row for itself."""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.drawing import Drawing
from pytest_atdm.core.planner.ties import Ties
from pytest_atdm.core.values import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.model import Cell, Plan
    from pytest_atdm.core.schema import Column
    from pytest_atdm.core.situation import Situation
    from pytest_atdm.core.values import Drawer
    from pytest_atdm.core.volume.difference import Difference
    from pytest_atdm.core.volume.likeness import Likeness

#: So many cells are looked through for a row where other rows have them.
_MOST_MISSES: Final = 1_000


class Fresh:
    """Draws *column*; after it every set of columns in *sets* is known, and no other row may have the same there.

    *unique* says that the values differ between requests too.
    """

    def __init__(
        self,
        column: Column,
        *,
        likeness: Likeness,
        plan: Plan,
        situation: Situation,
        difference: Difference,
        sets: Sequence[tuple[str, ...]],
        unique: bool,
    ) -> None:
        self._column = column
        self._likeness = likeness
        self._situation = situation
        self._difference = difference
        self._sets = sets
        self._unique = unique
        part = (plan.run_id, plan.request_key) if unique else ()
        self._stream = Stream.family(plan.seed, *part, plan.scenario)
        self._drawing = Drawing(
            scenario=plan.scenario,
            seed=plan.seed,
            as_of=situation.as_of,
            unique_part=(plan.run_id, plan.request_key),
            situation=situation,
            drafts=(),
            ties=Ties(()),
        )

    def draw(self, rows: range, columns: Mapping[str, Sequence[Cell]]) -> list[Cell]:
        """Return a cell for each of *rows*; *columns* are those that are known already.

        Raises:
            PlanImpossible: too few values are left.
        """
        involved = {name: columns[name] for names in self._sets for name in names if name in columns}
        steady = self._steady_drawer()
        supply = self._supply(steady, rows.start) if steady else None
        found = []
        for place, row in enumerate(rows):
            cells = supply or self._supply(self._drawer_beside(row, columns, place), row)
            found.append(self._choose(cells, {name: column[place] for name, column in involved.items()}))
        return found

    def capacity(self) -> int:
        """Return how many values the column may have beside the other cells of the first model, as far as is looked."""
        first = self._likeness.first
        known = {**self._likeness.cells(first), **first.keys}
        known.pop(self._column.name, None)
        drawer = self._drawer_beside(self._likeness.models[0], {name: (cell,) for name, cell in known.items()}, 0)
        stream = self._stream("capacity", self._column.name)
        return sum(1 for _ in drawer.candidates(stream, unique=self._unique, as_of=self._situation.as_of))

    def _supply(self, drawer: Drawer, row: int) -> Iterator[Cell]:
        """Yield cells for the rows from *row* on, as long as there are any; some may come again."""
        for number in count():
            stream = self._stream(f"{self._likeness.volume.entity}[{row}]", self._column.name, number)
            drawn = drawer.candidates(stream, unique=self._unique, as_of=self._situation.as_of)
            first = next(drawn, None)
            if first is None:
                return
            yield first
            yield from (cell for cell in drawn if cell is not None)

    def _choose(self, cells: Iterator[Cell], beside: dict[str, Cell]) -> Cell:
        for cell in islice(cells, _MOST_MISSES):
            beside[self._column.name] = cell
            if self._difference.take(self._sets, beside):
                return cell
        raise self._difference.exhausted(self._sets[0] if self._sets else (self._column.name,))

    def _steady_drawer(self) -> Drawer | None:
        """Return what draws for every row alike; None where other columns have a say."""
        draft = self._draft(0, {})
        return (
            self._drawing.find_drawer(draft, self._column, ()) if self._drawing.is_alone(draft, self._column) else None
        )

    def _drawer_beside(self, row: int, columns: Mapping[str, Sequence[Cell]], place: int) -> Drawer:
        known = {name: column[place] for name, column in columns.items()}
        open_columns = [column.name for column in self._draft(row, {}).shape.columns if column.name not in known]
        return self._drawing.find_drawer(self._draft(row, known), self._column, open_columns, 1)

    def _draft(self, row: int, known: dict[str, Cell]) -> Draft:
        entity, keys = self._likeness.volume.entity, self._likeness.first.keys
        shape = self._situation.rulebook.schema.tables[self._likeness.volume.table]
        return Draft(
            f"{entity}[{row}]",
            entity,
            shape,
            row,
            values={name: cell for name, cell in known.items() if name not in keys},
            keys={name: str(cell) for name, cell in known.items() if name in keys},
        )
