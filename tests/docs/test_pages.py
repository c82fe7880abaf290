"""What holds of every page: links lead somewhere, named tests and commands exist, the words are explained."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from tests.architecture.repository import ROOT, Source, list_paths, read_sources
from tests.docs import meanings
from tests.docs.markdown import find_anchors, iter_blocks, iter_links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PAGES: Final = [source for source in read_sources(suffix=".md") if not source.path.startswith(".")]
ARCHITECTURE: Final = "docs/architecture.md"


def find_dead_links(page: Source, root: Path) -> Iterator[str]:
    """Yield the links of *page* within the repository that lead to no file or to no heading."""
    folder = (root / page.path).parent
    for link in iter_links(page.text):
        target, _, anchor = link.partition("#")
        if not re.match(r"[a-z]+:", link):
            path = (folder / target) if target else root / page.path
            if not path.exists() or (anchor and anchor not in find_anchors(path.read_text(encoding="utf-8"))):
                yield f"{page.path}: {link}"


def find_unknown_tests(page: Source, root: Path) -> Iterator[str]:
    """Yield what *page* names as a test, ``tests/x.py`` or ``tests/x.py::test_y``, and what does not exist."""
    for path, name in re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", page.text):
        if not (root / path).is_file():
            yield f"{page.path}: {path}"
        elif name and name not in _function_names((root / path).read_text(encoding="utf-8")):
            yield f"{page.path}: {path}::{name}"


def _function_names(text: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _page(path: str) -> Source:
    return next(page for page in PAGES if page.path == path)


def test_links_lead_somewhere() -> None:
    """Every link within the repository leads to a file that exists, and to a heading that it has."""
    assert len(PAGES) > 10
    assert [] == [link for page in PAGES for link in find_dead_links(page, ROOT)]


def test_named_tests_exist() -> None:
    """Every test that a page names exists."""
    assert [] == [name for page in PAGES for name in find_unknown_tests(page, ROOT)]


def test_every_page_is_reached_from_the_index() -> None:
    """Each page below docs is linked from docs/index.md, and that from the README."""
    linked = {
        (ROOT / "docs" / link).resolve().relative_to(ROOT).as_posix()
        for link in iter_links(_page("docs/index.md").text)
    }
    pages = {page.path for page in PAGES if page.path.startswith("docs/")} - {"docs/index.md"}

    assert set() == pages - linked
    assert "docs/index.md" in set(iter_links(_page("README.md").text))


def test_programs_find_every_page_once() -> None:
    """docs/llms.txt has title and summary, and links each page below docs once, with a line about it."""
    text = (ROOT / "docs/llms.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): \S.*$", text, flags=re.MULTILINE)
    pages = {page.path.removeprefix("docs/") for page in PAGES if page.path.startswith("docs/")} - {"index.md"}

    assert re.match(r"# pytest-atdm\n\n> .+\n\n", text)
    assert sorted(pages) == sorted(listed)
    assert listed == list(iter_links(text))
    assert set() == meanings.PAGES.keys() - pages


def test_every_rule_of_the_architecture_names_what_holds_it() -> None:
    """Each row of the tables of rules names a test or a contract, and every contract of pyproject.toml is named."""
    text = _page(ARCHITECTURE).text
    rules = [
        line
        for table in re.findall(r"\| rule \| held by \|\n\|[-|]+\|\n((?:\|.*\n)+)", text)
        for line in table.splitlines()
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert len(rules) > 25
    assert [] == [rule for rule in rules if not re.search(r"\| (?:contract )?`[\w/.:-]+`", rule)]
    assert {contract["id"] for contract in project["tool"]["importlinter"]["contracts"]} == set(
        re.findall(r"contract `([\w-]+)`", text)
    )


def test_every_word_of_the_glossary_is_a_word_of_the_code() -> None:
    """What the glossary explains is called the same in code, so that a renamed thing is renamed here."""
    glossary = re.search(r"\| word \| meaning \|\n\|[-|]+\|\n((?:\|.*\n)+)", _page(ARCHITECTURE).text)
    words = re.findall(r"^\| (.+?) \|", glossary[1] if glossary else "", flags=re.MULTILINE)
    code = "\n".join(source.text for source in read_sources("pytest_atdm", "seeder", suffix=".py")).lower()

    assert len(words) > 15
    assert [] == [word for word in words if not re.search(rf"\b_*{word.split()[0]}", code)]


def test_every_word_of_the_layout_exists() -> None:
    """The folders and files that the page draws are there."""
    layout = next(block.text for block in iter_blocks(_page(ARCHITECTURE).text) if "pytest_atdm/\n" in block.text)
    drawn = re.findall(r"(?:^| )(\w+(?:\.py|/))(?= |$)", layout, flags=re.MULTILINE)
    known = {part for path in list_paths() for part in _names(path)}

    assert len(drawn) > 20
    assert set() == set(drawn) - known


def _names(path: str) -> Iterable[str]:
    *folders, file = path.split("/")
    return [*(f"{folder}/" for folder in folders), file]


def test_saved_files_stand_below_their_name() -> None:
    """Where a page gives a file to save, its name stands above it, because Markdown does not show the block's title."""
    unnamed = [
        f"{page.path}:{block.line}"
        for page in PAGES
        for block in iter_blocks(page.text)
        if block.title and f"`{block.title}`" != page.text.splitlines()[block.line - 3]
    ]

    assert [] == unnamed


@pytest.mark.parametrize("language", ["python", "yaml", "json", "toml"])
def test_blocks_are_what_they_say(language: str) -> None:
    """Each block of a language can be read as that language."""
    readers: dict[str, Callable[[str], object]] = {
        "python": ast.parse,
        "yaml": yaml.safe_load,
        "json": json.loads,
        "toml": tomllib.loads,
    }
    for page in PAGES:
        for block in iter_blocks(page.text):
            if block.language == language:
                readers[language](block.text)


def test_commands_are_targets_or_programs_of_the_project() -> None:
    """A page tells its reader to type nothing but make's targets, the project's programs, and pip or git."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        for block in iter_blocks(page.text):
            if block.language == "console":
                for words in (
                    line.removeprefix("$ ").split() for line in block.text.splitlines() if line.startswith("$ ")
                ):
                    assert words[0] in {"atdm", "atdm-seeder", "cd", "git", "ls", "make", "pip", "pytest", "python"}, (
                        words
                    )
                    assert words[0] != "make" or set(words[1:]) <= targets, f"{page.path}: {words}"


def test_dead_link_is_noticed(tmp_path: Path) -> None:
    """A missing file and a missing heading are noticed; what leads out of the repository is not followed."""
    (tmp_path / "a.md").write_text("# One and two\n")
    page = Source("b.md", "[a](a.md#one-and-two) [b](a.md#three) [c](c.md) [d](https://example.com/x)\n")

    assert ["b.md: a.md#three", "b.md: c.md"] == list(find_dead_links(page, tmp_path))


def test_unknown_test_is_noticed(tmp_path: Path) -> None:
    """A test that was renamed or removed is noticed on the page that names it."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("def test_one():\n    pass\n")
    page = Source("a.md", "`tests/test_a.py::test_one` `tests/test_a.py::test_two` `tests/test_b.py`\n")

    assert ["a.md: tests/test_a.py::test_two", "a.md: tests/test_b.py"] == list(find_unknown_tests(page, tmp_path))
