"""``atdm rows``: what has become of the rows of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.model import RowNow, RowsNow


@click.command(short_help="Show the rows of a request as they stand now.")
@click.argument("request")
@setting_options("url", "database_url", "catalog")
def rows(request: str) -> None:
    """Show the rows of REQUEST, an id, as they stand now, and those that the application has added below them.

    A request that has been reset has none.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        found = client.rows_now(request)
    read_console().answer(found, describe_rows_now(found))


def describe_rows_now(found: RowsNow) -> Iterator[str]:
    """Yield the rows by table, with their columns, for a person; ``-`` a row that is gone, ``+`` an added one."""
    for table in dict.fromkeys(row.table for row in found.rows):
        listed = [row for row in found.rows if row.table == table]
        columns = list(dict.fromkeys(name for row in listed for name in (row.cells or row.key)))
        yield table
        yield from format_table(("", *columns), [(_mark(row), *_list_cells(row, columns)) for row in listed])
        yield ""
    count = len(found.rows) + found.more
    yield f"{count} {'row' if count == 1 else 'rows'}" + (f", {found.more} of them not listed" if found.more else "")


def _mark(row: RowNow) -> str:
    if row.cells is None:
        return "-"
    return "" if row.seeded else "+"


def _list_cells(row: RowNow, columns: list[str]) -> Iterator[object]:
    cells = row.key if row.cells is None else row.cells
    for name in columns:
        yield "" if name not in cells else "NULL" if cells[name] is None else cells[name]
