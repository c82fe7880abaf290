"""Bundles that the emitter tests start from."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pytest_atdm.emit.bundle import FixtureBundle, FixtureColumn, FixtureEntity

if TYPE_CHECKING:
    from collections.abc import Mapping

MOMENT: Final = datetime.datetime(2026, 1, 31, 8, 30, tzinfo=datetime.UTC)

ORDER: Final = FixtureEntity(
    table="public.orders",
    columns=(
        FixtureColumn(name="id", type="bigint", nullable=False),
        FixtureColumn(name="reference", type="uuid", nullable=False),
        FixtureColumn(name="total", type="numeric", nullable=False),
        FixtureColumn(name="placed_on", type="date", nullable=False),
        FixtureColumn(name="changed_at", type="timestamp with time zone", nullable=False),
        FixtureColumn(name="cancelled_on", type="date", nullable=True),
        FixtureColumn(name="note", type="text", nullable=True),
        FixtureColumn(name="extras", type="jsonb", nullable=True),
    ),
    rows=(
        {
            "id": 41,
            "reference": UUID("6f1c2a52-7a57-4d0e-9c1d-0b7e43c8f1aa"),
            "total": Decimal("120.50"),
            "placed_on": datetime.date(2026, 1, 30),
            "changed_at": MOMENT,
            "cancelled_on": None,
            "note": 'FAKE "note"',
            "extras": {"gift": True, "tags": ["a", "b"]},
        },
    ),
)

LINES: Final = FixtureEntity(
    table="public.order_lines",
    columns=(
        FixtureColumn(name="order_id", type="bigint", nullable=False),
        FixtureColumn(name="class", type="text", nullable=True),
    ),
    rows=({"order_id": 41, "class": "FAKE_A"}, {"order_id": 41, "class": None}),
    many=True,
)

SHOP: Final = FixtureBundle(
    scenario="late_order",
    intent="An order that was placed yesterday and is still not paid.",
    expects="The shop sends a reminder.",
    requirements=("REQ-ORD-001", "REQ-ORD-002"),
    request_id="01JD0000000000000000000002",
    run_id="01JD0000000000000000000001",
    as_of=datetime.date(2026, 1, 31),
    plan_hash="sha256:" + "ab" * 32,
    entities={"order": ORDER, "lines": LINES},
)


def make_bundle_of(rows: Mapping[str, object], *, entity: str = "thing") -> FixtureBundle:
    """Return ``SHOP`` with the one entity *entity*, whose one row is *rows*; every column is text and nullable."""
    columns = tuple(FixtureColumn(name=name, type="text", nullable=True) for name in rows)
    return dataclasses.replace(
        SHOP, entities={entity: FixtureEntity(table="public.things", columns=columns, rows=(rows,))}
    )
