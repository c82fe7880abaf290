"""Plans of shipped scenarios, with everything fixed that a test does not vary."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.planner import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.rulebook import Rulebook

AS_OF: Final = datetime.date(2026, 1, 15)


def make_plan(
    catalog: Catalog,
    rulebook: Rulebook,
    id: str,
    overrides: Mapping[str, object] | None = None,
    *,
    seed: int = 0,
    run_id: str = "01KAAAAAAAAAAAAAAAAAAAAAAA",
    as_of: datetime.date = AS_OF,
) -> Plan:
    """Return the plan of the scenario *id* of *catalog*."""
    return plan(
        catalog.scenario(id),
        rulebook,
        overrides=overrides or {},
        run_id=run_id,
        request_key="test",
        seed=seed,
        as_of=as_of,
    )
