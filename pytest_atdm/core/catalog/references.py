"""What refers to what without a foreign key, as the rules file says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.catalog.files import VirtualReferenceFile
    from pytest_atdm.core.catalog.yaml_reader import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTarget:
    """Rows of *table* that are referred to by *columns*, or by their primary key where there are none.

    *value* is what the discriminator holds then; empty where there is no discriminator.
    """

    table: str
    columns: tuple[str, ...]
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualReference:
    """*columns* of *table* refer to the one target; with a discriminator *by*, to the one whose value it holds."""

    table: str
    columns: tuple[str, ...]
    targets: tuple[ReferenceTarget, ...]
    by: str
    source: str


def read_references(document: Document, files: Sequence[VirtualReferenceFile]) -> tuple[VirtualReference, ...]:
    """Return the references of a ``domain.yaml``, in the order of the file.

    Raises:
        CatalogError: a discriminator without its targets, or targets without one; file and line are named.
    """
    return tuple(_read_reference(file, document.source(("references", index))) for index, file in enumerate(files))


def _read_reference(file: VirtualReferenceFile, source: str) -> VirtualReference:
    if (file.by is None) != isinstance(file.to, str):
        raise CatalogError(
            f'{source}: "by" goes with several targets',
            hint='write "to: table", or "by: column" and "to: {value: table.column}"',
        )
    if file.by is not None and (len(file.columns) > 1 or file.to_columns is not None):
        raise CatalogError(
            f'{source}: with "by" one column refers to one of each target', hint='write "to: {value: table.column}"'
        )
    targets = _iter_targets(file, source)
    return VirtualReference(
        table=file.table, columns=tuple(file.columns), targets=tuple(targets), by=file.by or "", source=source
    )


def _iter_targets(file: VirtualReferenceFile, source: str) -> Iterator[ReferenceTarget]:
    if isinstance(file.to, str):
        yield ReferenceTarget(table=file.to, columns=tuple(file.to_columns or ()))
        return
    for value, place in file.to.items():
        table, _, column = place.rpartition(".")
        if not table or not column:
            raise CatalogError(f'{source}: "{place}" is no column of a table', hint="write it as table.column")
        yield ReferenceTarget(table=table, columns=(column,), value=value)
