from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.walkthrough import Reader, check_installed, matches


@pytest.mark.slow
def test_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    """Whoever saves the tutorial's files and types its commands in an empty folder sees what the page shows."""
    reader = Reader(tmp_path)

    reader.follow("docs/tutorial.md")

    assert len(reader.commands) == 5


@pytest.mark.parametrize(
    ("shown", "came"),
    [("2 passed", "1 failed\n"), ("...\n2 passed in ...", "1 passed in 2 s\n"), ("a\nb", "a\n"), ("a", "a\nb\n")],
)
def test_another_answer_is_noticed(shown: str, came: str) -> None:
    """An answer that differs, lacks a line or has one more is not what the page shows."""
    assert not matches(shown, came)


def test_dots_stand_for_what_differs_each_time() -> None:
    """A line of dots is any number of lines, dots within a line are any text."""
    assert matches("...\n2 passed in ...", "one\n\ntwo\n2 passed in 0.1 s\n")


def test_unknown_extra_is_noticed() -> None:
    """A pip command that names an extra which the distribution lacks is an error."""
    with pytest.raises(AssertionError, match="has no such extra"):
        check_installed(["pytest-atdm[nonsense]"])
