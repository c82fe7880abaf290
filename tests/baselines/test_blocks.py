"""How rows fall into blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.baselines.restoring import HashedRows, divide_rows
from seeder.db.restore.wanted import BLOCKS, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
KEYS = st.lists(st.integers(LOWEST, HIGHEST) | st.integers(-3_000, 3_000), min_size=1, max_size=200, unique=True)


def divided(keys: Sequence[int]) -> HashedRows:
    """Rows with these keys, whose hashes are their numbers from 1."""
    return divide_rows("k", pa.array(keys, pa.int64()), pa.array(range(1, len(keys) + 1), pa.int64()))


@given(keys=KEYS)
def test_each_row_is_in_one_block_of_those_that_there_are(keys: Sequence[int]) -> None:
    """Whatever the keys: blocks are counted from 0, all rows are in them, and so are their hashes."""
    rows = divided(keys)

    assert rows.counts.keys() <= set(range(BLOCKS))
    assert len(keys) == sum(number for number, _ in rows.counts.values())
    assert sum(range(1, len(keys) + 1)) == sum(total for _, total in rows.counts.values())


@given(keys=KEYS)
def test_a_block_has_the_rows_whose_keys_lie_together(keys: Sequence[int]) -> None:
    """Blocks go by the order of the keys, and are as narrow as there may be blocks for."""
    rows = divided(keys)

    found = [rows.list_hashes([block])[1] for block in sorted(rows.counts)]
    numbers = [[int(line.split(b",")[0]) for piece in pieces for line in piece.splitlines()] for pieces in found]
    assert sorted(keys) == [key for block in numbers for key in sorted(keys[number - 1] for number in block)]
    span = max(keys) - min(keys)
    assert 0 == rows.split.shift or span >> (rows.split.shift - 1) >= BLOCKS - 2


@pytest.mark.parametrize(("keys", "key"), [([*range(5_000), 1 << 40], None), (range(5_000), "k"), ([], None)])
def test_keys_in_a_heap_do_not_serve(keys: Sequence[int], key: str | None) -> None:
    """Where one block would have nearly all rows they fall by their hashes, as where there is no row."""
    assert key == divided(keys).split.key


def test_without_a_key_hashes_tell_the_block() -> None:
    """The highest bits of a hash are its block, and of equal ones it is said that there are."""
    hashes = pa.array([-1, 1 << 54, 0, 0], pa.int64())

    rows = divide_rows(None, None, hashes)

    assert Split() == rows.split
    assert {BLOCKS - 1: (1, (1 << 64) - 1), 1: (1, 1 << 54), 0: (2, 0)} == rows.counts
    is_set, pieces = rows.list_hashes([0])
    assert (False, b"0,2\n0,3\n") == (is_set, b"".join(pieces))
    assert rows.list_hashes([1, BLOCKS - 1])[0]
