"""The names by which a catalog may call a foreign key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.schema import ForeignKey, Table


def find_relations(table: Table) -> Mapping[str, ForeignKey]:
    """Return the foreign keys of *table* by name.

    A key over one column is called by the column (``owner_id``), by that without ``_id`` or without the parent's column
    (``owner``); every key is called by its constraint, and by the parent's table where it is the only one to go there.
    A name that would mean two keys, or another column, means neither.
    """
    named = [(name, key) for key in table.foreign_keys for name in _names(key, table)]
    counts = Counter(name for name, _ in named)
    return {name: key for name, key in named if counts[name] == 1}


def _names(key: ForeignKey, table: Table) -> Iterator[str]:
    names = {key.name}
    if sum(other.parent == key.parent for other in table.foreign_keys) == 1:
        names.add(key.parent.partition(".")[2])
    if len(key.columns) == 1:
        column = key.columns[0]
        names |= {column, column.removesuffix("_id"), column.removesuffix(f"_{key.parent_columns[0]}")}
    yield from (name for name in names if name in key.columns[:1] or name not in table.column_by_name)
