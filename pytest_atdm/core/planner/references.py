"""Which references of a row its conditions ask for, before there are values: by NULL or not, and by which is the same.

Keys have stand-ins here: equal where the keys will be, in the order of the rows. All other columns count as unknown.
"""

from __future__ import annotations

from functools import cached_property
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Literal
from pytest_atdm.core.constraints import read_shapes
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError
from pytest_atdm.core.types import base_type, to_cell, to_operand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.expressions import Parts, Value
    from pytest_atdm.core.planner.drafts import Draft
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import ForeignKey

#: At most so many optional references are added together; a CHECK that wants more is rare, and subsets are many.
_MOST_TOGETHER: Final = 3
#: A column with more values is left open; so many combinations of the values of several are gone through.
_FEW: Final = 12
_MOST_CHOICES: Final = 256
#: The first stand-in for a key: whatever constant a condition names, it does not name this.
_FIRST: Final = 1_503_238_553


class References:
    """The references of one draft under the conditions of its table; *numbers* are the places of planned rows."""

    def __init__(self, draft: Draft, rulebook: Rulebook, numbers: Mapping[int, int]) -> None:
        self._draft = draft
        self._rulebook = rulebook
        self._numbers = {row: _FIRST + place for row, place in numbers.items()}
        self._keys = draft.shape.foreign_keys
        self._columns = {name for key in self._keys for name in key.columns}
        self._own_keys = {column.name for column in draft.shape.columns if column.sequence}
        self._own_keys |= {name for key in self._keys if key.parent == draft.table for name in key.parent_columns}
        self._columns |= self._own_keys
        self._conditions = [one for one in rulebook.conditions(draft.shape) if self._is_telling(one)]

    def find_missing(self, optional: Sequence[ForeignKey]) -> tuple[ForeignKey, ...]:
        """Return the fewest of *optional* that must refer to a row, so that no condition is false for certain.

        Empty where none is needed, and where none helps. Conditions that are false anyway do not count.
        """
        if self._holds_as_it_is(optional):
            return ()
        for size in range(1, min(len(optional), _MOST_TOGETHER) + 1):
            for keys in combinations(optional, size):
                if self._holds({key.name: self._next(place) for place, key in enumerate(keys)}):
                    return keys
        return ()

    def find_parted(self, movable: Sequence[ForeignKey]) -> ForeignKey | None:
        """Return the reference that needs a row of its own, made after all others; None where none does, or helps."""
        if self._holds_as_it_is(movable):
            return None
        return next((key for key in movable if self._holds({key.name: self._next(0)})), None)

    def _holds_as_it_is(self, keys: Sequence[ForeignKey]) -> bool:
        """Return whether no condition is false for certain but those that name no column of *keys*.

        These are forgotten: they must not hide what can be helped.
        """
        if self._holds({}):
            return True
        columns = {name for key in keys for name in key.columns}
        self._conditions = [
            one for one in self._conditions if not one.columns.isdisjoint(columns) or self._holds({}, (one,))
        ]
        return self._holds({})

    def _next(self, place: int) -> int:
        return _FIRST + len(self._numbers) + 1 + place

    def _is_telling(self, condition: Condition) -> bool:
        return condition.is_local and not condition.columns.isdisjoint(self._columns)

    def _holds(self, changes: Mapping[str, int], conditions: Sequence[Condition] = ()) -> bool:
        """Return whether none of *conditions*, or of all, is false for certain, were *changes* made.

        *changes* are numbers of rows by key.
        """
        cells = self._stand_ins(changes)
        asked = conditions or self._conditions
        return any(self._holds_for({**cells, **chosen}, asked) for chosen in self._iter_choices(cells))

    def _holds_for(self, cells: Mapping[str, Value], conditions: Sequence[Condition]) -> bool:
        def look_up(parts: Parts) -> Value:
            return cells.get(parts[0], UNDECIDED)

        for condition in conditions:
            try:
                if condition.evaluate(look_up) is False:
                    return False
            except EvaluationError:
                continue
        return True

    def _iter_choices(self, cells: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
        """Yield the ways to choose the columns with few values, such as the one that says which reference is set."""
        open_ones = {name: choices for name, choices in self._choices.items() if name not in cells}
        for values in islice(product(*open_ones.values()), _MOST_CHOICES):
            yield dict(zip(open_ones, values, strict=True))

    @cached_property
    def _choices(self) -> dict[str, tuple[Value, ...]]:
        named = {name for condition in self._conditions for name in condition.columns} - self._columns
        found = {name: self._few_values(name) for name in sorted(named)}
        return {name: values for name, values in found.items() if values}

    def _few_values(self, name: str) -> tuple[Value, ...]:
        """Return all values of a column that must have one, where they are few; else nothing."""
        column = self._draft.shape.column_by_name[name]
        if column.nullable or column.filled_by_database:
            return ()
        base = base_type(column.type, self._rulebook.schema)
        alone = self._conditions_on(name)
        choices = [shape.choices for shape in read_shapes(name, [one.expr for one in alone])]
        if alone and choices and all(one is not None for one in choices):
            values = tuple(dict.fromkeys(value for one in choices for value in one or ()))
        else:
            labels = (False, True) if base == "boolean" else self._rulebook.schema.enums.get(base, ())
            values = tuple(_read(column.type, one, self._rulebook) for one in labels)
        return tuple(one for one in values if self._holds_for({name: one}, alone)) if len(values) <= _FEW else ()

    def _conditions_on(self, name: str) -> list[Condition]:
        conditions = self._rulebook.conditions(self._draft.shape)
        return [one for one in conditions if one.is_local and one.columns == {name}]

    def _stand_ins(self, changes: Mapping[str, int]) -> dict[str, Value]:
        own = self._numbers[id(self._draft)]
        constants = self._rulebook.constants(self._draft.shape)
        cells = {name: constants.get(name, own) for name in self._own_keys}
        for key in self._keys:
            for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
                shape = self._draft.shape.column_by_name[column]
                if key.name in changes:
                    cells[column] = changes[key.name]
                elif key.name in self._draft.links:
                    cells[column] = self._linked(key, parent_column)
                elif shape.default is None and shape.nullable:
                    cells.setdefault(column, None)
        return {**cells, **self._given()}

    def _linked(self, key: ForeignKey, parent_column: str) -> Value:
        parent = self._draft.links[key.name]
        table = self._rulebook.schema.tables[key.parent]
        if id(parent) in self._numbers:
            return self._rulebook.constants(table).get(parent_column, self._numbers[id(parent)])
        column = table.column_by_name[parent_column]
        return _read(column.type, parent.values.get(parent_column), self._rulebook)

    def _given(self) -> dict[str, Value]:
        columns = self._draft.shape.column_by_name
        return {
            name: _read(columns[name].type, given.value, self._rulebook) if isinstance(given, Literal) else UNDECIDED
            for name, given in self._draft.given.items()
        }


def _read(type: str, value: object, rulebook: Rulebook) -> Value:
    try:
        return to_operand(type, to_cell(type, value, rulebook.schema), rulebook.schema)
    except ValueError:
        return UNDECIDED
