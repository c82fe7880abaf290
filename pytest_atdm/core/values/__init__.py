"""Deterministic values for a column that satisfy conditions: the most likely first, tried before they are given."""

from __future__ import annotations

import json
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.constraints import iter_literals, read_shapes
from pytest_atdm.core.expressions import (
    UNDECIDED,
    Expr,
    Value,
    compile_expression,
    holds,
    parse,
    rename,
)
from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.schema import Column
from pytest_atdm.core.types import base_type, to_cell, to_operand
from pytest_atdm.core.values.generated import iter_generated
from pytest_atdm.core.values.kinds import iter_kind
from pytest_atdm.core.values.ranges import BUILT_IN, iter_ranges
from pytest_atdm.core.values.stream import Stream
from pytest_atdm.core.values.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from pytest_atdm.core.catalog import Generator
    from pytest_atdm.core.constraints import Shape
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Domain, Schema

__all__ = ("MAX_CANDIDATES", "Drawer", "Stream")

#: So many candidates at most, out of so many draws.
MAX_CANDIDATES: Final = 200
MAX_DRAWS: Final = 1000
#: No cell at all; None is one.
_NONE: Final[Any] = object()


class Drawer:
    """Everything about the values of *column* under *conditions* that does not depend on who asks; made once, kept.

    *conditions* name nothing but ``(column.name,)``; the CHECKs of the column's domain are added. One that cannot be
    judged here lets a value pass. Where there is a *generator*, values come from it alone.
    """

    def __init__(
        self, column: Column, schema: Schema, conditions: Sequence[Expr], generator: Generator | None = None
    ) -> None:
        wanted = (*conditions, *_domain_conditions(column, schema))
        self._column = column
        self._schema = schema
        self._generator = generator
        self._base = base_type(column.type, schema)
        self._shapes = read_shapes(column.name, wanted)
        self._literals = [value for condition in wanted for value in iter_literals(condition)]
        self._evaluators = [compile_expression(condition) for condition in wanted]

    @property
    def demands_null(self) -> bool:
        """True where the conditions leave no value but NULL."""
        return all(shape.null for shape in self._shapes)

    def candidates(
        self, stream: Stream, *, unique: bool, as_of: date, again: bool = False, misses: int = 0
    ) -> Iterator[Cell]:
        """Yield cells that satisfy the conditions, each once, at most 200; NULL only where a condition demands it.

        *unique* spreads the values over all that the conditions allow, so that two streams hardly ever meet; otherwise
        values are usual: small numbers, dates of the five years before *as_of*. *again*: of several ways to satisfy the
        conditions the first is not preferred, for it may be what led nowhere; nor are usual values after *misses*.
        """
        draws = islice(self._draw(stream, unique=unique, as_of=as_of, again=again, misses=misses), MAX_DRAWS)
        return islice(filter(self._passes, _distinct(draws)), MAX_CANDIDATES)

    def _passes(self, cell: Cell) -> bool:
        try:
            value = to_operand(self._column.type, cell, self._schema)
            subject = (self._column.name,)
            return all(
                holds(evaluate(lambda parts: value if parts == subject else UNDECIDED)) for evaluate in self._evaluators
            )
        except ValueError:
            return False  # no value of the type, or the database would raise

    def _draw(self, stream: Stream, *, unique: bool, as_of: date, again: bool, misses: int) -> Iterator[Cell]:
        """Draw from the generator, or from each shape in turn, then from the constants of the conditions."""
        if self._generator is not None:
            drawn = iter_generated(self._generator, self._base, stream, unique=unique)
            return _iter_cells(self._base, islice(drawn, MAX_DRAWS), self._schema)
        shapes = stream.shuffled(self._shapes) if again and len(self._shapes) > 1 else self._shapes
        sources = [self._draw_shape(shape, stream, unique=unique, as_of=as_of, misses=misses) for shape in shapes]
        return chain(
            islice(_in_turn(sources), MAX_DRAWS - len(self._literals)),
            _iter_cells(self._base, self._literals, self._schema),
        )

    def _draw_shape(self, shape: Shape, stream: Stream, *, unique: bool, as_of: date, misses: int) -> Iterator[Cell]:
        if shape.null:
            return iter((None,))
        if shape.choices is not None:
            return _iter_cells(self._base, stream.shuffled(shape.choices), self._schema)
        if self._base in self._schema.enums:
            return iter(stream.shuffled(self._schema.enums[self._base]))
        if self._base.endswith("]"):
            return self._iter_arrays(stream, unique=unique, as_of=as_of)
        if self._base in self._schema.composites:
            return self._iter_composites(stream, unique=unique, as_of=as_of)
        kind = parse_type(self._base)
        name = self._column.name
        wish = Wish(name=name, kind=kind, shape=shape, stream=stream, unique=unique, as_of=as_of, misses=misses)
        subtype = self._schema.ranges.get(self._base) or BUILT_IN.get(self._base)
        return iter_ranges(wish, subtype, self._schema.ranges) if subtype else iter_kind(wish)

    def _iter_composites(self, stream: Stream, *, unique: bool, as_of: date) -> Iterator[Cell]:
        """Values with every attribute set."""
        attributes = self._schema.composites[self._base]
        drawn = {
            one.name: Drawer(Column(name=one.name, type=one.type), self._schema, ()).candidates(
                stream, unique=unique, as_of=as_of
            )
            for one in attributes
        }
        for cells in zip(*drawn.values(), strict=False):
            yield dict(zip(drawn, cells, strict=True))

    def _iter_arrays(self, stream: Stream, *, unique: bool, as_of: date) -> Iterator[Cell]:
        """Arrays of one element, of none, of several; first those of what the conditions mention."""
        element = Column(name=self._column.name, type=_element_type(self._column.type, self._schema))
        mentioned = _iter_cells(element.type, self._literals, self._schema)
        drawn = Drawer(element, self._schema, ()).candidates(stream, unique=unique, as_of=as_of)
        items: list[Cell] = []
        for item in chain(mentioned, drawn):
            items = [*items[-3:], item]
            yield [item]
            yield list(items)
            if not unique:
                yield []


