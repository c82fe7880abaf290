"""What the name of a column or a table says, in words that mean the same in every domain."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Kind = Literal["name", "e-mail", "phone", "web"]
Words = tuple[str, ...]

_WORD: Final = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+)[0-9]*|[0-9]+")
#: What may stand behind the word that tells.
_TRAILING: Final = frozenset({"number", "no", "nr"})
_PERSON_NAMES: Final = frozenset({
    "firstname", "lastname", "fullname", "surname", "forename", "nickname", "username",
})  # fmt: skip
_NAME_QUALIFIERS: Final = frozenset({
    "first", "last", "given", "family", "middle", "full", "maiden", "preferred", "nick", "user", "contact",
})  # fmt: skip
_PHONES: Final = frozenset({"phone", "telephone", "mobile", "cellphone", "fax", "tel"})
_WEB: Final = frozenset({"url", "uri", "website", "homepage"})
_PEOPLE: Final = frozenset({"person", "people", "user", "contact"})


def split_words(name: str) -> Words:
    """Return the words of *name* in lower case: ``homePage_url2`` has home, page and url2."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in _WORD.findall(plain))


def find_kind(name: str) -> Kind | None:
    """Return what a text column called *name* holds of a person, or None where the name does not tell."""
    words = _settle_words(split_words(name))
    if not words:
        return None
    last = words[-1]
    if last in {"email", "mail"} or words[-2:] == ("email", "address"):
        return "e-mail"
    if last in _PERSON_NAMES or (last == "name" and len(words) > 1 and words[-2] in _NAME_QUALIFIERS):
        return "name"
    core = words[:-1] if last in _TRAILING and len(words) > 1 else words
    if core[-1] in _PHONES:
        return "phone"
    return "web" if last in _WEB else None


def is_bare_name(name: str) -> bool:
    """Return whether a column called *name* holds a name, and whose is not said."""
    return split_words(name) == ("name",)


def is_of_people(table: str, columns: Iterable[str]) -> bool:
    """Return whether the rows of *table* are people: by its name, or since its *columns* lead to one."""
    if any(singular(word) in _PEOPLE for word in split_words(table)):
        return True
    return any(find_kind(column) in {"e-mail", "phone", "name"} for column in columns)


def singular(word: str) -> str:
    """Return the singular of the English *word*, or *word* where it looks like none that has one."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "tuses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 1 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def name_entity(table: str, taken: Collection[str] = ()) -> str:
    """Return what one row of *table* (a name without its schema) is called in a scenario, but none of *taken*."""
    words = split_words(table) or ("row",)
    name = "_".join((*words[:-1], singular(words[-1])))
    name = name if name[0].isalpha() else f"row_{name}"
    return f"one_{name}" if name in taken else name


def join_words(text: str, joint: str) -> str:
    """Return the words of *text* joined by *joint*; a text without words is ``row``."""
    return joint.join(split_words(text)) or "row"


def _settle_words(words: Words) -> Words:
    """Return *words* without the number at their end, and "e_mail" as the one word that it is."""
    while words and not (bare := words[-1].rstrip("0123456789")):
        words = words[:-1]
    words = (*words[:-1], bare) if words else ()
    return (*words[:-2], "email") if words[-2:] == ("e", "mail") else words
