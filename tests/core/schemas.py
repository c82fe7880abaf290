"""Random Postgres schemas, and scenarios that fit them, for property tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Table, Unique

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Catalog

KEY_TYPES = ("bigint", "uuid", "text", "character varying(40)")
PLAIN_TYPES = (
    "integer",
    "text",
    "date",
    "boolean",
    "numeric(10,2)",
    "timestamp with time zone",
    "uuid",
    "mood",
    "jsonb",
)


def table(name: str, *columns: Column, **more: object) -> Table:
    """Return a table of the schema public whose first column is the primary key unless another is given."""
    return Table(id=f"public.{name}", columns=columns, **{"primary_key": (columns[0].name,), **more})  # type: ignore[arg-type]


def rulebook(*tables: Table, domain: str = "title: Shop\n", **files: str) -> Rulebook:
    """Return the rulebook of these tables and of a domain with this ``domain.yaml``."""
    schema = Schema(tables={one.id: one for one in tables}, enums={"mood": ("sad", "ok", "happy")})
    return Rulebook(schema, catalog(domain=domain, **files).domain("shop"))


def catalog(*, domain: str = "title: Shop\n", **scenarios: str) -> Catalog:
    """Return the catalog of one domain, shop, with these scenarios by id."""
    texts = {f"shop/scenarios/{name}.yaml": text for name, text in scenarios.items()}
    return load_catalog({"shop/domain.yaml": domain, **texts})


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Draw one to six tables: keys of several types, references to earlier tables and to themselves, constraints."""
    tables: list[Table] = []
    for index in range(draw(st.integers(1, 6))):
        tables.append(_draw_table(draw, index, tables))
    return Schema(tables={one.id: one for one in tables}, enums={"mood": ("sad", "ok", "happy")})


def _draw_table(draw: st.DrawFn, index: int, earlier: list[Table]) -> Table:
    key = _draw_key(draw)
    plain = [_draw_column(draw, number) for number in range(draw(st.integers(0, 4)))]
    parents = [_draw_reference(draw, number, earlier) for number in range(draw(st.integers(0, 2)) if earlier else 0)]
    columns = (key, *plain, *(column for column, _ in parents), *_draw_self(draw, key))
    id = f"public.t{index}"
    keys = [reference for _, reference in parents]
    if columns[-1].name == "parent":
        keys.append(ForeignKey(name="self", columns=("parent",), parent=id, parent_columns=("id",)))
    return Table(
        id=id,
        columns=columns,
        primary_key=("id",),
        uniques=_draw_uniques(draw, plain),
        foreign_keys=tuple(keys),
        checks=tuple(check for column in plain for check in _draw_checks(draw, column)),
    )


def _draw_key(draw: st.DrawFn) -> Column:
    type = draw(st.sampled_from(KEY_TYPES))
    sequence = "public.s" if type == "bigint" and draw(st.booleans()) else None
    return Column(name="id", type=type, nullable=False, sequence=sequence, identity="always" if sequence else "")


def _draw_column(draw: st.DrawFn, number: int) -> Column:
    return Column(name=f"c{number}", type=draw(st.sampled_from(PLAIN_TYPES)), nullable=draw(st.booleans()))


def _draw_reference(draw: st.DrawFn, number: int, earlier: list[Table]) -> tuple[Column, ForeignKey]:
    parent = draw(st.sampled_from(earlier))
    name = f"r{number}"
    column = Column(name=name, type=parent.columns[0].type, nullable=draw(st.booleans()))
    return column, ForeignKey(name=f"fk_{name}", columns=(name,), parent=parent.id, parent_columns=("id",))


def _draw_self(draw: st.DrawFn, key: Column) -> tuple[Column, ...]:
    return (Column(name="parent", type=key.type),) if draw(st.booleans()) else ()


def _draw_uniques(draw: st.DrawFn, columns: list[Column]) -> tuple[Unique, ...]:
    wide = [column.name for column in columns if column.type in ("text", "uuid", "integer")]
    if not wide or not draw(st.booleans()):
        return ()
    return (Unique(name="u", columns=(draw(st.sampled_from(wide)),)),)


def _draw_checks(draw: st.DrawFn, column: Column) -> tuple[Check, ...]:
    texts = {
        "integer": f"{column.name} BETWEEN -100000 AND 90000000",
        "text": f"length({column.name}) BETWEEN 3 AND 60",
        "date": f"{column.name} >= '2001-02-03'::date",
        "numeric(10,2)": f"{column.name} >= 0::numeric",
        "mood": f"{column.name} <> 'sad'::mood",
    }
    if column.type not in texts or not draw(st.booleans()):
        return ()
    return (Check(name=f"check_{column.name}", expression=f"({texts[column.type]})"),)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Schema, str]:
    """Draw a schema and the text of a scenario with one to four entities, some with a count."""
    schema = draw(schemas())
    names = sorted(schema.tables)
    entities: dict[str, dict[str, object]] = {}
    for index, name in enumerate(draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))):
        entity: dict[str, object] = {"table": name}
        if draw(st.booleans()) and not schema.children[name]:
            entity["count"] = draw(st.integers(1, 3))
        entities[f"e{index}"] = entity
    return schema, json.dumps({"title": "random", "entities": entities})
