"""Cells for the server to judge: what the text of a CHECK mentions, what the type offers, NULL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.constraints import iter_literals
from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.model import Cell
from pytest_atdm.core.types import base_type, to_cell
from pytest_atdm.core.values import Drawer, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from pytest_atdm.core.expressions import Expr
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, Table

#: So many drawn values of each column, beside those that the CHECK mentions.
_DRAWN: Final = 12
#: Values that conditions like, by type: whole, round, small.
_PLAIN: Final[dict[str, tuple[Cell, ...]]] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision", "money"), (0, 1, 2, -1)),
    "interval": ("00:00:00", "1 day", "01:00:00", "1 mon"),
    "boolean": (True, False),
    **dict.fromkeys(("text", "character varying", "citext"), ("", "a", "A", "1", "a@example.test", "a-b")),
    **dict.fromkeys(("json", "jsonb"), ({}, [], {"type": "a"}, "a", 1, True)),
    "point": ("(0,0)",),
}


def iter_candidates(
    columns: Sequence[Column],
    check: Expr,
    rulebook: Rulebook,
    table: Table,
    *,
    stream: tuple[str | int, ...],
    as_of: date,
) -> Iterator[dict[str, Cell]]:
    """Yield cells for *columns* (of *table*): first one column changed at a time, then any of all together."""
    options = {
        column.name: _options(column, check, rulebook, table, Stream(*stream, column.name), as_of) for column in columns
    }
    for name, cells in options.items():
        for cell in cells:
            yield {name: cell}
    if len(options) > 1:
        draw = Stream(*stream, "together")
        while True:
            yield {name: draw.choice(cells) for name, cells in options.items()}


def _options(column: Column, check: Expr, rulebook: Rulebook, table: Table, stream: Stream, as_of: date) -> list[Cell]:
    schema = rulebook.schema
    single = [one.expr for one in rulebook.conditions(table) if one.is_local and one.columns == {column.name}]
    drawer = Drawer(column, schema, [expr for expr in single if expr != check])
    drawn = drawer.candidates(stream, unique=False, as_of=as_of)
    base = base_type(column.type, schema)
    cells: list[Cell] = [*_mentioned(column, check, rulebook), *_PLAIN.get(parse_type(base).name, ())]
    if base.endswith("]"):
        cells.append([])
    cells += itertools.islice(drawn, _DRAWN)
    if column.nullable:
        cells.append(None)
    return cells or [None]


def _mentioned(column: Column, check: Expr, rulebook: Rulebook) -> Iterator[Cell]:
    base = base_type(column.type, rulebook.schema)
    for value in iter_literals(check):
        try:
            cell = to_cell(base, value, rulebook.schema)
        except ValueError:
            continue
        if cell is not None:
            yield cell
