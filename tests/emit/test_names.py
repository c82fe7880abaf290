"""Names that Python can write."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.emit.names import name_uniquely, to_class_name, to_identifier


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claim_1", "claim_1"),
        ("class", "class_"),
        ("out-of-network", "out_of_network"),
        ("1st", "_1st"),
        ("", "_x"),
        ("__slots__", "_slots__"),
        ("ﬁle", "file"),
        ("größe", "größe"),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    """What Python cannot write is replaced; everything else keeps its name."""
    assert to_identifier(name) == expected


@given(st.text())
def test_every_name_becomes_an_identifier(name: str) -> None:
    """Any text becomes an attribute's and a class's name, and doing it again changes nothing."""
    for word in (to_identifier(name), to_class_name(name)):
        assert word.isidentifier()
        assert not keyword.iskeyword(word)
        assert not word.startswith("__")
    assert to_identifier(to_identifier(name)) == to_identifier(name)


def test_names_that_clash_are_numbered() -> None:
    """Of names that become one the first keeps it; taken ones are avoided."""
    names = ["a-b", "a b", "a_b", "free", "int"]

    found = name_uniquely(names, to_identifier, {"int"})

    assert found == {"a-b": "a_b", "a b": "a_b_", "a_b": "a_b_2", "free": "free", "int": "int_"}
