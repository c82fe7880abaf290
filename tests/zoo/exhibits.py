"""The SQL files of ``schemas``: tables of one theme each, and beside every table what is to come of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.probe import Verdict

SCHEMAS: Final = Path(__file__).parent / "schemas"

_NAME: Final = r'(?:"(?:[^"]|"")+"|\w+)'
#: ``-- expect: planted, leaves TABLES: WORDS OF THE REASON``, and the table that the next line makes.
_EXPECTED: Final = re.compile(
    rf"^-- expect: (?P<outcome>\w+)(?:, leaves (?P<leaves>[^:\n]+))?(?:: (?P<words>.+))?\n"
    rf"CREATE TABLE (?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME})",
    re.MULTILINE,
)
_SETTING: Final = re.compile(r"^-- (postgres|role): (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Expected:
    """*words* occur in the verdict's reason; *leaves* are the tables that are not as before after the row has gone."""

    outcome: str
    words: str
    leaves: frozenset[str]

    def describe(self) -> str:
        """Return one line that ``describe_verdict`` gives for a verdict as expected."""
        return _describe(self.outcome, self.words, self.leaves)


def describe_verdict(verdict: Verdict, expected: Expected | None) -> str:
    """Return what came of a table in one line; of the reason the expected words, where it has them."""
    leaves = frozenset(one.table for one in verdict.trial.residue) if verdict.trial else frozenset()
    as_expected = expected and expected.words in verdict.reason and (expected.words or verdict.outcome != "refused")
    return _describe(verdict.outcome, expected.words if expected and as_expected else verdict.reason, leaves)


def _describe(outcome: str, words: str, leaves: frozenset[str]) -> str:
    return f"{outcome}, leaves {' '.join(sorted(leaves)) or 'nothing'}: {words}"


@dataclass(frozen=True)
class Exhibit:
    """One file.."""

    name: str

    @cached_property
    def sql(self) -> str:
        """The whole file."""
        return (SCHEMAS / f"{self.name}.sql").read_text(encoding="utf-8")

    @cached_property
    def expected(self) -> Mapping[str, Expected]:
        """What is to come of each table, by its id."""
        found = {}
        for match in _EXPECTED.finditer(self.sql):
            id = f"{_unquote(match['schema'] or 'public')}.{_unquote(match['table'])}"
            leaves = frozenset(f"public.{name}" for name in (match["leaves"] or "").split())
            found[id] = Expected(match["outcome"], match["words"] or "", leaves)
        return found

    @property
    def since(self) -> int:
        """The oldest major version of Postgres that takes the file."""
        return int(self._settings.get("postgres", "0"))

    @property
    def role(self) -> str:
        """Whom the seeder connects as; empty for the owner of everything."""
        return self._settings.get("role", "")

    @cached_property
    def _settings(self) -> Mapping[str, str]:
        return dict(_SETTING.findall(self.sql))


def list_exhibits() -> list[Exhibit]:
    """Return all files, by name."""
    return [Exhibit(path.stem) for path in sorted(SCHEMAS.glob("*.sql"))]


def _unquote(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
