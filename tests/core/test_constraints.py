"""What conditions say about a column's shape."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pytest_atdm.core.constraints import MAX_SHAPES, Bound, Shape, read_shapes
from pytest_atdm.core.expressions import parse


def read(*conditions: str) -> tuple[Shape, ...]:
    """Return the shapes of the column x."""
    return read_shapes("x", [parse(condition) for condition in conditions])


@pytest.mark.parametrize(
    ("condition", "shape"),
    [
        ("x = 'a'", {"choices": ("a",)}),
        ("'a' = x", {"choices": ("a",)}),
        ("(x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])", {"choices": ("a", "b")}),
        ("lower(x) IN ('a', 'b')", {"choices": ("a", "b"), "fold": "lower"}),
        ("NOT x NOT IN (1, 2)", {"choices": (1, 2)}),
        ("x", {"choices": (True,)}),
        ("NOT x", {"choices": (False,)}),
        ("x IS FALSE", {"choices": (False,)}),
        ("x <> 'a'", {"excluded": ("a",)}),
        ("x NOT IN (1, 2)", {"excluded": (1, 2)}),
        ("x > 0 AND x <= 10", {"minimum": Bound(0, strict=True), "maximum": Bound(10, strict=False)}),
        ("x BETWEEN 1 AND 5", {"minimum": Bound(1, strict=False), "maximum": Bound(5, strict=False)}),
        ("NOT x < 1", {"minimum": Bound(1, strict=False)}),
        ("x > 1 AND x >= 1 AND x > 0", {"minimum": Bound(1, strict=True)}),
        ("x + 30 <= date '2026-01-31'", {"maximum": Bound(date(2026, 1, 1), strict=False)}),
        ("date '2026-01-31' - x <= 30", {"minimum": Bound(date(2026, 1, 1), strict=False)}),
        ("length(trim(x)) > 0", {"min_length": 1}),
        ("char_length(x::text) = 5", {"min_length": 5, "max_length": 5}),
        ("x LIKE 'A\\_%'", {"patterns": (r"\AA_.*\Z",)}),
        ("left(x, 2) = 'A_'", {"patterns": (r"\AA_.*\Z",)}),
        ("x ~ '^a$'", {"patterns": (r"^a\Z",)}),
        ("x = upper(x)", {"fold": "upper"}),
        ("x IS NULL", {"null": True}),
        ("x IS NOT NULL", {"null": False}),
        ("true = (x IS NOT NULL)", {"null": False}),
        ("no_such_function(x) = 5", {}),
        ("x !~ 'a'", {}),
    ],
)
def test_a_condition_becomes_a_shape(condition: str, shape: dict[str, Any]) -> None:
    """Casts, case folding, trimming, lengths, constants on the other side and negation are seen through."""
    assert read(condition) == (Shape(**shape),)


def test_alternatives_are_read_one_by_one() -> None:
    """OR gives one shape each, conditions that meet are merged into both."""
    assert read("x IS NULL OR x > 5", "x <> 7") == (
        Shape(null=True, excluded=(7,)),
        Shape(minimum=Bound(5, strict=True), excluded=(7,)),
    )


def test_choices_that_meet_leave_what_both_allow() -> None:
    """Two lists are cut to their common values; none is left where they have none."""
    assert read("x IN (1, 2, 3)", "x IN (2, 3, 4)")[0].choices == (2, 3)
    assert read("x = 1", "x = 2")[0].choices == ()


def test_the_ways_are_bounded() -> None:
    """Ten conditions with two alternatives each do not become a thousand shapes."""
    assert len(read(*(f"x = {n} OR x > {n}" for n in range(10)))) == MAX_SHAPES
