"""What draws the values of a column instead of the planner, as the rules file says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.catalog.files import ColumnFile
    from pytest_atdm.core.catalog.yaml_reader import Document
    from pytest_atdm.core.model import Cell

#: So many values of a list are shown.
_SHOWN: Final = 3

GeneratorKind: TypeAlias = Literal["values", "pattern", "mimesis", "reference"]
#: Called with a name of mimesis, a locale, a seed, and the source for errors: yields values without end, the same for
#: the same seed. Raises CatalogError where there is no such name or locale, SettingError where it is not installed.
Mimesis: TypeAlias = Callable[[str, str, int, str], Iterator[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """The values of *column* of *table* (an unqualified name or an id) come from here.

    *text* is what stands in the file: the pattern, mimesis' name, the column referred to, or the first of *values*,
    which are those of a list. *draw* gives mimesis' values for a seed.
    """

    table: str
    column: str
    kind: GeneratorKind
    text: str
    source: str
    values: tuple[Cell, ...] = ()
    draw: Callable[[int], Iterator[object]] | None = None

    def __str__(self) -> str:
        """Say what it is and where it stands."""
        return f"{self.kind} {self.text} ({self.source})"


def read_generators(
    document: Document, columns: Mapping[str, ColumnFile], mimesis: Mimesis | None
) -> tuple[Generator, ...]:
    """Return the generators of a ``domain.yaml``, in the order of the file.

    Raises:
        CatalogError: a column without its table, or not exactly one way to draw; file and line are named.
    """
    return tuple(_read_generator(document, name, file, mimesis) for name, file in columns.items())


def _read_generator(document: Document, name: str, file: ColumnFile, mimesis: Mimesis | None) -> Generator:
    source = document.source(("columns", name))
    table, _, column = name.rpartition(".")
    if not table or not column:
        raise CatalogError(f'{source}: "{name}" is no column of a table', hint="write it as table.column")
    kinds: tuple[GeneratorKind, ...] = ("values", "pattern", "mimesis", "reference")
    given = [kind for kind in kinds if getattr(file, kind) is not None]
    if len(given) != 1:
        what = " and ".join(given) or "nothing"
        raise CatalogError(f'{source}: "{name}" has {what}', hint=f"give one of {', '.join(kinds)}")
    if file.locale is not None and file.mimesis is None:
        raise CatalogError(f'{source}: "{name}" has a locale, and does not use mimesis', hint="remove the locale")
    _check_pattern(file.pattern or "", source)
    return Generator(
        table=table,
        column=column,
        kind=given[0],
        text=file.pattern or file.mimesis or file.reference or _say_values(file.values or ()),
        source=source,
        values=tuple(file.values or ()),
        draw=_seeded(file.mimesis, file.locale or "en", source, mimesis) if file.mimesis else None,
    )


def _say_values(values: Sequence[Cell]) -> str:
    return ", ".join(str(value) for value in values[:_SHOWN]) + ", ..." * (len(values) > _SHOWN)


def _check_pattern(pattern: str, source: str) -> None:
    try:
        re.compile(pattern)
    except re.error as exc:
        raise CatalogError(
            f'{source}: "{pattern}" is no regular expression: {exc}', hint="write it as Python's re reads it"
        ) from exc


def _seeded(name: str, locale: str, source: str, mimesis: Mimesis | None) -> Callable[[int], Iterator[object]]:
    def draw(seed: int) -> Iterator[object]:
        if mimesis is None:
            raise CatalogError(f'{source}: mimesis is not at hand for "{name}"', hint="give a list or a pattern")
        return mimesis(name, locale, seed, source)

    return draw
