"""What two schemas differ in."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from hypothesis import given

from pytest_atdm.core import schema as definitions
from pytest_atdm.core.schema import Attribute, Check, Column, Schema
from pytest_atdm.core.schema_diff import Change, compare_schemas
from tests.core.schemas import schemas, table

if TYPE_CHECKING:
    from collections.abc import Iterator

ID: Final = Column(name="id", type="bigint", nullable=False)
NOTE: Final = Column(name="note", type="text")
ORDERS: Final = table("orders", ID, NOTE, checks=(Check(name="said", expression="(note <> '')"),))
SHOP: Final = Schema(tables={ORDERS.id: ORDERS}, enums={"mood": ("sad", "ok")})
AT_ORDERS: Final = ("tables", "public.orders")


def change_orders(**changes: Any) -> Schema:
    """Return ``SHOP`` with another table of orders."""
    return dataclasses.replace(SHOP, tables={ORDERS.id: dataclasses.replace(ORDERS, **changes)})


PRICE: Final = Column(name="price", type="integer")
CASES: Final = {
    "nothing": (SHOP, ()),
    "a column more": (
        change_orders(columns=(ID, NOTE, PRICE)),
        (Change(kind="added", path=(*AT_ORDERS, "columns", "price"), after=PRICE),),
    ),
    "a column less": (
        change_orders(columns=(ID,)),
        (Change(kind="removed", path=(*AT_ORDERS, "columns", "note"), before=NOTE),),
    ),
    "a column of another type": (
        change_orders(columns=(ID, dataclasses.replace(NOTE, type="mood", nullable=False))),
        (
            Change(kind="changed", path=(*AT_ORDERS, "columns", "note", "type"), before="text", after="mood"),
            Change(kind="changed", path=(*AT_ORDERS, "columns", "note", "nullable"), before=True, after=False),
        ),
    ),
    "columns in another order, and one more": (
        change_orders(columns=(PRICE, NOTE, ID)),
        (
            Change(kind="added", path=(*AT_ORDERS, "columns", "price"), after=PRICE),
            Change(kind="reordered", path=(*AT_ORDERS, "columns"), before=("id", "note"), after=("note", "id")),
        ),
    ),
    "another key": (
        change_orders(primary_key=("note",)),
        (Change(kind="changed", path=(*AT_ORDERS, "primary_key"), before=("id",), after=("note",)),),
    ),
    "a check of the same name": (
        change_orders(checks=(Check(name="said", expression="true"),)),
        (
            Change(
                kind="changed",
                path=(*AT_ORDERS, "checks", "said", "expression"),
                before="(note <> '')",
                after="true",
            ),
        ),
    ),
    "a table less": (
        dataclasses.replace(SHOP, tables={}),
        (Change(kind="removed", path=AT_ORDERS, before=ORDERS),),
    ),
    "partitions where there were none": (
        change_orders(partitions=()),
        (Change(kind="changed", path=(*AT_ORDERS, "partitions"), before=None, after=()),),
    ),
    "a label more": (
        dataclasses.replace(SHOP, enums={"mood": ("sad", "ok", "happy")}),
        (Change(kind="changed", path=("enums", "mood"), before=("sad", "ok"), after=("sad", "ok", "happy")),),
    ),
    "a composite type": (
        dataclasses.replace(SHOP, composites={"place": (Attribute(name="street", type="text"),)}),
        (Change(kind="added", path=("composites", "place"), after=(Attribute(name="street", type="text"),)),),
    ),
}


@pytest.mark.parametrize(("after", "changes"), CASES.values(), ids=CASES)
def test_changes_are_told_where_they_are(after: Schema, changes: tuple[Change, ...]) -> None:
    """Members of a collection are told apart by name, and what has no names is told as a whole."""
    assert compare_schemas(SHOP, after) == changes


@given(schemas(), schemas())
def test_there_are_changes_exactly_where_the_fingerprints_differ(before: Schema, after: Schema) -> None:
    """No difference is passed over, and none is made up; each stands where its path leads, on either side."""
    changes = compare_schemas(before, after)

    assert bool(changes) == (before.fingerprint != after.fingerprint)
    for change in changes:
        if change.kind != "reordered":
            assert follow(before, change.path) == change.before
            assert follow(after, change.path) == change.after


@given(schemas(), schemas())
def test_the_way_back_is_the_mirror(before: Schema, after: Schema) -> None:
    """What is added one way is removed the other way, and what is changed is changed back."""
    kinds = {"added": "removed", "removed": "added"}
    mirrored = [
        Change(kind=kinds.get(one.kind, one.kind), path=one.path, before=one.after, after=one.before)  # type: ignore[arg-type]
        for one in compare_schemas(before, after)
    ]

    assert list(compare_schemas(after, before)) == mirrored


def follow(value: Any, path: tuple[str, ...]) -> Any:
    """Return what *path* leads to from *value*; None where there is nothing."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, tuple):
            value = next((item for item in value if getattr(item, dataclasses.fields(item)[0].name) == name), None)
        else:
            value = getattr(value, name)
    return value


def iter_fields() -> Iterator[tuple[type, str]]:
    """Yield each field of each class that a schema is made of."""
    for kind in vars(definitions).values():
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            yield from ((kind, field.name) for field in dataclasses.fields(kind))


FIELDS: Final = list(iter_fields())


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.__name__}.{field}" for kind, field in FIELDS])
def test_no_field_is_forgotten(kind: type[Any], field: str) -> None:
    """Whatever field a part of a schema has, today or later, a change of it alone is found there."""
    values = make_values(typing.get_type_hints(kind)[field])
    whole = {**make_required(kind), field: values[0]}

    changes = [compare_schemas(kind(**whole), kind(**{**whole, field: value})) for value in values]

    assert changes[0] == ()
    assert [{field}] * (len(values) - 1) == [{change.path[0] for change in found} for found in changes[1:]]


def make_values(hint: Any) -> list[Any]:
    """Return at least two values of a type that differ."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return list(parts)
    if origin is tuple:
        one, other, *_ = make_values(parts[0])
        return [(one,), (other,), (), (one, one)]
    if origin is Mapping:
        one, other, *_ = make_values(parts[1])
        return [{"a": one}, {"a": other}, {"b": one}, {}]
    if origin is UnionType:
        return [value for part in parts for value in make_values(part)]
    if dataclasses.is_dataclass(hint):
        kind: type[Any] = hint  # type: ignore[assignment]  # it is no instance
        name = dataclasses.fields(kind)[0].name
        return [kind(**{**make_required(kind), name: value}) for value in ("a", "b")]
    simple: dict[object, list[Any]] = {str: ["a", "b"], bool: [False, True], type(None): [None]}
    return simple[hint]


def make_required(kind: type[Any]) -> dict[str, Any]:
    """Return a value for each field of *kind* that has no default."""
    hints = typing.get_type_hints(kind)
    wanted = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is field.default_factory is dataclasses.MISSING
    ]
    return {name: make_values(hints[name])[0] for name in wanted}
