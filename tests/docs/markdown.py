"""The little of Markdown that the documentation's tools need: tables out, code blocks and links in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block: its language, the file that its title names (or ""), its text, and the line it starts at."""

    language: str
    title: str
    text: str
    line: int


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars within cells are escaped, line breaks become spaces."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_escape(cell) for cell in line)} |".replace("|  |", "| |") for line in lines)


def join_paragraphs(*parts: str) -> str:
    """Return *parts*, the empty ones left out, as paragraphs of one page."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def to_code(text: str) -> str:
    """Return the reStructuredText of a docstring as Markdown: literals with one backtick, emphasised names as code."""
    return re.sub(r"(?<![\w*])\*(\w+)\*", r"`\1`", text.replace("``", "`"))


def iter_blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in their order, those within lists included."""
    for found in _FENCE.finditer(text):
        lines = (line.removeprefix(found["indent"]) for line in found["text"].splitlines())
        body = "".join(f"{line}\n" for line in lines)
        yield Block(found["language"], found["title"] or "", body, text.count("\n", 0, found.start()) + 1)


def iter_links(text: str) -> Iterator[str]:
    """Yield the targets of the links and pictures of a page, fenced blocks aside."""
    yield from re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text))


def find_anchors(text: str) -> set[str]:
    """Return the anchors that the headings of a page get."""
    headings = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _escape(cell: str) -> str:
    marked = re.sub(r"(?<!`)<(\w+)>(?!`)", r"`<\1>`", " ".join(cell.split()))  # elsewhere it would be read as HTML
    return marked.replace("|", "\\|")
