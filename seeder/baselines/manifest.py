"""What a baseline consists of. Its manifest is written last: a baseline without one does not exist.

A baseline NAME is, in the store: ``baselines/NAME/<id>/<n>.parquet``, a file for each table, and
``baselines/NAME/manifest.json``. *id* is new with each attempt, so that what a killed one left is in nobody's way.

A file has a column for each stored column of its table, in the order of the table; generated columns are not stored.
The field's metadata ``pg_type`` is the Postgres type. Integers, booleans and text are Arrow's; any other value is the
text that Postgres writes and reads. A last column, ``ROW_HASH``, is the hash of the row as ``row_hash_sql`` has it:
what tells, without a look at the values, which rows of a table are those of the baseline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_atdm.core.errors import InvalidRequest
from pytest_atdm.core.strict import Strict

#: The column with the hashes of the rows, 64 bit each; null throughout where values were masked.
ROW_HASH: Final = "atdm row hash"
#: The version of everything that this module says.
FORMAT: Final = 1

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredColumn(Strict):
    """A column as stored, with its Postgres type as ``format_type`` writes it; *masked*: its values are made up."""

    name: str
    type: str
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable(Strict):
    """A table's file: *table* is its id, *rows* its number of rows, *size* and *sha256* those of the file."""

    table: str
    file: str
    columns: tuple[StoredColumn, ...]
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSequence(Strict):
    """Where a sequence (schema.name) stood: what ``setval`` takes."""

    sequence: str
    value: int
    is_called: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Strict):
    """A whole baseline. *schema* is the fingerprint of the target's schema, *server* Postgres' major version.

    *whole*: all tables of the target are in it. *taken_at* is in UTC, ISO 8601. *content* is the SHA-256 over what the
    tables' files and the sequences come to: equal contents of one schema, equal digests.
    """

    format: int
    name: str
    taken_at: str
    actor: str
    server: int
    schema: str
    whole: bool
    tables: tuple[StoredTable, ...]
    sequences: tuple[StoredSequence, ...]
    content: str

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


def check_baseline_name(name: str) -> str:
    """Return *name*, which a baseline may have.

    Raises:
        InvalidRequest: it may not.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f'"{name[:80]}" is no name of a baseline',
            hint="take up to 63 lower-case letters, digits, - and _, with a letter or digit first",
        )
    return name
