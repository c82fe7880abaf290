"""Strict YAML: one plain subset, every value with its line.

Scalars follow the JSON schema of YAML 1.2: ``null``, ``true``/``false``, integers and floats without leading zeros are
typed, everything else is text (``no``, ``2026-01-01`` and ``00123`` too). Anchors, aliases, tags, merge keys,
duplicate keys and several documents are refused: a catalog must read the same to people and programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.model import Cell

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Cell]] = {"": None, "~": None, "null": None, "true": True, "false": False}

Path = tuple[str | int, ...]
Event: TypeAlias = Any  # what an event carries depends on its class; the stubs of PyYAML do not tell


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file and the line (from 1) at which each part of it begins, by path from the top."""

    file: str
    value: Cell
    lines: dict[Path, int] = field(default_factory=dict)

    def source(self, path: Path) -> str:
        """Return ``file:line`` of the innermost part of *path* that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


def read_yaml(text: str, *, file: str) -> Document:
    """Return the document in *text*; an empty text is the value None.

    Raises:
        CatalogError: not the plain subset; *file* and line are named.
    """
    reader = _Reader(file)
    try:
        reader.read(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise CatalogError(
            f"{file}:{line}: not YAML: {getattr(exc, 'problem', exc)}", hint="mend the syntax at this line"
        ) from exc
    return Document(file, reader.value, reader.lines)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.value: Cell = None
        self.lines: dict[Path, int] = {}

    def read(self, text: str) -> None:
        events = yaml.parse(text, Loader=_Loader)
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "a second document", "keep one document per file")
                self.value = self._build(next(events), events, ())

    def _build(self, event: Event, events: Iterator[Event], path: Path) -> Cell:
        self.lines[path] = _line(event)
        self._refuse_sharing(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._build_list(events, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._build_mapping(events, path)
        return _typed(event.value) if event.implicit[0] else str(event.value)

    def _build_list(self, events: Iterator[Event], path: Path) -> list[Cell]:
        items: list[Cell] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._build(event, events, (*path, len(items))))
        return items

    def _build_mapping(self, events: Iterator[Event], path: Path) -> dict[str, Cell]:
        mapping: dict[str, Cell] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, mapping)
            mapping[key] = self._build(next(events), events, (*path, key))
            self.lines[(*path, key)] = _line(event)
        return mapping

    def _key(self, event: Event, mapping: dict[str, Cell]) -> str:
        self._refuse_sharing(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, "a key that is not plain text", "write the key as a word")
        if event.value == "<<":
            raise self._refuse(event, 'the merge key "<<"', "use extends or mixins")
        if event.value in mapping:
            raise self._refuse(event, f'the key "{event.value}" twice', "keep one of them")
        return str(event.value)

    def _refuse_sharing(self, event: Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f'the alias "*{event.anchor}"', "write the value out, or use extends or mixins")
        if getattr(event, "anchor", None):
            raise self._refuse(event, f'the anchor "&{event.anchor}"', "remove it; aliases are not read")
        if getattr(event, "tag", None) not in (None, "!"):
            raise self._refuse(event, f'the tag "{event.tag}"', "remove the tag; quote the value to make it text")

    def _refuse(self, event: Event, what: str, hint: str) -> CatalogError:
        return CatalogError(f"{self.file}:{_line(event)}: {what} is not allowed in a catalog", hint=hint)


def _line(event: Event) -> int:
    """Return the line at which *event* begins, from 1."""
    return int(event.start_mark.line) + 1


def _typed(text: str) -> Cell:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
