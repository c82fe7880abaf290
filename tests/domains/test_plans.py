"""What holds of the plans of every shipped scenario."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core import wire
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.rulebook import Rulebook
from tests.domains.database import read_catalog
from tests.domains.planning import AS_OF, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.model import Plan

CATALOG: Final = read_catalog()
RUN_IDS: Final = ("01KAAAAAAAAAAAAAAAAAAAAAAA", "01KBBBBBBBBBBBBBBBBBBBBBBB", "01KCCCCCCCCCCCCCCCCCCCCCCC")

Rulebooks = dict[str, Rulebook]


@pytest.fixture(params=CATALOG.scenario_ids)
def id(request: pytest.FixtureRequest) -> str:
    """Each shipped scenario."""
    name: str = request.param
    return name


def rulebook_of(rulebooks: Mapping[str, Rulebook], id: str) -> Rulebook:
    """Return the rulebook of the scenario's domain."""
    return rulebooks[CATALOG.scenario(id).domain]


def iter_extremes() -> Iterator[tuple[str, str, object]]:
    """Yield every scenario with each of its parameters at either end."""
    for id in CATALOG.scenario_ids:
        for parameter in CATALOG.scenario(id).parameters.values():
            yield id, parameter.name, parameter.minimum
            yield id, parameter.name, parameter.maximum


@pytest.mark.parametrize("as_of", [AS_OF, datetime.date(2028, 2, 29), datetime.date(2025, 12, 31)], ids=str)
def test_scenario_passes_the_gate(rulebooks: Rulebooks, id: str, as_of: datetime.date) -> None:
    """Every scenario has a plan to which no validator objects, whatever the day."""
    rulebook = rulebook_of(rulebooks, id)

    assert Gate(rulebook).check(make_plan(CATALOG, rulebook, id, as_of=as_of)) == ()


@pytest.mark.parametrize(("id", "parameter", "value"), list(iter_extremes()))
def test_parameters_hold_at_their_limits(rulebooks: Rulebooks, id: str, parameter: str, value: object) -> None:
    """What a scenario lets a caller choose never leads to rows that the gate refuses."""
    rulebook = rulebook_of(rulebooks, id)

    assert Gate(rulebook).check(make_plan(CATALOG, rulebook, id, {parameter: value})) == ()


def test_plan_is_repeatable(rulebooks: Rulebooks, id: str) -> None:
    """Equal arguments give equal bytes."""
    rulebook = rulebook_of(rulebooks, id)

    first, second = (wire.dump_plan(make_plan(CATALOG, rulebook, id, seed=7)) for _ in range(2))

    assert first == second


def test_plan_does_not_depend_on_the_plans_before_it(rulebooks: Rulebooks, id: str) -> None:
    """A rulebook that has planned the scenario for other runs gives the same bytes as one that never has."""
    known = rulebook_of(rulebooks, id)
    used = Rulebook(known.schema, known.domain)

    for run_id in RUN_IDS:
        fresh = Rulebook(known.schema, known.domain)
        cold, warm = (wire.dump_plan(make_plan(CATALOG, book, id, run_id=run_id)) for book in (fresh, used))
        assert cold == warm
    assert used.patterns


def test_runs_do_not_share_unique_values(rulebooks: Rulebooks, id: str) -> None:
    """Two runs that ask for one scenario write different values under every key of one text column."""
    rulebook = rulebook_of(rulebooks, id)

    first, second = (read_unique_texts(make_plan(CATALOG, rulebook, id, run_id=run), rulebook) for run in RUN_IDS[:2])

    assert first
    assert first.isdisjoint(second)


def read_unique_texts(plan: Plan, rulebook: Rulebook) -> set[tuple[str, str, object]]:
    """Return the values of *plan* in text columns that are unique by themselves, with table and column."""
    return {
        (row.table, name, row.values[name])
        for row in plan.rows
        for (name, *others) in rulebook.schema.tables[row.table].unique_sets
        if not others and rulebook.schema.tables[row.table].column(name).type == "text" and name in row.values
    }
