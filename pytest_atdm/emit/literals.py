"""Python values as source text, laid out as ``ruff format`` leaves it.

Text that fits into 88 columns stands on one line; a call or container that does not is written one item a line with a
comma behind the last, which formatters keep whatever their line length.
"""

from __future__ import annotations

import datetime
import textwrap
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_LENGTH: Final = 88
INDENT: Final = "    "


def quote(text: str) -> str:
    """Return *text* as a string literal: double quotes unless single ones need fewer escapes, escapes for controls."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escape(char, mark) for char in text) + mark


def quote_bytes(content: bytes) -> str:
    """Return *content* as a bytes literal, quoted like ``quote``."""
    text = content.decode("latin-1")
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"b{mark}" + "".join(_escape(char, mark) if char < "\x7f" else f"\\x{ord(char):02x}" for char in text) + mark


def write_prose(text: str, indent: int = 0) -> str:
    """Return *text* as lines of a docstring, in which no character of it can end the docstring or begin an escape.

    All lines but the first begin with the *indent*, and there is room for the marks.
    """
    escaped = "".join(
        char if char.isprintable() else repr(char)[1:-1] for char in " ".join(text.split()).replace("\\", "\\\\")
    )
    return textwrap.fill(
        escaped.replace('"""', '\\"\\"\\"'),
        LINE_LENGTH - (len(INDENT) * indent + 6 if indent else 0),
        subsequent_indent=INDENT * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escape(char: str, mark: str) -> str:
    if char in ("\\", mark):
        return f"\\{char}"
    return char if char.isprintable() else repr(char)[1:-1]


def _width(line: str) -> int:
    """Return the columns of *line*; two for what is not ASCII, which at worst breaks a line too early."""
    return sum(1 if char.isascii() else 2 for char in line)


@dataclass(frozen=True, slots=True)
class Call:
    """The call of a class of the module itself, always one argument a line: (``name=``, value) in order."""

    name: str
    arguments: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A writer of values that remembers in *imports* the modules and names which its text needs (``UUID``)."""

    imports: set[str] = field(default_factory=set)

    def write(self, value: object, indent: int, used: int) -> str:
        """Return the source of *value*: *indent* is the depth of its line, *used* the columns taken around it."""
        match value:
            case bool() | None:
                return repr(value)
            case str():
                return quote(value)
            case int():
                return repr(value)
            case float():
                return self._write_float(value, indent, used)
            case bytes():
                return quote_bytes(value)
            case list():
                return self.wrap("[", [("", item) for item in value], "]", indent, used)
            case tuple():
                return self.wrap("(", [("", item) for item in value], ")", indent, used)
            case dict():
                return self.wrap(
                    "{", [(f"{quote(str(key))}: ", item) for key, item in value.items()], "}", indent, used
                )
        return self._write_object(value, indent, used)

    def wrap(self, start: str, items: Sequence[tuple[str, object]], end: str, indent: int, used: int) -> str:
        """Return *items* (prefix, value) between *start* and *end*, on one line if that fits, else one a line."""
        flat = [prefix + self.write(item, indent, 0) for prefix, item in items]
        comma = "," if start == "(" and len(items) == 1 else ""
        line = f"{start}{', '.join(flat)}{comma}{end}"
        if not items or ("\n" not in line and len(INDENT) * indent + used + _width(line) <= LINE_LENGTH):
            return line
        return self.wrap_tall(start, items, end, indent)

    def wrap_tall(self, start: str, items: Sequence[tuple[str, object]], end: str, indent: int) -> str:
        """Return *items* one a line, whatever would fit."""
        inner = INDENT * (indent + 1)
        lines = [f"{inner}{prefix}{self.write(item, indent + 1, len(prefix) + 1)}," for prefix, item in items]
        return "\n".join((start, *lines, f"{INDENT * indent}{end}"))

    def _call(self, name: str, arguments: Sequence[tuple[str, object]], indent: int, used: int) -> str:
        self.imports.add(name.partition(".")[0])
        return self.wrap(f"{name}(", arguments, ")", indent, used)

    def _write_float(self, value: float, indent: int, used: int) -> str:
        text = repr(value)
        return text if text.strip("-")[0].isdigit() else self.wrap("float(", [("", text)], ")", indent, used)

    def _write_object(self, value: object, indent: int, used: int) -> str:
        match value:
            case Call(name, arguments):
                return self.wrap_tall(f"{name}(", arguments, ")", indent) if arguments else f"{name}()"
            case Decimal():
                return self._call("Decimal", [("", str(value))], indent, used)
            case UUID():
                return self._call("UUID", [("", str(value))], indent, used)
            case datetime.datetime() | datetime.time():
                name = f"datetime.{type(value).__name__}.fromisoformat"
                return self._call(name, [("", value.isoformat())], indent, used)
            case datetime.date():
                parts = [("", value.year), ("", value.month), ("", value.day)]
                return self._call("datetime.date", parts, indent, used)
            case datetime.timedelta():
                parts = [("days=", value.days), ("seconds=", value.seconds), ("microseconds=", value.microseconds)]
                return self._call("datetime.timedelta", [part for part in parts if part[1]], indent, used)
        return quote(str(value))
