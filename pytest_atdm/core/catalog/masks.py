"""What a baseline holds instead of a column's values, as the rules file says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog.yaml_reader import Document
    from pytest_atdm.core.model import Cell

CONSTANT: Final = "constant"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_HINT: Final = "write hash, format, generator, null, {constant: value}, or the name of an installed strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """The values of *column* of *table* (an unqualified name or an id) are replaced by *strategy* in a baseline.

    *constant* is the value that all get where the strategy is ``constant``.
    """

    table: str
    column: str
    strategy: str
    source: str
    constant: Cell = None

    def __str__(self) -> str:
        """Say what it is and where it stands."""
        return f"{self.strategy} ({self.source})"


def read_masks(document: Document, masks: Mapping[str, Cell]) -> tuple[Mask, ...]:
    """Return the masks of a ``domain.yaml``, in the order of the file.

    Raises:
        CatalogError: a column without its table, or what is no strategy; file and line are named.
    """
    return tuple(_read_mask(name, value, document.source(("masks", name))) for name, value in masks.items())


def _read_mask(name: str, value: Cell, source: str) -> Mask:
    table, _, column = name.rpartition(".")
    if not table or not column:
        raise CatalogError(f'{source}: "{name}" is no column of a table', hint="write it as table.column")
    if isinstance(value, dict):
        constant = _read_constant(name, value, source)
        return Mask(table=table, column=column, strategy=CONSTANT, source=source, constant=constant)
    strategy = "null" if value is None else value
    if not isinstance(strategy, str) or not _NAME.fullmatch(strategy) or strategy == CONSTANT:
        raise CatalogError(f'{source}: "{name}": {value!r} is no strategy', hint=_HINT)
    return Mask(table=table, column=column, strategy=strategy, source=source)


def _read_constant(name: str, value: Mapping[str, Cell], source: str) -> Cell:
    if set(value) != {CONSTANT}:
        raise CatalogError(f'{source}: "{name}": a mapping has the key {CONSTANT} and no other', hint=_HINT)
    if value[CONSTANT] is None:
        raise CatalogError(f'{source}: "{name}": the constant is null', hint="write null in place of the mapping")
    return value[CONSTANT]
