"""The hash of a row: what tells two states of a table apart, row by row, where the table has no key too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seeder.db.queries import quote_ident

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Settings under which a value has one text form, which is exact and read back the same.
TEXT_SETTINGS: Final = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "timezone": "UTC",
    "lc_monetary": "C",
    "xmloption": "content",
    "client_encoding": "UTF8",
}


def row_hash_sql(columns: Iterable[str]) -> str:
    """Return the SQL expression of the 64-bit hash of the stored columns' text forms, under ``TEXT_SETTINGS``.

    A row of one column is written differently from a value, so that NULL and an empty text differ.
    """
    return f"hashtextextended(ROW({', '.join(map(quote_ident, columns))})::text, 0)"
