"""``docs/llms.txt``: the pages that ``docs/index.md`` links, each in one line, for programs that read the docs."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import Final

from tests.architecture.repository import ROOT
from tests.docs.markdown import iter_links, join_paragraphs
from tests.docs.meanings import PAGES

#: Sections by folder, in their order; some pages beside the index have their own.
_SECTIONS: Final = {
    "tutorial.md": "Tutorial",
    "how-to": "How-to guides",
    "reference": "Reference",
    "explanation": "Explanation",
    "architecture.md": "Explanation",
    "": "Optional",
}
_ABOUT: Final = (
    "For a test to have rows: `@atdm_scenario(NAME)` on it, the fixture `atdm_data` to see them. "
    "`atdm scenarios --json` lists names, `atdm show NAME --json` what one takes. Commands that answer take `--json`; "
    "every error ends with a code and a hint."
)


def render_llms() -> str:
    """Return the file in the form of llmstxt.org: title, summary, sections of links with a line about each."""
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = defaultdict(list)
    for link, wish in list_pages(index).items():
        title = (ROOT / "docs" / link).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        sections[_section_of(link)].append(f"- [{title}]({link}): {PAGES.get(link, f'to {wish}')}")
    summary = " ".join(index.split("\n\n")[1].partition("[README]")[0].split())
    return join_paragraphs(
        "# pytest-atdm",
        f"> {summary}",
        _ABOUT,
        *(part for name in dict.fromkeys(_SECTIONS.values()) for part in (f"## {name}", "\n".join(sections[name]))),
    )


def list_pages(index: str) -> dict[str, str]:
    """Return the pages that the table of *index* links, each once, with what its first reader wants to do."""
    pages: dict[str, str] = {}
    for wish, links in re.findall(r"^\| ([^|]+) \| (.*) \|$", index, flags=re.MULTILINE):
        for link in iter_links(links):
            pages.setdefault(link, wish)
    return pages


def _section_of(link: str) -> str:
    return _SECTIONS.get(PurePosixPath(link).parts[0], _SECTIONS[""])
