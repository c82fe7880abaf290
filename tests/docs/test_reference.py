from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import reference


def test_pages_are_what_the_code_says() -> None:
    """The written pages of docs/reference are current; ``python -m tests.docs`` makes them so."""
    assert [] == reference.find_stale_pages()


def test_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is missing, or differs in one character, is stale; one that was just written is not."""
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "PAGES", {"docs/a.md": lambda: "one\n", "docs/b.md": lambda: "two\n"})

    reference.write_pages()
    written = reference.find_stale_pages()
    (tmp_path / "docs/a.md").write_text("one!\n")
    (tmp_path / "docs/b.md").unlink()

    assert ([], ["docs/a.md", "docs/b.md"]) == (written, reference.find_stale_pages())
