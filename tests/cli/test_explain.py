"""``atdm explain`` on a real database, and what it says of rows that no shipped scenario has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm.cli.explain import WIDTH, describe
from pytest_atdm.core.planner import NO_ADVICE
from tests.core.test_explain import BUYER_TEXT, explain_text

if TYPE_CHECKING:
    from pytest_atdm.core.explain import Explanation
    from tests.cli.conftest import Atdm

SCENARIO = "claim_denial_expired_eligibility"
FIXED = ("--run-id", "01JD0000000000000000000000", "--as-of", "2026-03-01")
ELIGIBILITY = """\
plan of claim_denial_expired_eligibility, as of 2026-03-01, seed 0: 5 rows to write, 2 to refer to; nothing written
parameters: days_since_expiry = 3

eligibility (public.eligibility)  entity, healthcare/scenarios/expired_eligibility.yaml:11
  member (public.members)         entity, healthcare/mixins/active_subscriber.yaml:3, by eligibility_member_id_fkey
  plan (public.plans)             entity, healthcare/mixins/current_coverage.yaml:3, by eligibility_plan_id_fkey

eligibility (public.eligibility)
  id              allotted                              key       sequence public.eligibility_id_seq
  member_id       ea47982b-bb7e-4812-980a-d4a1cb460e8a  key       member.id by eligibility_member_id_fkey
      healthcare/mixins/current_coverage.yaml:14
  plan_id         <- plan.id                            key       plan.id by eligibility_plan_id_fkey
      healthcare/mixins/current_coverage.yaml:15
  coverage_rank   1                                     scenario  healthcare/mixins/current_coverage.yaml:16
  status          expired                               scenario  healthcare/scenarios/expired_eligibility.yaml:12
  effective_from  2025-03-01                            scenario  = as_of - 365
      healthcare/mixins/current_coverage.yaml:18
  effective_to    2026-02-26                            scenario  = as_of - days_since_expiry
      healthcare/scenarios/expired_eligibility.yaml:13
  terminated_on   NULL                                  scenario  healthcare/mixins/current_coverage.yaml:20
  deductible_met  500.00                                scenario  = plan.deductible
      healthcare/mixins/current_coverage.yaml:21
"""
VOUCHER_TREE = """\
order (public.orders)                       entity, shop/scenarios/one.yaml:2
  order.buyer (public.buyers)               created, order.buyer_id cannot be NULL, by orders_buyer
    order.buyer.country (public.countries)  reference row, shop/reference/countries.yaml:1, order.buyer.country canno...
  order.voucher (public.vouchers)           created, order.voucher_id cannot be NULL under CHECK paid_how, by orders_...
"""
FOUND = """\
plan of one, as of 2026-03-01, seed 0: 2 rows to write, 1 to refer to; nothing written

also~1 (public.vouchers)      added, the database refused a plan without it
line (public.lines)           entity, shop/scenarios/one.yaml:2
  line.order (public.orders)  stands in the database, no new row could be written, line.order_id cannot be NULL, by l...

also~1 (public.vouchers)
  id  aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa  advice

line (public.lines)
  id        allotted  key       sequence public.lines_id_seq
  order_id  7         key       line.order.id by lines_order

line.order (public.orders)
  id  7  existing
"""


def lines_of(told: Explanation) -> list[str]:
    """Return what a person is told."""
    return "\n".join(describe(told, told.tree, told.rows)).splitlines()


def test_one_entity_is_explained(atdm: Atdm) -> None:
    """The tree below its rows, then each column with its value and where that comes from; nothing is written."""
    outcome = atdm("explain", SCENARIO, "--entity", "eligibility", "--set", "days_since_expiry=3", *FIXED)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == ELIGIBILITY
    assert atdm("reset", "--all", "--output", "json").payload["requests"] == 0


def test_an_override_is_marked(atdm: Atdm) -> None:
    """What ``--set`` gives a column is told apart from what the scenario gives."""
    outcome = atdm("explain", SCENARIO, "--set", "claim.billed_amount=77", "--output", "json")

    cells = {cell["column"]: cell for cell in outcome.payload["rows"]["claim"]["cells"]}
    assert (cells["billed_amount"]["value"], cells["billed_amount"]["origin"]) == ("77.00", "override")
    assert (cells["status"]["value"], cells["status"]["origin"]) == ("denied", "scenario")


def test_json_of_one_entity_has_its_rows_only(atdm: Atdm) -> None:
    """``--entity`` narrows both forms alike; the tree still says what the rows refer to."""
    payload = atdm("explain", SCENARIO, "--entity", "eligibility", "--output", "json").payload

    assert list(payload["rows"]) == ["eligibility"]
    assert [(branch["depth"], branch["row"]) for branch in payload["tree"]] == [
        (0, "eligibility"),
        (1, "member"),
        (1, "plan"),
    ]


def test_an_unknown_entity_is_an_error(atdm: Atdm) -> None:
    """A misspelt entity is not an empty answer."""
    outcome = atdm("explain", SCENARIO, "--entity", "clam")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        'error: --entity: the plan of claim_denial_expired_eligibility has no row of an entity "clam"\n'
        'hint:  did you mean "claim"?\ncode:  setting_error\n'
    )


@pytest.mark.parametrize(
    ("pair", "code"), [("claim.status=paid", "plan_rejected"), ("days_since_expiry=0", "override_error")]
)
def test_what_has_no_plan_is_an_error(atdm: Atdm, pair: str, code: str) -> None:
    """Where there is no plan the error that a request would get says why."""
    explained = atdm("explain", SCENARIO, "--set", pair, "--output", "json")
    requested = atdm("request", SCENARIO, "--set", pair, "--dry-run", "--output", "json")

    assert (explained.code, explained.payload["error"]["code"]) == (2, code)
    assert explained.payload == requested.payload


def test_lines_fit(atdm: Atdm) -> None:
    """Whatever the scenario, no line is longer than 120 characters."""
    for scenario in atdm("scenarios", "--output", "json").payload["scenarios"]:
        outcome = atdm("explain", scenario["id"], *FIXED)

        assert outcome.code == 0, outcome.err
        assert max(map(len, outcome.out.splitlines())) <= WIDTH


def test_a_parent_is_told_with_what_needs_it() -> None:
    """A row that nobody named says which column needs it, and which condition where the column could be NULL."""
    told = explain_text("entities:\n  order: {table: orders, status: free}\n")

    assert lines_of(told)[2:6] == VOUCHER_TREE.splitlines()


def test_rows_of_a_search_are_told() -> None:
    """A row that was found standing, and one that was added, say that no other plan went well."""
    advice = NO_ADVICE.reusing("public.orders", [{"id": 7}]).adding("public.vouchers", {"id": "a" * 32})

    told = explain_text("entities:\n  line: {table: lines}\n", advice=advice)

    assert lines_of(told) == FOUND.splitlines()


def test_rows_that_follow_the_plan_are_counted() -> None:
    """Of a volume the head says how many rows are not shown."""
    told = explain_text("entities:\n  line: {table: lines, count: 1500}\n")

    assert "1400 more rows of line follow, each like one of those below" == lines_of(told)[1]


def test_what_is_long_is_shortened() -> None:
    """A value gets 36 characters, a line 120; neither breaks at a line feed."""
    told = explain_text(BUYER_TEXT, overrides={"who__note": "a\nb" * 50})

    (line,) = (line for line in lines_of(told) if line.lstrip().startswith("note"))
    assert line == "  note     a ba ba ba ba ba ba ba ba ba ba b...  override"
