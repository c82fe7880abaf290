"""The rows of reference tables, as they stand in the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.tables import MAX_STANDING_ROWS, list_reference_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.catalog import Domain
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.schema import Schema


def fetch_standing(
    client: SeederClient, schema: Schema, domains: Iterable[Domain]
) -> Mapping[str, Sequence[Mapping[str, Cell]]]:
    """Return by id the first rows of each table that one of *domains* calls reference data, for their rulebooks.

    Nothing is asked where there is none.
    """
    tables = sorted({table for domain in domains for table in list_reference_tables(schema, domain)})
    return client.list_rows(tables, limit=MAX_STANDING_ROWS) if tables else {}
