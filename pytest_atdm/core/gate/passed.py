"""What has passed before: a row's verdict on itself is kept, and found again where the same cells come again.

Cells that are part of no key, unique or foreign, do not depend on run and request, so that every request of a scenario
brings them again. Whatever is judged of them alone is a function of them and of as_of; what names a column of a key, or
another row, is judged each time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.expressions import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_atdm.core.model import PlannedRow
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Column, Table

#: So many parts are kept, some 500 bytes each.
MAX_PARTS: Final = 10_000

Part: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judging:
    """What is judged of a row: its *columns*, and its *conditions* by validator."""

    columns: Sequence[Column]
    conditions: Mapping[str, Sequence[Condition]]


@dataclass(frozen=True, slots=True)
class _Sides:
    """A table's columns that come again, all that is judged of its rows, and what is left once a part has passed."""

    steady: tuple[str, ...]
    whole: Judging
    rest: Judging


class PassedParts:
    """The steady parts of rows that passed one gate; beyond *at_most* all are forgotten, and judged anew."""

    def __init__(self, rulebook: Rulebook, at_most: int = MAX_PARTS) -> None:
        self._rulebook = rulebook
        self._at_most = at_most
        self._sides: dict[str, _Sides] = {}
        self._parts: set[Part] = set()

    def part(self, row: PlannedRow, as_of: str) -> Part:
        """Return the part of *row* that comes again, type-true: ``1``, ``1.0`` and ``True`` are three."""
        steady = self._sides_of(row.table).steady
        # What the plan leaves out is no cell, and not None either.
        cells = [row.values.get(name, ...) for name in steady]
        return (row.table, as_of, repr(cells), *row.keys)

    def judging(self, table: str, part: Part) -> Judging:
        """Return what is to be judged of a row of *table* with this *part*."""
        sides = self._sides_of(table)
        return sides.rest if part in self._parts else sides.whole

    def remember(self, parts: Iterable[Part]) -> None:
        """Keep the *parts* of a plan without findings."""
        if len(self._parts) >= self._at_most:
            self._parts.clear()
        self._parts.update(parts)

    def _sides_of(self, table: str) -> _Sides:
        if table not in self._sides:
            self._sides[table] = _divide(self._rulebook.schema.tables[table], self._rulebook)
        return self._sides[table]


def _divide(table: Table, rulebook: Rulebook) -> _Sides:
    pairs = ((one.column,) for one in rulebook.polymorphic.get(table.id, ()))
    keys = (*table.unique_sets, *(key.columns for key in table.foreign_keys), *pairs)
    changing = {name for columns in keys for name in columns}
    steady = tuple(column.name for column in table.columns if column.name not in changing)
    told = {("as_of",), *((name,) for name in steady)}
    conditions = rulebook.conditions(table)
    return _Sides(
        steady,
        Judging(table.columns, _by_validator(conditions)),
        Judging(
            [column for column in table.columns if column.name in changing],
            _by_validator([one for one in conditions if not names(one.expr) <= told]),
        ),
    )


def _by_validator(conditions: Sequence[Condition]) -> Mapping[str, Sequence[Condition]]:
    found: dict[str, list[Condition]] = defaultdict(list)
    for condition in conditions:
        found[condition.validator].append(condition)
    return found
