"""ATDM knows no domain: the words of the demo's tables occur in catalog, migrations and demo only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.architecture.repository import ROOT, Fault, Source, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Parts of the domains' names that are plain English, SQL or ATDM's own. All others are words of a domain.
ORDINARY: Final = frozenset({
    "address", "age", "allowed", "amount", "arrived", "at", "authorization", "authorized", "cancelled", "captured",
    "category", "closed", "code", "contracted", "correct", "coverage", "covered", "date", "day", "decided", "decision",
    "default", "delivered", "denial", "dependent", "description", "effective", "email", "fee", "first", "free", "from",
    "hand", "id", "is", "item", "joined", "last", "limit", "line", "listed", "max", "met", "method", "minimum", "name",
    "need", "network", "no", "note", "number", "off", "on", "option", "order", "ordered", "out", "outcome", "owe",
    "paid", "parent", "pending", "percent", "phone", "plan", "postal", "product", "rank", "reason", "received",
    "recommended", "reference", "relationship", "replace", "requested", "reserved", "review", "sent", "service",
    "shipped", "state", "status", "terminated", "threshold", "timely", "to", "total", "tracking", "unit", "use",
    "valid", "variant",
})  # fmt: skip
#: Words of domains that name no table or column of the demo, but would be just as telling.
TELLING: Final = frozenset({
    "adjudicate", "adjudication", "healthcare", "hospital", "icd", "insurance", "insured", "insurer", "medical",
    "medicare", "patient", "payer", "physician",
})  # fmt: skip
#: An option of Postgres' own initdb, a word of its function pg_has_role, and the name of an extra.
FOREIGN: Final = re.compile(r"--locale-provider|'MEMBER'|pytest-atdm\[providers\]|--group providers")


def read_domain_words(folder: Path) -> frozenset[str]:
    """Return the singulars of the words that the tables and columns of every domain below *folder* are made of."""
    names: set[str] = set()
    for path in folder.glob("*/*.sql"):
        if path.parent.name != "atdm":
            text = path.read_text()
            names.update(re.findall(r"^CREATE (?:TABLE|DOMAIN|TYPE) (?:\w+\.)?(\w+)", text, flags=re.MULTILINE))
            names.update(re.findall(r"^ {4}([a-z]\w*) +[a-z]", text, flags=re.MULTILINE))
    words = {_singular(word) for name in names for word in name.split("_")}
    return frozenset(words - {"usd", "eur", "synthetic"} - ORDINARY | TELLING)


def find_domain_words(source: Source, words: frozenset[str]) -> Iterator[Fault]:
    """Yield every occurrence of one of *words*, alone or as a part of an identifier, singular or plural."""
    for number, line in source.lines:
        for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", FOREIGN.sub("", line)):
            if _singular(word.lower()) in words:
                yield Fault(source.path, number, word)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def test_no_word_of_a_domain_occurs_in_the_packages() -> None:
    """Tables and columns of the demo are data: neither code, comment, page nor query of ATDM names one."""
    words = read_domain_words(ROOT / "migrations")
    sources = read_sources("pytest_atdm", "seeder")

    assert len(sources) > 50
    assert [] == [str(fault) for source in sources for fault in find_domain_words(source, words)]


def test_domain_words_are_read_from_the_migrations() -> None:
    """The words to look for come from the demo's own tables, so a new table brings its words along."""
    words = read_domain_words(ROOT / "migrations")

    assert {"member", "claim", "provider", "eligibility", "diagnosis", "procedure", "npi", "deductible"} <= words
    assert {"customer", "country", "price", "coupon", "payment", "shipment", "refund", "sku", "subtotal"} <= words


@pytest.mark.parametrize(
    "line", ["claim_status = 1", "class MemberRow:", "# the diagnosis", "npi", "two providers", "all countries"]
)
def test_word_of_a_domain_is_noticed(line: str) -> None:
    """A word is noticed in code and comment, in snake and camel case, singular and plural."""
    words = frozenset({"claim", "country", "member", "diagnosis", "npi", "provider"})

    assert 1 == len(list(find_domain_words(Source("sample.py", line), words)))


@pytest.mark.parametrize("line", ["reclaimed = 1", "remember(this)", "--locale-provider=builtin"])
def test_longer_words_are_let_pass(line: str) -> None:
    """A word that only contains one of a domain's is another word."""
    assert [] == list(find_domain_words(Source("sample.py", line), frozenset({"claim", "member", "provider"})))
