"""``atdm scenarios`` and ``atdm show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Atdm

DOMAIN = "title: A shop\nrules: {}\n"
LATE_ORDER = """\
title: Order that is late
intent: An order that was placed some days ago and is still not paid.
requirements: [REQ-ORD-001]
parameters:
  days: {type: integer, default: 3, minimum: 1, maximum: 30}
entities:
  customer: {table: customers, status: active}
  order: {table: orders, customer: $customer, placed_on: "= as_of - days", paid_on: null, express: true}
  lines: {table: order_lines, count: 2, order: $order}
promises:
  - order.placed_on < as_of
expects: The shop sends a reminder.
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a catalog of its own."""
    files = {
        "shop/domain.yaml": DOMAIN,
        "shop/requirements.yaml": "- {id: REQ-ORD-001, title: Late orders are reminded of}\n",
        "shop/scenarios/late_order.yaml": LATE_ORDER,
        "shop/scenarios/paid_order.yaml": "title: Paid order\nintent: All is well.\nextends: late_order\n",
        "store/domain.yaml": "title: A store\nrules: {}\n",
    }
    for name, text in files.items():
        path = tmp_path / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_scenarios_are_listed(atdm_alone: Atdm, shop: Path) -> None:
    """One line per scenario of the catalog in the current folder, sorted; nothing is started."""
    outcome = atdm_alone("scenarios")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "scenario    domain  title\n"
        "----------  ------  ------------------\n"
        "late_order  shop    Order that is late\n"
        "paid_order  shop    Paid order\n"
    )
    assert not (shop / ".atdm").exists()


def test_scenarios_in_json(atdm_alone: Atdm, shop: Path) -> None:
    """The same with intent, parameters and requirements."""
    outcome = atdm_alone("scenarios", "--output", "json")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.payload["scenarios"][0] == {
        "id": "late_order",
        "domain": "shop",
        "title": "Order that is late",
        "intent": "An order that was placed some days ago and is still not paid.",
        "parameters": ["days"],
        "requirements": ["REQ-ORD-001"],
    }


def test_scenarios_of_one_domain(atdm_alone: Atdm, shop: Path) -> None:
    """``--domain`` leaves out those of other domains."""
    assert atdm_alone("scenarios", "--domain", "store", "--output", "json").payload == {"scenarios": []}


def test_an_unknown_domain_is_an_error(atdm_alone: Atdm, shop: Path) -> None:
    """A misspelt domain is not an empty list."""
    outcome = atdm_alone("scenarios", "--domain", "shpo")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == 'error: the catalog has no domain "shpo"\nhint:  did you mean "shop"?\ncode:  catalog_error\n'


def test_a_mask_that_is_none_is_an_error(atdm_alone: Atdm, shop: Path) -> None:
    """Whoever reads a domain refuses a fault of its masks as any other, with file and line."""
    domain = shop / "catalog" / "shop" / "domain.yaml"
    line = len(DOMAIN.splitlines()) + 2
    domain.write_text(f"{DOMAIN}masks:\n  orders.note: {{hash: 7}}\n")

    outcome = atdm_alone("scenarios")

    assert (outcome.code, outcome.out) == (2, "")
    assert f'shop/domain.yaml:{line}: "orders.note": a mapping has the key constant and no other' in outcome.err
    assert outcome.err.endswith("code:  catalog_error\n")


def test_a_scenario_is_shown(atdm_alone: Atdm, shop: Path) -> None:
    """Everything that a request can change, and what it will always hold."""
    outcome = atdm_alone("show", "late_order")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "late_order: Order that is late\n"
        "\n"
        "An order that was placed some days ago and is still not paid.\n"
        "expects: The shop sends a reminder.\n"
        "requirements: REQ-ORD-001\n"
        "source: shop/scenarios/late_order.yaml:1\n"
        "\n"
        "parameters\n"
        "  days: integer, default 3, minimum 1, maximum 30\n"
        "\n"
        "entities\n"
        "  customer (customers)\n"
        "    status: active\n"
        "  order (orders)\n"
        "    customer: $customer\n"
        "    placed_on: = as_of - days\n"
        "    paid_on: null\n"
        "    express: true\n"
        "  lines (order_lines, 2 rows)\n"
        "    order: $order\n"
        "\n"
        "promises\n"
        "  order.placed_on < as_of\n"
    )


def test_a_scenario_in_json(atdm_alone: Atdm, shop: Path) -> None:
    """The merged scenario, with the sources of all its parts."""
    shown = atdm_alone("show", "paid_order", "--output", "json").payload

    assert (shown["id"], shown["intent"]) == ("paid_order", "All is well.")
    assert list(shown["entities"]) == ["customer", "order", "lines"]
    assert shown["promises"][0]["expression"] == "order.placed_on < as_of"


def test_an_unknown_scenario_is_an_error(atdm_alone: Atdm, shop: Path) -> None:
    """The nearest name is proposed."""
    outcome = atdm_alone("show", "late_ordr")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        'error: no scenario "late_ordr" in the catalog\nhint:  did you mean "late_order"?\ncode:  unknown_scenario\n'
    )


@pytest.mark.parametrize(
    ("variable", "words", "source"),
    [(None, ("--catalog", "nowhere"), "--catalog"), ("nowhere", (), "env ATDM_CATALOG")],
)
def test_a_wrong_setting_names_its_source(
    atdm_alone: Atdm,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str | None,
    words: tuple[str, ...],
    source: str,
) -> None:
    """Whether an option or a variable is wrong is said."""
    if variable:
        monkeypatch.setenv("ATDM_CATALOG", variable)

    outcome = atdm_alone("scenarios", *words)

    assert outcome.code == 2
    assert outcome.err == (
        f'error: {source}: "nowhere" is not a folder ({tmp_path / "nowhere"})\n'
        "hint:  name the folder that holds one folder per domain\ncode:  setting_error\n"
    )
