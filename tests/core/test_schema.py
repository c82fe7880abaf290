from __future__ import annotations

import pytest

from pytest_atdm.core.errors import SchemaMismatch
from pytest_atdm.core.schema import Schema, Table

#: Tables of two schemas, of which the search path leads to one.
SCHEMA = Schema(tables={id: Table(id=id, columns=()) for id in ("public.readers", "shop.orders", "stock_west.bins")})


@pytest.mark.parametrize(
    ("name", "found"),
    [("readers", "public.readers"), ("public.readers", "public.readers"), ("shop.orders", "shop.orders")],
)
def test_a_table_goes_by_its_id_or_by_its_name_along_the_search_path(name: str, found: str) -> None:
    """The schema is left out where the search path leads there, and only there."""
    assert SCHEMA.table(name).id == found


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("orders", 'did you mean "shop.orders"?'),
        ("bins", "known tables: stock_west.bins"),
        ("public.orders", 'did you mean "shop.orders"?'),
        ("reader", 'did you mean "readers"?'),
    ],
)
def test_a_table_that_is_not_found_is_named_as_it_must_be_written(name: str, hint: str) -> None:
    """The hint names no table in a way in which it would not be found either."""
    with pytest.raises(SchemaMismatch, match=f'the database has no table "{name}"') as caught:
        SCHEMA.table(name, where="a.yaml:3")

    assert (caught.value.code, caught.value.hint) == ("schema_mismatch", hint)
