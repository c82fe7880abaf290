from __future__ import annotations

from pathlib import Path

from tests.docs.walkthrough import Reader


def test_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    """Whoever saves the tutorial's files and types its commands in an empty folder sees what the page shows."""
    reader = Reader(tmp_path)

    reader.follow("docs/tutorial.md")

    assert len(reader.commands) == 5