def _domain_conditions(column: Column, schema: Schema) -> Iterator[Expr]:
    for domain in _iter_domains(column.type, schema):
        for check in domain.checks:
            yield rename(parse(check.expression, source=check.name), lambda _: (column.name,))


def _iter_domains(type: str, schema: Schema) -> Iterator[Domain]:
    while type in schema.domains:
        yield schema.domains[type]
        type = schema.domains[type].type


def _distinct(cells: Iterator[Cell]) -> Iterator[Cell]:
    first = next(cells, _NONE)
    if first is _NONE:
        return
    yield first  # hardly anybody asks for a second
    seen = {_key(first)}
    for cell in cells:
        key = _key(cell)
        if key not in seen:
            seen.add(key)
            yield cell


def _key(cell: Cell) -> object:
    """Return what equal cells of one type have in common."""
    return cell if isinstance(cell, str) else (json.dumps(cell, sort_keys=True),)


def _in_turn(sources: Sequence[Iterator[Cell]]) -> Iterator[Cell]:
    if len(sources) == 1:
        yield from sources[0]
        return
    for row in zip_longest(*sources, fillvalue=_NONE):
        yield from (cell for cell in row if cell is not _NONE)


def _iter_cells(base: str, values: Iterable[Value], schema: Schema) -> Iterator[Cell]:
    for value in values:
        try:
            cell = to_cell(base, value, schema)
        except ValueError:
            continue
        if cell is not None:
            yield cell


def _element_type(type: str, schema: Schema) -> str:
    while type in schema.domains:
        type = schema.domains[type].type
    return type.removesuffix("[]")
