"""Annotations of columns and entities, in words that no attribute of a class hides, and the imports that they need."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.types import base_type, python_class
from pytest_atdm.emit.names import name_uniquely, to_class_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._types.shapes import Rows, Shapes
    from pytest_atdm.core.schema import Column, Table

#: The class that all scenarios' classes extend.
BASE: Final = "ScenarioData"
#: Everything that the module is made of, and where it is imported from.
_HOMES: Final = {
    **dict.fromkeys(("bool", "bytes", "dict", "float", "int", "str", "tuple"), "builtins"),
    **dict.fromkeys(("Any", "Literal", "Protocol", "overload"), "typing"),
    **dict.fromkeys(("Iterator", "Mapping"), "collections.abc"),
    **dict.fromkeys(("Facts", "Row"), "pytest_atdm"),
    "Decimal": "decimal",
    "Interval": "pytest_atdm.core.expressions.interval",
    "UUID": "uuid",
    "dataclass": "dataclasses",
    "datetime": "",
}


class Annotations:
    """Writes annotations for *shapes*, and notes which imports they need.

    ``scenarios`` (by id), ``rows`` and ``enums`` (by type) are the names of the module's classes, in their order.
    """

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        kinds = shapes.kinds
        attributes = {name for _, name in shapes.rows} | {name for rows in kinds for name in rows.columns}
        self._words = name_uniquely(sorted(_HOMES), str, attributes)
        taken = {*attributes, *_HOMES, *self._words.values(), BASE}
        self.scenarios = name_uniquely([scenario.id for scenario in shapes.scenarios], to_class_name, taken)
        taken.update(self.scenarios.values())
        self.rows = name_uniquely(kinds, shapes.propose_class_name, taken)
        taken.update(self.rows.values())
        self.enums = name_uniquely(shapes.enums, to_class_name, taken)
        self._used: set[tuple[str, str]] = set()

    def word(self, name: str) -> str:
        """Return what *name* is called within classes; in all of the module where none of their attributes has it."""
        self._used.add((name, self._words[name]))
        return self._words[name]

    def use(self, *names: str) -> None:
        """Note that the module says *names* outside of classes."""
        self._used.update((name, name) for name in names)

    def write_column(self, table: Table, column: Column) -> str:
        """Return the annotation of a column: what ``to_python`` makes of its cells."""
        found = python_class(column.type, self._shapes.schema)
        if found is object:
            return self.word("Any")
        type = base_type(column.type, self._shapes.schema)
        parts = [self.enums[type] if type in self.enums else self._write_class(found)]
        if found in (datetime.date, datetime.datetime) and (table.id, column.name) in self._shapes.infinite:
            parts.append(self.word("str"))
        return " | ".join(parts + ["None"] * column.nullable)

    def write_entity(self, rows: Rows, *, many: bool) -> str:
        """Return the annotation of an entity."""
        return f"{self.word('tuple')}[{self.rows[rows]}, ...]" if many else self.rows[rows]

    def render_imports(self) -> str:
        """Return the lines that import what has been used so far, sorted as ruff sorts them."""
        sections: dict[bool, list[str]] = defaultdict(list)
        for home, names, alias in sorted(self._find_imports(), key=lambda found: (found[0], found[1][0], found[2])):
            line = f"from {home} import {', '.join(names)}" if home else f"import {names[0]}"
            sections[home.startswith("pytest_atdm")].append(line + (f" as {alias}" if alias else ""))
        return "\n\n".join("\n".join(lines) for _, lines in sorted(sections.items()))

    def _find_imports(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """Yield where names come from, the names, and the other name that a name alone gets."""
        names: dict[str, list[str]] = defaultdict(list)
        for name, alias in sorted(self._used):
            if alias != name:
                yield _HOMES[name], (name,), alias
            elif _HOMES[name] != "builtins":
                names[_HOMES[name]].append(name)
        yield from ((home, tuple(found), "") for home, found in names.items())

    def _write_class(self, kind: type) -> str:
        if kind is tuple:
            return f"{self.word('tuple')}[{self.word('Any')}, ...]"
        if kind is dict:
            return f"{self.word('dict')}[{self.word('str')}, {self.word('Any')}]"
        return f"{self.word('datetime')}.{kind.__name__}" if kind.__module__ == "datetime" else self.word(kind.__name__)
