"""What committed text must not hold: emoji, places of one machine, addresses of package registries."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from tests.architecture.repository import ROOT, Fault, Source, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Pictographs, dingbats, misc symbols, and what turns a plain sign into a picture; arrows and box drawings are text.
EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a\u231b\u23cf\u23e9-\u23fa\u3030\u303d\u3297\u3299\ufe0f\u20e3]"
)
MACHINE_PLACE: Final = re.compile(
    r"(?<![\w.~*-])(?:/(?:home|root|Users|Volumes|workspaces?|mnt|opt|srv)/[\w.]|[A-Za-z]:\\\\?Users\b)"
)
REGISTRY: Final = re.compile(
    r"https?://(?:files\.pythonhosted\.org|(?:test\.)?pypi\.org/simple|registry\.npmjs\.org|[\w.-]+/[^\s\"']*/simple\b)"
    r"|https?://[\w.-]*(?:artifactory|nexus|proxy)[\w.-]*[:/]|--(?:extra-)?index-url|\b(?:PIP|UV|PDM)_\w*INDEX_URL\b"
)
#: Where a machine says which registry it asks: neither their hosts nor the checkout's own place are for others.
REGISTRY_VARIABLES: Final = re.compile(r"INDEX_URL$|^GOPROXY$|REGISTRY$|_PROXY$", re.IGNORECASE)
PUBLIC_HOSTS: Final = {"localhost", "127.0.0.1", "pypi.org", "proxy.golang.org", "registry.npmjs.org"}
#: This module spells out what it looks for.
SELF: Final = Path(__file__).relative_to(ROOT).as_posix()


def find_emoji(source: Source) -> Iterator[Fault]:
    """Yield every character that is shown as a picture."""
    return _find(source, EMOJI)


def find_places(source: Source) -> Iterator[Fault]:
    """Yield every path that exists on somebody's machine only."""
    return _find(source, MACHINE_PLACE)


def find_registries(source: Source) -> Iterator[Fault]:
    """Yield every address of a package registry, and every option that names one."""
    return _find(source, REGISTRY)


def find_traces(source: Source, traces: frozenset[str]) -> Iterator[Fault]:
    """Yield every occurrence of one of *traces*, words that belong to the machine of whoever committed."""
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(trace)}(?![\w.-])" for trace in sorted(traces)) or r"(?!)")
    return _find(source, pattern)


def read_traces(environment: Mapping[str, str], root: Path) -> frozenset[str]:
    """Return what tells this machine from others: the checkout's place, the hosts of its registries and proxies."""
    urls = [value for name, value in environment.items() if REGISTRY_VARIABLES.search(name)]
    hosts = {urlsplit(url).hostname or "" for text in urls for url in text.split(",")}
    return frozenset({str(root), *(host for host in hosts if "." in host)} - PUBLIC_HOSTS)


def _find(source: Source, pattern: re.Pattern[str]) -> Iterator[Fault]:
    if source.path != SELF:
        for number, line in source.lines:
            for found in pattern.finditer(line):
                yield Fault(source.path, number, ascii(found.group()))


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    """Return every committed text."""
    found = read_sources()
    assert len(found) > 100
    return found


def test_no_emoji(sources: list[Source]) -> None:
    """What is written here holds no emoji; the lock file quotes what packages say of themselves."""
    ours = [source for source in sources if source.path != "pdm.lock"]

    assert [] == [str(fault) for source in ours for fault in find_emoji(source)]


def test_no_place_of_one_machine(sources: list[Source]) -> None:
    """No committed text names a folder that only one machine has."""
    assert [] == [str(fault) for source in sources for fault in find_places(source)]


def test_no_registry(sources: list[Source]) -> None:
    """No committed text says which package registry to ask: that is the reader's own setting."""
    assert [] == [str(fault) for source in sources for fault in find_registries(source)]


def test_no_trace_of_this_machine(sources: list[Source]) -> None:
    """Neither the checkout's own place nor the hosts of this machine's registries and proxies are committed."""
    traces = read_traces(os.environ, ROOT)

    assert [] == [str(fault) for source in sources for fault in find_traces(source, traces)]


@pytest.mark.parametrize("text", ["done \u2705", "\U0001f680 fast", "1\ufe0f\u20e3", "\u26a0 warning"])
def test_emoji_is_noticed(text: str) -> None:
    """Pictographs of every block are noticed."""
    assert [] != list(find_emoji(Source("sample.md", text)))


@pytest.mark.parametrize("text", ["a -> b", "\u2192 \u2502 \u2514\u2500", "\u00e4\u00f6\u00fc \u2264 \u2013 \u00a7"])
def test_signs_are_no_emoji(text: str) -> None:
    """Arrows, lines of a drawing, letters of other languages and mathematics are text."""
    assert [] == list(find_emoji(Source("sample.md", text)))


@pytest.mark.parametrize("text", ['"/home/ada/project"', "cd /Users/ada", "C:\\Users\\ada", "see /root/notes.txt"])
def test_place_is_noticed(text: str) -> None:
    """A path into somebody's home is noticed on every system."""
    assert [] != list(find_places(Source("sample.md", text)))


@pytest.mark.parametrize(
    "text", ["pip install --index-url x", "https://pypi.org/simple/x", "https://nexus.example.com/py"]
)
def test_registry_is_noticed(text: str) -> None:
    """Addresses of registries, public or private, and the options that name them are noticed."""
    assert [] != list(find_registries(Source("sample.md", text)))


def test_trace_is_noticed(tmp_path: Path) -> None:
    """The hosts that the environment names are looked for, and so is the checkout's place."""
    traces = read_traces({"PIP_INDEX_URL": "https://py.example.com/x", "HOME": "/x"}, tmp_path)
    text = f"ask py.example.com\nstay in {tmp_path}\nask happy.example.com\n"

    assert frozenset({str(tmp_path), "py.example.com"}) == traces
    assert [1, 2] == [fault.line for fault in find_traces(Source("sample.md", text), traces)]
