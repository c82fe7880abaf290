"""What is written down of a failed test's data, and how the same rows are planned again from it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core import wire
from pytest_atdm.core.errors import InvalidRequest, PlanTampered
from pytest_atdm.core.model import Cell, Plan, PlannedRow, RowsNow, SeededEntity
from pytest_atdm.core.strict import Strict

if TYPE_CHECKING:
    from pytest_atdm.core.schema import Schema

BUNDLE_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest(Strict):
    """A request of a failed test: its *plan* with the hash of its bytes, the rows as they were seeded, and then.

    *after* is what had become of them when the test had failed; None where nobody could be asked.
    """

    plan: Plan
    plan_hash: str
    entities: Mapping[str, SeededEntity]
    after: RowsNow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureBundle(Strict):
    """All requests of the failed *test*, in the order in which they were made. It holds no secret."""

    test: str
    requests: tuple[FailedRequest, ...]
    format: int = BUNDLE_FORMAT


def dump_bundle(bundle: FailureBundle) -> bytes:
    """Return *bundle* as JSON."""
    return wire.dump(bundle)


def load_bundle(data: bytes, *, what: str) -> FailureBundle:
    """Return the bundle in *data*; *what* names it in messages.

    Raises:
        InvalidRequest: it is no bundle, or one of another version.
        PlanTampered: a plan is another than the one that was seeded.
    """
    bundle = wire.load(data, FailureBundle, what=what)
    if bundle.format != BUNDLE_FORMAT or not bundle.requests:
        raise InvalidRequest(
            f"{what}: format {bundle.format} with {len(bundle.requests)} requests is nothing that can be replayed",
            hint="use the version of pytest-atdm that wrote it",
        )
    for request in bundle.requests:
        if wire.plan_hash(wire.dump_plan(request.plan)) != request.plan_hash:
            raise PlanTampered(
                f"{what}: the plan of {request.plan.scenario} is another than the one that was seeded",
                hint="replay the bundle as the session wrote it",
            )
    return bundle


def pin_rows(request: FailedRequest, schema: Schema) -> Plan:
    """Return the plan of *request* with every value as it was seeded, those that the database chose included.

    Values that the database computes stay its own, and so do the keys of a volume.
    """
    if request.plan.volumes:
        return request.plan
    seen: Counter[str] = Counter()
    rows = []
    for row in request.plan.rows:
        seeded = request.entities[row.entity].rows[seen[row.entity]]
        seen[row.entity] += 1
        rows.append(_pin(row, seeded, schema))
    return dataclasses.replace(request.plan, rows=tuple(rows))


def _pin(row: PlannedRow, seeded: Mapping[str, Cell], schema: Schema) -> PlannedRow:
    computed = {column.name for column in schema.table(row.table).columns if column.generated}
    return dataclasses.replace(
        row, values={name: cell for name, cell in seeded.items() if name not in computed}, keys={}
    )


def differences(then: Mapping[str, SeededEntity], now: Mapping[str, SeededEntity]) -> list[str]:
    """Return a line for each value that is another than *then*, like ``loan.loan_id: 7, and was 3``."""
    return [
        f"{name}.{column}: {new.get(column)!r}, and was {cell!r}"
        for name, entity in then.items()
        for old, new in zip(entity.rows, now[name].rows, strict=True)
        for column, cell in old.items()
        if new.get(column) != cell
    ]
