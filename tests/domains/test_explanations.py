"""Every scenario that ships, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

import pytest

from pytest_atdm.core.explain import explain
from pytest_atdm.core.explain.model import Origin
from tests.core.watching import watch
from tests.domains.database import read_catalog
from tests.domains.planning import AS_OF, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.rulebook import Rulebook

CATALOG: Final = read_catalog()


@pytest.mark.parametrize("id", CATALOG.scenario_ids)
def test_every_cell_has_one_origin(rulebooks: Mapping[str, Rulebook], id: str) -> None:
    """Each column of each row is told once, with the origin that the planner noted, and nothing is left out."""
    scenario = CATALOG.scenario(id)
    rulebook = rulebooks[scenario.domain]
    made = make_plan(CATALOG, rulebook, id)

    told = explain(made, scenario, rulebook)

    assert [] == watch(scenario, made, rulebook, {}, AS_OF).find_faults(told)
    assert [*(row.name for row in made.rows), *(row.name for row in made.existing)] == list(told.rows)
    for row in made.rows:
        cells = told.rows[row.name].cells
        assert [column.name for column in rulebook.schema.tables[row.table].columns] == [cell.column for cell in cells]
        assert {cell.origin for cell in cells} <= set(get_args(Origin)) - {"existing", "advice"}
    for existing in made.existing:
        assert {"existing"} == {cell.origin for cell in told.rows[existing.name].cells}


@pytest.mark.parametrize("id", CATALOG.scenario_ids)
def test_every_row_has_a_reason(rulebooks: Mapping[str, Rulebook], id: str) -> None:
    """A row is of the scenario, or a reference that is required or a condition needs it; all stand in the tree."""
    scenario = CATALOG.scenario(id)
    rulebook = rulebooks[scenario.domain]

    told = explain(make_plan(CATALOG, rulebook, id), scenario, rulebook)

    assert {branch.row for branch in told.tree} == set(told.rows)
    for row in told.rows.values():
        presence = row.presence
        assert presence.source if presence.kind == "entity" else presence.needs
        assert all(need.required or need.causes for need in presence.needs)
