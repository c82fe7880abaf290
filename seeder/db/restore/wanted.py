"""What a restore is asked for: the rows of each table as files have them, and where sequences stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

#: Rows fall into so many blocks.
BLOCKS: Final = 1024
#: The bits of a hash from this one on tell its block.
HASH_SHIFT: Final = 64 - (BLOCKS - 1).bit_length()
#: Sums of hashes are compared modulo this.
HASH_MODULUS: Final = 1 << 64
#: So many rows are taken for done when a piece of CSV is.
PIECE_ROWS: Final = 16_384

#: Called with table id, phase, rows done and rows to do in it.
Progress = Callable[[str, str, int, int], None]


#: By block its number of rows, and the sum of their hashes modulo ``HASH_MODULUS``.
Blocks: TypeAlias = "Mapping[int, tuple[int, int]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How the rows of a table fall into blocks, counted from 0.

    Without *key*: by the highest bits of their hash. Else by the value of that column, an integer, 2 ** *shift* of
    which make a block: the first begins at that of *low*, the last ends with that of *high*, and what is below and
    above falls into these. Which rows are in a block can be told then without their hashes.
    """

    key: str | None = None
    low: int = 0
    high: int = 0
    shift: int = 0


class DividedRows(Protocol):
    """The rows of one table as they fall into blocks: *split* says how, *counts* what is in each."""

    split: Split
    counts: Blocks

    def list_hashes(self, blocks: Collection[int]) -> tuple[bool, Iterator[bytes]]:
        """Return whether no two rows in these blocks have the same hash, and CSV of the hash and place of each.

        Places count from 0.
        """


class WantedRows(Protocol):
    """The rows of one table. Every method blocks: call it in a thread.

    *table* is its id, *types* has the stored columns in their order with their types, *rows* is the number of rows.
    *hashed*: the hash of each row, as ``row_hash_sql`` has it, is known.
    """

    table: str
    types: Mapping[str, str]
    rows: int
    hashed: bool

    def divide(self, key: str | None) -> DividedRows:
        """Return how the rows fall into blocks: by the integer column *key*, if these are about as large then."""

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
