"""What two schemas differ in, field by field: whatever joins the value later is compared without new code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.schema import Schema

ChangeKind = Literal["added", "removed", "changed", "reordered"]
Path: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. *path* leads to it: ``("tables", "public.orders", "columns", "status", "type")``.

    *before* and *after* are what stands there; None where nothing did or does. Of a collection that is *reordered* they
    are the names of the parts that stayed, in their order.
    """

    kind: ChangeKind
    path: Path
    before: object = None
    after: object = None


def compare_schemas(before: Schema, after: Schema) -> tuple[Change, ...]:
    """Return all that differs, in the order of the fields, then by name; nothing exactly where the schemas are equal.

    Of what is added or removed as a whole the parts are not told one by one.
    """
    return tuple(_compare((), before, after))


def _compare(path: Path, before: object, after: object) -> Iterator[Change]:
    if before == after:
        return
    old, new = _find_parts(before), _find_parts(after)
    if old is None or new is None:
        yield Change(kind="changed", path=path, before=before, after=after)
        return
    for name in sorted({*old, *new}) if not dataclasses.is_dataclass(after) else new:
        if name not in new:
            yield Change(kind="removed", path=(*path, name), before=old[name])
        elif name not in old:
            yield Change(kind="added", path=(*path, name), after=new[name])
        else:
            yield from _compare((*path, name), old[name], new[name])
    if isinstance(after, tuple):
        yield from _compare_order(path, [name for name in old if name in new], [name for name in new if name in old])


def _compare_order(path: Path, before: list[str], after: list[str]) -> Iterator[Change]:
    if before != after:
        yield Change(kind="reordered", path=path, before=tuple(before), after=tuple(after))


def _find_parts(value: object) -> Mapping[str, object] | None:
    """Return the parts of *value* by name; None where it is told as a whole.

    What stands in a tuple is called by its first field, as a column or constraint is by its name.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple):
        named = {str(name): item for item in value if (name := _find_name(item)) is not None}
        return named if len(named) == len(value) else None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _find_name(item: object) -> object:
    return getattr(item, dataclasses.fields(item)[0].name) if dataclasses.is_dataclass(item) else None
