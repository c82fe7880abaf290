"""What a caller asks for on top of a scenario: parameters and columns, checked against the catalog.

Keys of the caller: a parameter's name; an entity's name with a mapping of columns; ``entity__column``. Values are
always literal: nothing a caller passes is read as an expression or a relation.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeGuard

from pytest_atdm.core.errors import OverrideError
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.catalog.scenario import Parameter, Scenario
    from pytest_atdm.core.model import Cell


@dataclass(frozen=True, slots=True)
class Overrides:
    """*parameters* has a value for every parameter of the scenario; *cells* maps (entity, column) to a Python value."""

    parameters: Mapping[str, Cell]
    cells: Mapping[tuple[str, str], object]


def read_overrides(scenario: Scenario, overrides: Mapping[str, object]) -> Overrides:
    """Return *overrides* sorted into parameters and cells.

    Raises:
        OverrideError: an unknown key, a cell given twice, a value of the wrong type or out of range; the key is named.
    """
    parameters = {name: parameter.default for name, parameter in scenario.parameters.items()}
    cells: dict[tuple[str, str], object] = {}
    for key, value in overrides.items():
        if key in scenario.parameters:
            parameters[key] = check_parameter(scenario.parameters[key], value, where=f"{scenario.id}: {key}")
            continue
        for cell, part in _read_cells(scenario, key, value):
            if cell in cells:
                raise OverrideError(f'{scenario.id}: "{cell[0]}.{cell[1]}" is given twice', hint="give it once")
            cells[cell] = part
    return Overrides(parameters, cells)


def _read_cells(scenario: Scenario, key: str, value: object) -> Iterator[tuple[tuple[str, str], object]]:
    if key in scenario.entities:
        if not isinstance(value, dict):
            raise OverrideError(
                f'{scenario.id}: "{key}" is an entity, and {value!r} is not a mapping of columns',
                hint=f"write {key}={{'column': value}} or {key}__column=value",
            )
        yield from (((key, str(column)), part) for column, part in value.items())
        return
    entity, _, column = _split(scenario, key)
    yield (entity, column), value


def _split(scenario: Scenario, key: str) -> tuple[str, str, str]:
    for separator in ("__", "."):
        entity, found, column = key.partition(separator)
        if found and column and entity in scenario.entities:
            return entity, found, column
    known = [*scenario.parameters, *scenario.entities]
    raise OverrideError(
        f'{scenario.id}: unknown override "{key}"',
        hint=suggest(key.partition("__")[0].partition(".")[0], known, "override"),
    )


def check_parameter(parameter: Parameter, value: object, *, where: str) -> Cell:
    """Return *value* as the parameter's cell (dates as ISO-8601 text).

    Raises:
        OverrideError: wrong type, outside minimum and maximum, or none of the choices.
    """
    cell = _typed_cell(parameter, value, where)
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and _below(cell, low)) or (high is not None and _below(high, cell)):
        raise OverrideError(f"{where} is {cell!r}, outside its limits", hint=f"choose a value {_limits(parameter)}")
    if parameter.choices is not None and cell not in parameter.choices:
        raise OverrideError(f"{where} is {cell!r}", hint=f"choose one of {list(parameter.choices)!r}")
    return cell


def _typed_cell(parameter: Parameter, value: object, where: str) -> Cell:
    if parameter.type == "integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if parameter.type == "number" and _is_finite(value):
        return value if isinstance(value, int) else float(value)
    if parameter.type == "text" and isinstance(value, str):
        return value
    if parameter.type == "boolean" and isinstance(value, bool):
        return value
    if parameter.type == "date" and (date := _as_date(value)) is not None:
        return date.isoformat()
    raise OverrideError(f"{where} is {value!r}", hint=f"give a value of type {parameter.type}")


def _is_finite(value: object) -> TypeGuard[int | float | Decimal]:
    """Return whether *value* is a number that limits can bound and JSON can say: neither NaN nor an infinity."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)


def _as_date(value: object) -> datetime.date | None:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _below(first: object, second: object) -> bool:
    """Compare numbers as numbers and ISO dates as text, which sorts alike."""
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first < second
    return str(first) < str(second)


def _limits(parameter: Parameter) -> str:
    low = f"from {parameter.minimum}" if parameter.minimum is not None else ""
    high = f"up to {parameter.maximum}" if parameter.maximum is not None else ""
    return f"{low} {high}".strip()
