"""Which scenarios a change of the schema breaks: each is planned on the schema before and after, and gated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import NO_ROWS, Rulebook

if TYPE_CHECKING:
    import datetime

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.rulebook import Standing
    from pytest_atdm.core.schema import Schema

#: Which run the plans would belong to; nothing is written, and no scenario depends on it.
_RUN_ID: Final = "0" * 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why *scenario* cannot be planned with its default parameters: *code*, *message* and *hint* of the error."""

    scenario: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change does to the scenarios of a catalog, sorted by id: *broken* ones could be planned before.

    *failing* ones cannot be planned, and could not before; *mended* and *sound* ones can, *sound* ones before as well.
    """

    broken: tuple[Failure, ...]
    failing: tuple[Failure, ...]
    mended: tuple[str, ...]
    sound: tuple[str, ...]


def find_effect(
    catalog: Catalog,
    before: Schema,
    after: Schema,
    *,
    seed: int,
    as_of: datetime.date,
    standing: Standing = NO_ROWS,
) -> Effect:
    """Return what becomes of the scenarios of *catalog* where the schema *before* becomes *after*.

    *standing* are the rows of the domains' reference tables, as rulebooks take them.
    """
    earlier = find_failures(catalog, before, seed=seed, as_of=as_of, standing=standing)
    now = find_failures(catalog, after, seed=seed, as_of=as_of, standing=standing) if before != after else earlier
    well = [name for name in catalog.scenario_ids if name not in now]
    return Effect(
        broken=tuple(failure for name, failure in now.items() if name not in earlier),
        failing=tuple(failure for name, failure in now.items() if name in earlier),
        mended=tuple(name for name in well if name in earlier),
        sound=tuple(name for name in well if name not in earlier),
    )


def find_failures(
    catalog: Catalog, schema: Schema, *, seed: int, as_of: datetime.date, standing: Standing = NO_ROWS
) -> dict[str, Failure]:
    """Return, by id and sorted by it, the scenarios that no plan can be made for, or none that passes the gate."""
    gates: dict[str, Gate] = {}
    failures: dict[str, Failure] = {}
    for name in catalog.scenario_ids:
        try:
            scenario = catalog.scenario(name)
            if scenario.domain not in gates:
                gates[scenario.domain] = Gate(Rulebook(schema, catalog.domain(scenario.domain), standing))
            gate = gates[scenario.domain]
            gate.approve(
                plan(scenario, gate.rulebook, overrides={}, run_id=_RUN_ID, request_key=name, seed=seed, as_of=as_of)
            )
        except AtdmError as error:
            failures[name] = Failure(scenario=name, code=error.code, message=error.message, hint=error.hint)
    return failures
