"""LIKE, SIMILAR TO and Postgres' regular expressions, by way of Python's ``re``."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Final

from pytest_atdm.core.expressions.tree import UNDECIDED, EvaluationError, Value

_CLASSES: Final = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
}
_ESCAPES: Final = {
    "m": r"\b(?=\w)",
    "M": r"\b(?<=\w)",
    "y": r"\b",
    "Y": r"\B",
    "A": r"\A",
    "Z": r"\Z",
    **{letter: "\\" + letter for letter in "dDwWsSnrtfva"},
    "e": r"\x1b",
}
_TOKEN: Final = re.compile(
    r"(?P<escape>\\.)|(?P<bracket>\[\^?\]?(?:\[[:.=].*?[:.=]\]|\\.|[^\]\\])*\])"
    r"|(?P<group>\(\?(?::|=|!|<=|<!))|(?P<end>\$)|(?P<other>.)",
    re.DOTALL,
)
_BRACKET_TOKEN: Final = re.compile(r"\[:(?P<cls>[a-z]+):\]|(?P<escape>\\.)|(?P<odd>\[[.=])|(?P<other>.)", re.DOTALL)


class _Untranslatable(Exception):
    """Python's re cannot say this."""


def match_like(text: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """Return whether *text* is LIKE *pattern* (``%``, ``_``, backslash escapes)."""
    return _compile_like(pattern, ignore_case=ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=2048)
def _compile_like(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    if re.fullmatch(r"(?:[^\\]|\\.)*\\", pattern, re.DOTALL):
        raise EvaluationError(f"LIKE pattern {pattern!r} must not end with the escape character")
    return re.compile(like_to_regex(pattern), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like_to_regex(pattern: str) -> str:
    """Return the Python regular expression, anchored, of the LIKE *pattern*."""
    return r"\A" + "".join(map(_like_part, re.findall(r"\\.|.", pattern, re.DOTALL))) + r"\Z"


def _like_part(part: str) -> str:
    return {"%": ".*", "_": "."}.get(part) or re.escape(part[-1])


def match_regex(text: str, pattern: str, *, ignore_case: bool = False) -> Value:
    """Return whether the Postgres regular expression *pattern* is found in *text*; UNDECIDED where re cannot say it."""
    compiled = compile_regex(pattern, ignore_case=ignore_case)
    return UNDECIDED if compiled is None else compiled.search(text) is not None


@lru_cache(maxsize=2048)
def compile_regex(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str] | None:
    """Return the Python pattern that finds what the Postgres *pattern* finds, or None.

    Raises:
        EvaluationError: neither language knows such a pattern.
    """
    body = translate_regex(pattern)
    if body is None:
        return None
    if body.startswith("(?i)"):
        body, ignore_case = body[4:], True
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            return re.compile(body, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
        except (re.error, FutureWarning):
            return None


def translate_regex(pattern: str) -> str | None:
    """Return the Postgres *pattern* in Python's notation (a leading ``(?i)`` is kept), or None."""
    if pattern.startswith("***"):
        return None
    head, rest = ("(?i)", pattern[4:]) if pattern.startswith("(?i)") else ("", pattern)
    try:
        return head + "".join(_translate_token(found) for found in _TOKEN.finditer(rest))
    except _Untranslatable:
        return None


def _translate_token(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found[0]
    if kind == "escape":
        return _translate_escape(text[1])
    if kind == "bracket":
        return _translate_bracket(text)
    if kind == "end":
        return r"\Z"
    if kind == "other" and (text == "[" or found.string[found.start() : found.start() + 2] == "(?"):
        raise _Untranslatable
    return text


def _translate_escape(letter: str) -> str:
    if not letter.isalnum():
        return re.escape(letter)
    if letter not in _ESCAPES:
        raise _Untranslatable
    return _ESCAPES[letter]


def _translate_bracket(text: str) -> str:
    opening = "[^" if text.startswith("[^") else "["
    return opening + "".join(map(_bracket_part, _BRACKET_TOKEN.finditer(text[len(opening) : -1]))) + "]"


def _bracket_part(found: re.Match[str]) -> str:
    text = found[0]
    if found["cls"] is not None:
        if found["cls"] not in _CLASSES:
            raise _Untranslatable
        return _CLASSES[found["cls"]]
    if found["odd"] is not None:
        raise _Untranslatable
    if found["escape"] is not None:
        letter = text[1]
        if letter.isalnum() and letter not in "dDwWsSnrtfv":
            raise _Untranslatable
        return text
    return "\\" + text if text in "[]&~|^" else text


def escape_like(pattern: str, escape: str) -> str:
    """Return the LIKE *pattern* whose escape character is *escape*, written with backslashes."""
    doubled = pattern.replace("\\", "\\\\") if escape != "\\" else pattern
    if not escape or escape == "\\":
        return doubled
    return re.sub(re.escape(escape) + "(.)", lambda found: "\\" + found[1], doubled, flags=re.DOTALL)


def translate_similar(pattern: str, escape: str = "\\") -> str:
    """Return the Postgres regular expression for the SIMILAR TO *pattern*, anchored."""
    parts = []
    for token in re.findall(re.escape(escape) + r".|\[[^\]]*\]|.", pattern, re.DOTALL):
        if token.startswith(escape) and len(token) > 1:
            parts.append(re.escape(token[1]))
        else:
            parts.append({"%": ".*", "_": "."}.get(token) or ("\\" + token if token in r".^$\\" else token))
    return f"^(?:{''.join(parts)})$"
