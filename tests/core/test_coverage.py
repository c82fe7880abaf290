"""From what tests came to, to what is known of requirements."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.coverage import (
    Coverage,
    Requirement,
    Status,
    Use,
    describe_attempts,
    describe_counts,
    judge_coverage,
    judge_tests,
    list_requirements,
    list_scenarios,
)

_IDS = st.sampled_from(["R-1", "R-2", "R-3", "R-4"])
_NAMES = st.sampled_from(["paid", "open", "gone", "late"])
_LINKS = st.dictionaries(_NAMES, st.lists(_IDS, max_size=3))
_LISTED = st.dictionaries(_IDS, st.text(max_size=3))


def _make_use(nodeid: str, scenario: str, commit: str, requirements: list[str], counts: list[int], last: int) -> Use:
    names = ("passed", "failed", "errors", "skipped")
    outcomes: tuple[Any, ...] = ("passed", "failed", "error", "skipped")
    told: dict[str, Any] = dict(zip(names, counts, strict=True))
    told[names[last]] += 1
    return Use(
        nodeid=nodeid,
        scenario=scenario,
        commit=commit,
        requirements=tuple(requirements),
        outcome=outcomes[last],
        **told,
    )


_USES = st.lists(
    st.builds(
        _make_use,
        st.sampled_from(["a", "b", "c"]),
        _NAMES,
        st.sampled_from(["", "c1", "c1-dirty"]),
        st.lists(_IDS, max_size=2),
        st.lists(st.integers(0, 2), min_size=4, max_size=4),
        st.integers(0, 3),
    ),
    max_size=8,
    unique_by=lambda use: (use.nodeid, use.scenario),
)


def passed(nodeid: str = "t", scenario: str = "paid", **more: Any) -> Use:
    """A test that passed once."""
    return Use(**{"nodeid": nodeid, "scenario": scenario, "outcome": "passed", "commit": "c1", "passed": 1, **more})


def failed(nodeid: str = "t", scenario: str = "paid", **more: Any) -> Use:
    """A test that failed once."""
    return passed(nodeid, scenario, **{"outcome": "failed", "passed": 0, "failed": 1, **more})


@given(_LISTED, _LINKS, _USES)
def test_nothing_is_lost_and_nothing_made_up(
    listed: dict[str, str], scenarios: dict[str, list[str]], uses: list[Use]
) -> None:
    """Each id that anybody names has one entry; it is listed, named and exercised where the arguments say so."""
    found = judge_coverage(listed, scenarios, uses)

    entries = {one.id: one for one in found.requirements}
    linked = {id for use in uses for id in scenarios.get(use.scenario, use.requirements)}
    assert {*listed, *(id for ids in scenarios.values() for id in ids), *linked} == set(entries)
    assert len(entries) == len(found.requirements)
    assert list(listed) == [one.id for one in found.requirements if one.listed]
    for id, one in entries.items():
        assert one.title == listed.get(id, "")
        assert {name for name, ids in scenarios.items() if id in ids} == set(one.scenarios)
        assert (id in linked) == (one.status is not Status.NEVER_EXERCISED) == bool(one.tests)
    assert set(scenarios) - {use.scenario for use in uses} == set(found.unused)


@given(_LISTED, _LINKS, _USES, st.randoms(use_true_random=False))
def test_the_order_of_uses_does_not_matter(
    listed: dict[str, str], scenarios: dict[str, list[str]], uses: list[Use], chance: random.Random
) -> None:
    """Whoever told first or last, the report is the same."""
    mixed, names = uses.copy(), list(scenarios)
    chance.shuffle(mixed)
    chance.shuffle(names)

    assert judge_coverage(listed, scenarios, uses) == judge_coverage(
        listed, {name: scenarios[name] for name in names}, mixed
    )


@given(_LISTED, _LINKS, _USES)
def test_counts_add_up(listed: dict[str, str], scenarios: dict[str, list[str]], uses: list[Use]) -> None:
    """Every requirement has one status; the percentage counts those that a test has shown to hold."""
    found = judge_coverage(listed, scenarios, uses)

    assert sum(found.counts.values()) == len(found.requirements)
    good = found.counts[Status.COVERED] + found.counts[Status.FLAKY]
    assert found.percent == (100 * good / len(found.requirements) if found.requirements else 100)


@given(_USES)
def test_a_failure_is_never_hidden(uses: list[Use]) -> None:
    """However many tests passed, one whose newest outcome is bad makes the requirement failing, and only that does."""
    is_bad = any(use.outcome in ("failed", "error") for use in uses)

    assert is_bad == (judge_tests(uses) is Status.FAILING)


@given(_USES, st.integers(0, 3))
def test_one_more_that_passes_never_makes_it_worse(uses: list[Use], attempts: int) -> None:
    """Another test that passes turns never exercised and skipped to covered, and leaves the rest as it is."""
    before = judge_tests(uses)

    after = judge_tests([*uses, passed("z", commit="c9", passed=1 + attempts)])

    assert after is (Status.COVERED if before in (Status.NEVER_EXERCISED, Status.SKIPPED) else before)


@pytest.mark.parametrize(
    ("uses", "status"),
    [
        ([], Status.NEVER_EXERCISED),
        ([passed()], Status.COVERED),
        ([passed(), failed("u")], Status.FAILING),
        ([failed(outcome="error")], Status.FAILING),
        ([passed(failed=1)], Status.FLAKY),
        ([passed(errors=1)], Status.FLAKY),
        ([failed(passed=1)], Status.FAILING),
        ([passed(skipped=1)], Status.COVERED),
        ([passed(outcome="skipped", passed=0, skipped=1)], Status.SKIPPED),
        ([passed(failed=1, commit="c1-dirty")], Status.COVERED),
        ([passed(failed=1, commit="")], Status.COVERED),
        ([passed(failed=1, commit="c1-dirty", varied=True)], Status.FLAKY),
    ],
)
def test_the_worst_that_is_known_is_the_status(uses: list[Use], status: Status) -> None:
    """Failing before flaky before covered; between runs only a clean commit is the same code."""
    assert status is judge_tests(uses)


def test_a_failing_test_that_has_passed_is_flaky_beside() -> None:
    """The status says the worst, and that the test is not steady is told too."""
    (one,) = judge_coverage({"R-1": "Pays"}, {"paid": ["R-1"]}, [failed(passed=2)]).requirements

    assert (Status.FAILING, True) == (one.status, one.is_flaky)


def test_lists_and_scenarios_that_do_not_agree_are_told_apart() -> None:
    """What only scenarios name comes after the list, unlisted; what no scenario names has none."""
    found = judge_coverage({"R-2": "Two", "R-1": "One"}, {"paid": ["R-1", "R-9"], "open": []}, [passed()])

    assert found == Coverage(
        requirements=(
            Requirement(
                id="R-2", title="Two", listed=True, status=Status.NEVER_EXERCISED, scenarios=(), tests=()
            ),
            Requirement(
                id="R-1", title="One", listed=True, status=Status.COVERED, scenarios=("paid",), tests=(passed(),)
            ),
            Requirement(
                id="R-9", title="", listed=False, status=Status.COVERED, scenarios=("paid",), tests=(passed(),)
            ),
        ),
        unused=("open",),
    )  # fmt: skip
    assert describe_counts(found) == "3 requirements: 2 covered, 1 never exercised"
    assert describe_counts(judge_coverage({}, {}, [])) == "0 requirements"


def test_what_a_scenario_names_now_counts() -> None:
    """A scenario that is gone from the catalog counts for what it named when the test ran."""
    gone = passed("u", "gone", requirements=("R-1",))
    moved = passed("t", "paid", requirements=("R-1",))

    found = judge_coverage({"R-1": "", "R-2": ""}, {"paid": ["R-2"]}, [gone, moved])

    assert [("R-1", (gone,)), ("R-2", (moved,))] == [(one.id, one.tests) for one in found.requirements]


def test_attempts_are_summed_in_words() -> None:
    """What never happened is not named."""
    assert describe_attempts([passed(failed=2), failed("u", errors=1, skipped=3)]) == (
        "1 passed, 3 failed, 1 error, 3 skipped"
    )
    assert describe_attempts([]) == ""


def test_lists_come_from_all_domains() -> None:
    """Requirements in the order of their files, the first title counting; scenarios with what they name."""
    entity = "title: x\nrequirements: [{}]\nentities: {{a: {{table: t}}}}\n"
    catalog = load_catalog(
        {
            "a/domain.yaml": "title: A\n",
            "a/requirements.yaml": "- {id: Z, title: Last}\n- {id: B, title: Of A}\n",
            "a/scenarios/one.yaml": entity.format("Z"),
            "b/domain.yaml": "title: B\n",
            "b/requirements.yaml": "- {id: C, title: Of B}\n- {id: B, title: Of B}\n",
            "c/domain.yaml": "title: C\n",
            "c/scenarios/two.yaml": entity.format("ELSEWHERE"),
        }
    )

    assert [("Z", "Last"), ("B", "Of A"), ("C", "Of B")] == list(list_requirements(catalog).items())
    assert {"one": ("Z",), "two": ("ELSEWHERE",)} == list_scenarios(catalog)
