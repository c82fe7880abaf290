"""The masks that keep a value's shape, and those that hash it."""

from __future__ import annotations

import itertools
import re
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.masks.format import mask_integer, mask_text
from pytest_atdm.core.masks.permutation import permute
from pytest_atdm.core.masks.strategies import make_format, make_hash

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SMALLINT, INTEGER, BIGINT = ((-(2**bits), 2**bits - 1) for bits in (15, 31, 63))


def shape(text: str) -> str:
    """What a masked text has in common with the text."""
    kinds = ((string.ascii_lowercase, "a"), (string.ascii_uppercase, "A"), (string.digits, "0"))
    return "".join(next((kind for letters, kind in kinds if one in letters), one) for one in text)


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_numbers_below_a_size_are_permuted_in_one_cycle(key: bytes) -> None:
    """Each goes to another, no two to one, and from one all others are reached; one that is alone stays."""
    for size in range(1, 130):
        seen, rank = [], 0
        for _ in range(size):
            rank = permute(rank, size, key)
            seen.append(rank)

        assert sorted(seen) == list(range(size))


@pytest.mark.parametrize("pattern", ["0", "a", "00", "a0", "A-0 0"])
def test_texts_of_a_pattern_are_permuted(pattern: str) -> None:
    """Each text of the pattern is what one other text of it becomes."""
    alphabets = {"0": string.digits, "a": string.ascii_lowercase, "A": string.ascii_uppercase}
    texts = ["".join(one) for one in itertools.product(*(alphabets.get(kind, kind) for kind in pattern))]

    masked = [mask_text(text, KEY) for text in texts]

    assert sorted(texts) == sorted(masked)
    assert not any(before == after for before, after in zip(texts, masked, strict=True))


@given(text=st.text(max_size=200), key=st.binary(min_size=32, max_size=32))
def test_a_text_keeps_its_shape(text: str, key: bytes) -> None:
    """Letters become letters of their case, digits digits, all else stays; the same each time, and never the same."""
    masked = mask_text(text, key)

    assert shape(text) == shape(masked)
    assert masked == mask_text(text, key)
    assert (masked == text) == (not re.search("[A-Za-z0-9]", text))


@given(texts=st.lists(st.from_regex(r"[a-b]{0,2}[0-9]{60,70}", fullmatch=True), min_size=2, max_size=5, unique=True))
def test_long_texts_stay_different(texts: list[str]) -> None:
    """Texts that are taken apart into several numbers differ afterwards as they did before."""
    assert len(texts) == len({mask_text(text, KEY) for text in texts})


@given(st.text(alphabet=string.ascii_letters + string.digits + "äÖ -@", max_size=90))
def test_case_does_not_count(text: str) -> None:
    """What differs in case alone differs in case alone afterwards, as where a unique index is on lower(...)."""
    assert mask_text(text.lower(), KEY) == mask_text(text, KEY).lower()


def test_another_key_gives_other_values() -> None:
    """Who has not the key does not get the same values."""
    texts = [f"reader{number}@example.com" for number in range(50)]

    assert not {mask_text(text, KEY) for text in texts} & {mask_text(text, OTHER_KEY) for text in texts}


def test_all_numbers_of_a_type_are_permuted() -> None:
    """Every number becomes another one with as many digits and its sign, no two the same."""
    masked = {value: mask_integer(value, KEY, [(-2048, 2047)]) for value in range(-2048, 2048)}

    assert sorted(masked) == sorted(masked.values())
    assert not any(before == after for before, after in masked.items())
    assert all((len(str(one)), one < 0) == (len(str(other)), other < 0) for one, other in masked.items())


@given(st.integers(*BIGINT))
def test_an_integer_stays_within_the_narrowest_type_of_those_tied(value: int) -> None:
    """A number that a narrower column can refer to becomes one that it can hold, and all columns agree on it."""
    masked = mask_integer(value, KEY, [SMALLINT, INTEGER, BIGINT])

    for least, greatest in (SMALLINT, INTEGER, BIGINT):
        assert (least <= value <= greatest) == (least <= masked <= greatest)
    assert len(str(value)) == len(str(masked))


def test_numbers_at_the_border_of_a_narrower_type_are_permuted() -> None:
    """Of three digits, those within the narrower type change places with one another, and so do those beyond."""
    masked = [mask_integer(value, KEY, [(-128, 127), (-999, 999)]) for value in range(100, 1000)]

    assert list(range(100, 1000)) == sorted(masked)
    assert list(range(100, 128)) == sorted(masked[:28])


@pytest.mark.parametrize(
    ("types", "pattern"),
    [
        (["text"], "[0-9a-f]{32}"),
        (["text", "character varying(20)", "character(24)"], "[0-9a-f]{20}"),
        (["bytea"], r"\\x[0-9a-f]{32}"),
        (["uuid"], "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        (["public.citext"], "[0-9a-f]{32}"),
    ],
)
def test_a_hash_is_a_value_of_the_types(types: list[str], pattern: str) -> None:
    """It has the length that the shortest of the columns takes; the same value gives the same, another key another."""
    masked = make_hash(types)

    found = masked("Ada", KEY)

    assert found is not None
    assert re.fullmatch(pattern, found)
    assert found == masked("Ada", KEY)
    assert len({found, masked("Bo", KEY), masked("Ada", OTHER_KEY)}) == 3
    if types == ["uuid"]:
        assert str(uuid.UUID(found)) == found


def test_a_hash_heeds_case_where_the_type_does() -> None:
    """Values that citext takes for equal get one hash, those of text do not."""
    assert make_hash(["citext"])("ADA", KEY) == make_hash(["citext"])("ada", KEY)
    assert make_hash(["text"])("ADA", KEY) != make_hash(["text"])("ada", KEY)


def test_integers_are_masked_in_text_form() -> None:
    """What Postgres writes goes in, what it reads comes out."""
    masked = make_format(["smallint", "bigint"])("-123", KEY)

    assert masked is not None
    assert re.fullmatch("-[1-9][0-9]{2}", masked)
