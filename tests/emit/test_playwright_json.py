"""The JSON that a request leaves behind for Playwright."""

from __future__ import annotations

import dataclasses
import datetime
import json
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.emit.playwright_json import PlaywrightJson, render_playwright_json, to_json
from tests.emit.bundles import SHOP, make_bundle_of

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = """\
{
  "format": 1,
  "scenario": "late_order",
  "intent": "An order that was placed yesterday and is still not paid.",
  "expects": "The shop sends a reminder.",
  "requirements": [
    "REQ-ORD-001",
    "REQ-ORD-002"
  ],
  "request_id": "01JD0000000000000000000002",
  "run_id": "01JD0000000000000000000001",
  "as_of": "2026-01-31",
  "plan_hash": "sha256:abababababababababababababababababababababababababababababababab",
  "tables": {
    "order": "public.orders",
    "lines": "public.order_lines"
  },
  "entities": {
    "order": {
      "id": 41,
      "reference": "6f1c2a52-7a57-4d0e-9c1d-0b7e43c8f1aa",
      "total": "120.50",
      "placed_on": "2026-01-30",
      "changed_at": "2026-01-31T08:30:00+00:00",
      "cancelled_on": null,
      "note": "FAKE \\"note\\"",
      "extras": {
        "gift": true,
        "tags": [
          "a",
          "b"
        ]
      }
    },
    "lines": [
      {
        "order_id": 41,
        "class": "FAKE_A"
      },
      {
        "order_id": 41,
        "class": null
      }
    ]
  }
}
"""


def test_the_file_is_this_text(tmp_path: Path) -> None:
    """The whole file, under the scenario's name."""
    path = PlaywrightJson().emit(SHOP, tmp_path)

    assert (path.name, path.read_text()) == ("atdm_late_order.json", EXPECTED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 - 1, 9007199254740991),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (True, True),
        (Decimal("1.10"), "1.10"),
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (datetime.time(8, 30), "08:30:00"),
        (datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC), "2026-01-31T00:00:00+00:00"),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (b"\x00\xff", "\\x00ff"),
        ({"a": (Decimal("1.0"), None)}, {"a": ["1.0", None]}),
    ],
)
def test_javascript_reads_without_loss(value: object, expected: object) -> None:
    """What JavaScript's numbers would round, or JSON does not know, is a string."""
    assert to_json(value) == expected
    assert type(to_json(value)) is type(expected)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])), min_size=1
    )
)
def test_any_text_comes_back_equal(row: dict[str, str]) -> None:
    """Columns and values of any text that Postgres can hold are read back equal, from UTF-8."""
    text = render_playwright_json(make_bundle_of(row))

    assert json.loads(text.encode())["entities"] == {"thing": row}


def test_a_scenario_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A scenario's name becomes a file's name inside the folder, whatever it holds."""
    path = PlaywrightJson().emit(dataclasses.replace(SHOP, scenario="../../etc/passwd"), tmp_path)

    assert path == tmp_path / "atdm__etc_passwd.json"
