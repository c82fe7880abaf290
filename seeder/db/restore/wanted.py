"""What a restore is asked for: the rows of each table as files have them, and where sequences stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

#: Rows fall into blocks by the highest bits of their hash.
BLOCKS: Final = 1024
#: Sums of hashes are compared modulo this.
HASH_MODULUS: Final = 1 << 64
#: So many rows are taken for done when a piece of CSV is.
PIECE_ROWS: Final = 16_384

#: Called with table id, phase, rows done and rows to do in it.
Progress = Callable[[str, str, int, int], None]


class WantedRows(Protocol):
    """The rows of one table. Every method blocks: call it in a thread.

    *table* is its id, *types* has the stored columns in their order with their types, *rows* is the number of rows.
    *hashed*: the hash of each row, as ``row_hash_sql`` has it, is known.
    """

    table: str
    types: Mapping[str, str]
    rows: int
    hashed: bool

    def is_set(self, blocks: Collection[int]) -> bool:
        """Return whether no two rows in these blocks have the same hash."""

    def count_blocks(self) -> dict[int, tuple[int, int]]:
        """Return by block its number of rows, and the sum of their hashes modulo ``HASH_MODULUS``."""

    def iter_hashes(self, blocks: Collection[int]) -> Iterable[bytes]:
        """Yield CSV of the hash and the place (from 0) of each row in these blocks."""

    def iter_rows(self, places: Sequence[int] | None) -> Iterable[bytes]:
        """Yield CSV, as COPY reads it, of the rows at these places (ascending; None: all), in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a sequence (schema.name) is to stand: what ``setval`` takes."""

    sequence: str
    value: int
    is_called: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A whole baseline. *server*: the major version of Postgres that the hashes are from; *content* its digest.

    *whole*: it has all tables that there were.
    """

    name: str
    content: str
    server: int
    whole: bool
    tables: Sequence[WantedRows]
    positions: Sequence[Position]
