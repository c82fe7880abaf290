"""Cells for the server to judge: what the text of a CHECK mentions, what the type offers, NULL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.constraints import iter_literals
from pytest_atdm.core.types import base_type, to_cell
from pytest_atdm.core.values import Drawer, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from pytest_atdm.core.expressions import Expr
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, Table

#: So many drawn values of each column, beside those that the CHECK mentions.
_DRAWN: Final = 12


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
    cells: list[Cell] = list(_mentioned(column, check, rulebook))
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
