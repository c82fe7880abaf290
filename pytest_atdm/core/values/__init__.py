"""Deterministic values for a column that satisfy conditions: the most likely first, tried before they are given."""

from __future__ import annotations

import json
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Final

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
from pytest_atdm.core.types import base_type, to_cell, to_python
from pytest_atdm.core.values.kinds import iter_kind
from pytest_atdm.core.values.stream import Stream
from pytest_atdm.core.values.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from pytest_atdm.core.constraints import Shape
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Domain, Schema

__all__ = ("Stream", "candidates")

#: So many candidates at most, out of so many draws.
MAX_CANDIDATES: Final = 200
MAX_DRAWS: Final = 1000


def candidates(
    column: Column, schema: Schema, conditions: Sequence[Expr], stream: Stream, *, unique: bool, as_of: date
) -> Iterator[Cell]:
    """Yield cells for *column* that satisfy *conditions* and the CHECKs of its domain, each once, at most 200.

    *conditions* name nothing but ``(column.name,)``. One that cannot be judged here lets a value pass. NULL is yielded
    only where a condition demands it. *unique* spreads the values over all that the conditions allow, so that two
    streams hardly ever meet; otherwise values are usual: small numbers, dates of the five years before *as_of*.
    """
    wanted = (*conditions, *_domain_conditions(column, schema))
    passes = _make_judge(column, schema, wanted)
    draws = _draw(column, schema, wanted, stream, unique=unique, as_of=as_of)
    return islice(filter(passes, _distinct(islice(draws, MAX_DRAWS))), MAX_CANDIDATES)


def _domain_conditions(column: Column, schema: Schema) -> Iterator[Expr]:
    for domain in _iter_domains(column.type, schema):
        for check in domain.checks:
            yield rename(parse(check.expression, source=check.name), lambda _: (column.name,))


def _iter_domains(type: str, schema: Schema) -> Iterator[Domain]:
    while type in schema.domains:
        yield schema.domains[type]
        type = schema.domains[type].type


def _make_judge(column: Column, schema: Schema, conditions: Sequence[Expr]) -> Callable[[Cell], bool]:
    evaluators = [compile_expression(condition) for condition in conditions]

    def passes(cell: Cell) -> bool:
        try:
            value = to_python(column.type, cell, schema)
            return all(
                holds(evaluate(lambda parts: value if parts == (column.name,) else UNDECIDED))
                for evaluate in evaluators
            )
        except ValueError:
            return False  # no value of the type, or the database would raise

    return passes


def _distinct(cells: Iterator[Cell]) -> Iterator[Cell]:
    seen = set()
    for cell in cells:
        key = json.dumps(cell, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield cell


def _draw(
    column: Column, schema: Schema, conditions: Sequence[Expr], stream: Stream, *, unique: bool, as_of: date
) -> Iterator[Cell]:
    """Draw from each shape in turn, then from the constants that the conditions mention."""
    literals = [value for condition in conditions for value in iter_literals(condition)]
    base = base_type(column.type, schema)

    def draw_shape(shape: Shape) -> Iterator[Cell]:
        if shape.null:
            return iter((None,))
        if shape.choices is not None:
            return _iter_cells(base, stream.shuffled(shape.choices), schema)
        if base.rstrip("[]") in schema.enums and not base.endswith("]"):
            return iter(stream.shuffled(schema.enums[base]))
        if base.endswith("]"):
            return _iter_arrays(column, schema, literals, stream, unique=unique, as_of=as_of)
        wish = Wish(name=column.name, kind=parse_type(base), shape=shape, stream=stream, unique=unique, as_of=as_of)
        return iter_kind(wish)

    shapes = read_shapes(column.name, conditions)
    return chain(
        islice(_in_turn([draw_shape(shape) for shape in shapes]), MAX_DRAWS - len(literals)),
        _iter_cells(base, literals, schema),
    )


def _in_turn(sources: Sequence[Iterator[Cell]]) -> Iterator[Cell]:
    missing = object()
    for row in zip_longest(*sources, fillvalue=missing):
        yield from (cell for cell in row if cell is not missing)  # type: ignore[misc]


def _iter_cells(base: str, values: Sequence[Value], schema: Schema) -> Iterator[Cell]:
    for value in values:
        try:
            cell = to_cell(base, value, schema)
        except ValueError:
            continue
        if cell is not None:
            yield cell


def _iter_arrays(
    column: Column, schema: Schema, literals: Sequence[Value], stream: Stream, *, unique: bool, as_of: date
) -> Iterator[Cell]:
    """Arrays of one element, of none, of several; first those of what the conditions mention."""
    element = Column(name=column.name, type=_element_type(column.type, schema))
    mentioned = _iter_cells(element.type, literals, schema)
    items: list[Cell] = []
    for item in chain(mentioned, candidates(element, schema, (), stream, unique=unique, as_of=as_of)):
        items = [*items[-3:], item]
        yield [item]
        yield list(items)
        if not unique:
            yield []


def _element_type(type: str, schema: Schema) -> str:
    while type in schema.domains:
        type = schema.domains[type].type
    return type.removesuffix("[]")
