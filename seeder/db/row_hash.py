"""The hash of a row: what tells two states of a table apart, row by row, where the table has no key too.

Values that are equal but not the same count as different: 1.0 and 1.00, -0 and 0, a day and 24 hours. So a value is
taken as it is only where equal means the same; of others that have one binary form, that; of all else the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from seeder.db.queries import quote_ident

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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

_AS_IT_IS: Final = ("{}",)
#: Collations may take different texts for equal; this one does not.
_BYTES: Final = ('{} COLLATE "C"',)
#: What of a column is hashed, by its type without modifiers. Postgres hashes 64 bit integers to the hash of 32 bits,
#: and values so near as 1 and 2^32 alike: the upper half has to come beside. Of a float there is no binary form here,
#: as there is more than one NaN. Domains, enums and arrays go as text: what they are of is not in their names.
_FORMS: Final = {
    "smallint": _AS_IT_IS,
    "integer": _AS_IT_IS,
    "bigint": ("{}", "{} OPERATOR(pg_catalog.>>) 32"),
    "boolean": _AS_IT_IS,
    "uuid": _AS_IT_IS,
    "date": _AS_IT_IS,
    "bytea": _AS_IT_IS,
    "text": _BYTES,
    "character varying": _BYTES,
    "character": ("pg_catalog.bpcharsend({})",),
    "numeric": ("pg_catalog.numeric_send({})",),
    "time without time zone": ("pg_catalog.time_send({})",),
    "timestamp without time zone": ("pg_catalog.timestamp_send({})",),
    "timestamp with time zone": ("pg_catalog.timestamptz_send({})",),
    "jsonb": ("pg_catalog.jsonb_send({})",),
}
_MODIFIERS: Final = re.compile(r"\(.*?\)")
#: Entries of ROW(); Postgres takes 1,664.
_MOST: Final = 1_600


def row_hash_sql(types: Mapping[str, str]) -> str:
    """Return the SQL expression of the 64-bit hash of a row, under ``TEXT_SETTINGS``, by the stored columns' types.

    It is the same in each database with one encoding, on one major version of Postgres.
    """
    parts = [*_list_forms(types), *_list_texts(types)]
    pieces = [parts[start : start + _MOST] for start in range(0, max(len(parts), 1), _MOST)]
    # With a seed each: what is moved from one piece to another is not the same any more.
    hashes = [f"pg_catalog.hash_record_extended({_row_sql(piece)}, {seed})" for seed, piece in enumerate(pieces)]
    return " OPERATOR(pg_catalog.#) ".join(hashes)


def _list_forms(types: Mapping[str, str]) -> Iterator[str]:
    for name, kind in types.items():
        for form in _find_forms(kind):
            yield form.format(quote_ident(name))


def _list_texts(types: Mapping[str, str]) -> Iterator[str]:
    """Yield the text of all other columns together: that of a row has NULL and an empty text apart."""
    names = [quote_ident(name) for name, kind in types.items() if not _find_forms(kind)]
    if names:
        yield f'{_row_sql(names)}::text COLLATE "C"'


def _find_forms(kind: str) -> Sequence[str]:
    return _FORMS.get(_MODIFIERS.sub("", kind), ())


def _row_sql(parts: Sequence[str]) -> str:
    return f"ROW({', '.join(parts)})"
