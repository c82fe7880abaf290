"""Which requirements tests have shown to hold: from what tests came to, and the catalog, to a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_atdm.core.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_atdm.core.catalog import Catalog

Outcome: TypeAlias = Literal["passed", "failed", "error", "skipped"]
#: Ends the name of a commit where files had been changed since.
DIRTY: Final = "-dirty"
_BAD: Final = frozenset({"failed", "error"})


class Status(StrEnum):
    """What is known of a requirement, the worst first: of several that hold, the first is its status."""

    FAILING = "failing"
    FLAKY = "flaky"
    COVERED = "covered"
    SKIPPED = "skipped"
    NEVER_EXERCISED = "never_exercised"


#: A test shows that it holds, be it not each time.
_GOOD: Final = frozenset({Status.COVERED, Status.FLAKY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Use(Strict):
    """What a test came to with one scenario at one commit: how many attempts ended how, and how the newest did.

    *commit* is empty where none is known. *requirements* are those that the scenario named then. *attempt* is that of
    the newest, in its session; *at* when, ISO 8601 in UTC. *varied*: attempts of one session ended differently.
    """

    nodeid: str
    scenario: str
    outcome: Outcome
    commit: str = ""
    requirements: tuple[str, ...] = ()
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    attempt: int = 1
    varied: bool = False
    at: str = ""

    @property
    def is_flaky(self) -> bool:
        """Whether the same code ended differently; a skipped test says nothing.

        Between two sessions files may change unless they are those of a commit.
        """
        is_same_code = self.commit != "" and not self.commit.endswith(DIRTY)
        return self.varied or (is_same_code and sum(map(bool, (self.passed, self.failed, self.errors))) > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A requirement and what is known of it. *listed*: it stands in the list of requirements, with a title.

    *scenarios* are those of the catalog that name it, sorted; *tests* what tests came to with them, by test id.
    """

    id: str
    title: str
    listed: bool
    status: Status
    scenarios: tuple[str, ...]
    tests: tuple[Use, ...]

    @property
    def is_flaky(self) -> bool:
        """Whether any of its tests is, failing or not."""
        return any(test.is_flaky for test in self.tests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is known of all requirements: the listed ones in the order of the list, then the others by id.

    *unused* are the scenarios of the catalog that no test has used, sorted.
    """

    requirements: tuple[Requirement, ...]
    unused: tuple[str, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """How many requirements have each status, none left out."""
        found = Counter(one.status for one in self.requirements)
        return {status: found[status] for status in Status}

    @property
    def percent(self) -> float:
        """The share of requirements that are covered, flaky ones too; 100 where there is none."""
        good = sum(one.status in _GOOD for one in self.requirements)
        return 100 * good / len(self.requirements) if self.requirements else 100.0


def list_requirements(catalog: Catalog) -> dict[str, str]:
    """Return the title of each requirement of *catalog*'s domains, in the order of their files.

    One that several domains list is one requirement, with the title of the first.

    Raises:
        CatalogError: a file of a domain has a fault.
    """
    found: dict[str, str] = {}
    for name in catalog.domain_names:
        for id, title in (catalog.domain(name).requirements or {}).items():
            found.setdefault(id, title)
    return found


def list_scenarios(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the requirements that each scenario of *catalog* names.

    Raises:
        CatalogError: a scenario has a fault.
    """
    return {name: catalog.scenario(name).requirements for name in catalog.scenario_ids}


def judge_coverage(listed: Mapping[str, str], scenarios: Mapping[str, Sequence[str]], uses: Iterable[Use]) -> Coverage:
    """Return what *uses* say of the requirements that are *listed* (id to title), or that *scenarios* name.

    What a scenario names now counts; of one that is not in *scenarios* any more, what it named when the test ran.
    Neither the order of *uses* nor that of *scenarios* matters.
    """
    known = sorted(uses, key=lambda use: (use.nodeid, use.scenario, use.at, use.commit))
    tests: dict[str, list[Use]] = {}
    for use in known:
        for id in dict.fromkeys(scenarios.get(use.scenario, use.requirements)):
            tests.setdefault(id, []).append(use)
    naming: dict[str, list[str]] = {}
    for name in sorted(scenarios):
        for id in dict.fromkeys(scenarios[name]):
            naming.setdefault(id, []).append(name)
    others = sorted({*naming, *tests} - listed.keys())
    used = {use.scenario for use in known}
    return Coverage(
        requirements=tuple(
            Requirement(
                id=id,
                title=listed.get(id, ""),
                listed=id in listed,
                status=judge_tests(tests.get(id, ())),
                scenarios=tuple(naming.get(id, ())),
                tests=tuple(tests.get(id, ())),
            )
            for id in (*listed, *others)
        ),
        unused=tuple(sorted(scenarios.keys() - used)),
    )


def judge_tests(tests: Sequence[Use]) -> Status:
    """Return the status of a requirement with these *tests*."""
    if not tests:
        return Status.NEVER_EXERCISED
    if any(test.outcome in _BAD for test in tests):
        return Status.FAILING
    if any(test.is_flaky for test in tests):
        return Status.FLAKY
    return Status.COVERED if any(test.outcome == "passed" for test in tests) else Status.SKIPPED


def describe_counts(coverage: Coverage) -> str:
    """Return how many requirements there are, and of what status: ``3 requirements: 1 failing, 2 covered``."""
    count = len(coverage.requirements)
    parts = [f"{number} {describe_status(status)}" for status, number in coverage.counts.items() if number]
    return f"{count} requirement{'' if count == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")


def describe_status(status: Status) -> str:
    """Return *status* in words."""
    return status.replace("_", " ")


def describe_attempts(tests: Sequence[Use]) -> str:
    """Return how many attempts of *tests* ended how: ``2 passed, 1 failed``; empty where there is none."""
    errors = sum(test.errors for test in tests)
    sums = {
        "passed": sum(test.passed for test in tests),
        "failed": sum(test.failed for test in tests),
        "error" if errors == 1 else "errors": errors,
        "skipped": sum(test.skipped for test in tests),
    }
    return ", ".join(f"{number} {name}" for name, number in sums.items() if number)
