"""From a receipt to files, and what must not come along."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.catalog.scenario import Entity, Formula, Scenario
from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.model import Receipt, SeededEntity
from pytest_atdm.core.schema import Check, Column, Domain, Schema, Table
from pytest_atdm.emit import built_in_emitters
from pytest_atdm.emit.bundle import FixtureColumn, FixtureEntity, make_bundle, write_atomically
from pytest_atdm.emit.playwright_json import render_playwright_json
from pytest_atdm.emit.pytest_module import render_pytest_module

if TYPE_CHECKING:
    from pathlib import Path

TOKEN: Final = "c0ffee" * 10
AUDIT_URL: Final = "http://127.0.0.1:1/ui/audit/run?key=5ec2e7"

SCHEMA: Final = Schema(
    tables={
        "public.orders": Table(
            id="public.orders",
            columns=(
                Column(name="id", type="bigint", nullable=False, sequence="public.orders_id_seq"),
                Column(name="total", type="money_amount", nullable=False),
                Column(name="placed_on", type="date"),
            ),
        )
    },
    domains={
        "money_amount": Domain(
            name="money_amount", type="numeric(10,2)", checks=(Check(name="positive", expression="VALUE >= 0"),)
        )
    },
)

SCENARIO: Final = Scenario(
    id="late_order",
    domain="shop",
    source="shop/scenarios/late_order.yaml:1",
    title="Late order",
    intent="An order that is late.",
    requirements=("REQ-ORD-001",),
    expects="A reminder.",
)

RECEIPT: Final = Receipt(
    request_id="01JD0000000000000000000002",
    run_id="01JD0000000000000000000001",
    request_key="late_order",
    scenario="late_order",
    plan_hash="sha256:" + "ab" * 32,
    as_of="2026-01-31",
    entities={
        "order": SeededEntity(table="public.orders", rows=({"id": 41, "total": "120.50", "placed_on": "2026-01-30"},))
    },
    cleanup_token=TOKEN,
    audit_url=AUDIT_URL,
    rows=1,
)


def test_cells_become_python_values() -> None:
    """A bundle holds dates and decimals, and columns under their base type."""
    bundle = make_bundle(RECEIPT, SCENARIO, SCHEMA)

    assert (bundle.intent, bundle.expects, bundle.requirements) == (
        "An order that is late.",
        "A reminder.",
        ("REQ-ORD-001",),
    )
    assert bundle.as_of == datetime.date(2026, 1, 31)
    assert bundle.entities == {
        "order": FixtureEntity(
            table="public.orders",
            columns=(
                FixtureColumn(name="id", type="bigint", nullable=False),
                FixtureColumn(name="total", type="numeric", nullable=False),
                FixtureColumn(name="placed_on", type="date", nullable=True),
            ),
            rows=({"id": 41, "total": Decimal("120.50"), "placed_on": datetime.date(2026, 1, 30)},),
        )
    }


def test_an_entity_with_a_count_of_0_is_there_without_rows() -> None:
    """A loop over it does nothing, whichever parameter made the count; a receipt knows rows only."""
    entities = {
        "order": Entity(name="order", table="orders", source="a.yaml:1"),
        "further": Entity(name="further", table="orders", source="a.yaml:2", count=Formula("n", "a.yaml:2")),
    }

    bundle = make_bundle(RECEIPT, dataclasses.replace(SCENARIO, entities=entities), SCHEMA)

    assert bundle.entities["further"] == dataclasses.replace(bundle.entities["order"], rows=(), many=True)
    assert '"further": []' in render_playwright_json(bundle)
    assert "    further: tuple[Further, ...]\n" in render_pytest_module(bundle)
    assert "    further=(),\n" in render_pytest_module(bundle)


@pytest.mark.parametrize("emitter", built_in_emitters(), ids=lambda emitter: emitter.name)
def test_no_secret_reaches_a_file(emitter: object, tmp_path: Path) -> None:
    """Neither the cleanup token nor the key of the audit page stands in what an emitter writes."""
    path = emitter.emit(make_bundle(RECEIPT, SCENARIO, SCHEMA), tmp_path)  # type: ignore[attr-defined]

    content = path.read_bytes()

    assert TOKEN.encode() not in content
    assert b"5ec2e7" not in content
    assert RECEIPT.request_id.encode() in content


def test_a_reader_never_finds_half_a_file(tmp_path: Path) -> None:
    """While a file is replaced again and again, every read finds one whole version of it."""
    path = tmp_path / "file"
    versions = {"a" * 200_000, "b" * 200_000}
    write_atomically(path, "a" * 200_000)
    writers = [threading.Thread(target=_write_often, args=(path, text)) for text in versions]
    for writer in writers:
        writer.start()

    read = {path.read_text() for _ in range(200)}

    for writer in writers:
        writer.join()
    assert read <= versions
    assert list(tmp_path.iterdir()) == [path]


def _write_often(path: Path, text: str) -> None:
    for _ in range(50):
        write_atomically(path, text)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """Where the place is taken by a folder, the error names it and no temporary file stays."""
    (tmp_path / "taken").mkdir()

    with pytest.raises(SettingError, match="taken cannot be written: Is a directory"):
        write_atomically(tmp_path / "taken", "text")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    """The caller chose the folder, so the caller is told."""
    (tmp_path / "file").touch()

    with pytest.raises(SettingError, match=r"fixture file .* cannot be written"):
        write_atomically(tmp_path / "file" / "below" / "fixture", "text")
