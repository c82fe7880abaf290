"""Plans written over HTTP, and their cleanup."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import pytest

from pytest_atdm.core.model import Cell, ExistingRow, Plan, SeededEntity
from pytest_atdm.core.schema import Column, Schema, Table
from pytest_atdm.core.wire import dump_plan, plan_hash
from seeder.gathering import gather_entities
from tests.seeder.caller import Caller, new_ulid
from tests.seeder.expect import problem_of


def change_cell(plan: Plan, row: str, column: str, value: Cell) -> Plan:
    """Return *plan* with another value in one cell."""
    rows = tuple(
        dataclasses.replace(one, values={**one.values, column: value}) if one.name == row else one for one in plan.rows
    )
    return dataclasses.replace(plan, rows=rows)


def test_seeding_a_plan_answers_its_rows_as_the_database_holds_them(shop: Caller, run_id: str) -> None:
    """The receipt has every entity with its keys, reference rows included, and counts only what was written."""
    plan = shop.plan(run_id)

    answer = shop.seed(plan)

    receipt = answer.json()
    entities = receipt["entities"]
    assert 201 == answer.status_code
    assert {"country", "customer", "purchase", "line"} == entities.keys()
    assert entities["purchase"]["rows"][0]["customer_id"] == entities["customer"]["rows"][0]["id"]
    assert [0, 1] == [row["line"] for row in entities["line"]["rows"]]
    assert (True, False) == (entities["line"]["many"], entities["purchase"]["many"])
    assert "ZZ" == entities["country"]["rows"][0]["code"]
    assert 4 == receipt["rows"]
    assert plan_hash(dump_plan(plan)) == receipt["plan_hash"]
    assert f"{shop.base_url}/ui/audit/{run_id}" == receipt["audit_url"]
    assert receipt["replayed"] is False
    shop.reset(receipt).raise_for_status()


def test_cleanup_leaves_every_table_as_it_was(shop: Caller, run_id: str) -> None:
    """Seeded rows and what the application hung below them are gone, and the report tells them apart."""
    before = shop.rows()
    receipt = shop.seed(shop.plan(run_id)).json()
    order = receipt["entities"]["purchase"]["rows"][0]["id"]
    shop.query("INSERT INTO order_notes (order_id, note) VALUES ($1, 'left at the door') RETURNING id", order)

    report = shop.reset(receipt).json()

    assert {"public.customers": 1, "public.orders": 1, "public.order_lines": 2} == report["seeded"]
    assert {"public.order_notes": 1} == report["made_by_sut"]
    assert before == shop.rows()


def test_a_repeated_cleanup_answers_the_same_report(shop: Caller, run_id: str) -> None:
    """Cleanup is idempotent: the second call says so and finds nothing to do."""
    receipt = shop.seed(shop.plan(run_id)).json()
    first = shop.reset(receipt).json()

    second = shop.reset(receipt)

    assert 200 == second.status_code
    assert {**first, "already": True} == second.json()


def test_a_replay_answers_the_same_rows_with_a_fresh_token(shop: Caller, run_id: str) -> None:
    """The same key and plan again is 200 and writes nothing; the older token stops working."""
    plan = shop.plan(run_id)
    first = shop.seed(plan).json()
    rows = shop.rows()

    again = shop.seed(plan)

    second = again.json()
    assert 200 == again.status_code
    assert second["replayed"] is True
    assert (first["request_id"], first["entities"]) == (second["request_id"], second["entities"])
    assert rows == shop.rows()
    problem_of(shop.reset(first), 401, "unauthorized")
    assert 200 == shop.reset(second).status_code


def test_a_key_used_for_another_plan_is_a_conflict(shop: Caller, run_id: str) -> None:
    """An idempotency key stands for one plan of its run."""
    receipt = shop.seed(shop.plan(run_id), key="one-key").json()
    rows = shop.rows()

    answer = shop.seed(shop.plan(run_id), key="one-key")

    problem_of(answer, 409, "conflict")
    assert rows == shop.rows()
    shop.reset(receipt).raise_for_status()


def test_a_plan_for_an_ended_run_is_a_conflict(shop: Caller, run_id: str) -> None:
    """Who comes late writes nothing."""
    plan = shop.plan(run_id)
    shop.http.delete(f"/runs/{run_id}").raise_for_status()

    problem_of(shop.seed(plan), 409, "conflict")


def test_a_plan_for_an_unknown_run_is_not_found(shop: Caller) -> None:
    """Rows belong to a run that somebody can reset."""
    problem_of(shop.seed(shop.plan(new_ulid())), 404, "not_found")


def test_the_gate_runs_again_and_reports_every_finding(shop: Caller, run_id: str) -> None:
    """A plan that passed no gate is refused with all findings, nothing is written, and the run's log says so."""
    rows = shop.rows()
    plan = change_cell(shop.plan(run_id), "customer", "name", "Ada")
    plan = change_cell(plan, "customer", "email", "ada@real.example")

    problem = problem_of(shop.seed(plan), 422, "plan_rejected")

    assert {"names-are-fake", "mail-goes-nowhere"} == {finding["rule"] for finding in problem["findings"]}
    assert {"rule", "path", "value", "source", "message", "fix"} == problem["findings"][0].keys()
    assert rows == shop.rows()
    refused = shop.audit(run_id)["events"][-1]
    assert "request_refused" == refused["kind"]
    assert {"names-are-fake", "mail-goes-nowhere"} == set(refused["detail"]["rules"])


def test_a_row_over_the_budget_is_refused(shop: Caller, run_id: str) -> None:
    """A request may have as many rows as the seeder's settings say, here 20."""
    rows = shop.rows()
    plan = shop.plan(run_id)
    customer = plan.rows[0]
    many = tuple(dataclasses.replace(customer, name=f"c{number}", entity=f"c{number}", keys={}) for number in range(21))

    problem = problem_of(shop.seed(dataclasses.replace(plan, rows=many)), 422, "invalid_request")

    assert "21 rows" in problem["detail"]
    assert rows == shop.rows()


def test_a_plan_for_another_schema_says_to_plan_anew(shop: Caller, run_id: str) -> None:
    """A plan that was made before a migration is not guessed at."""
    plan = dataclasses.replace(shop.plan(run_id), schema="sha256:" + "0" * 64)

    problem = problem_of(shop.seed(plan), 422, "schema_mismatch")

    assert "GET /target/schema" in problem["hint"]


def test_a_migration_between_two_plans_needs_no_restart(shop: Caller, run_id: str) -> None:
    """A plan for the new schema is taken: the seeder looks at the database again."""
    shop.query("ALTER TABLE customers ADD COLUMN nickname text")
    try:
        plan = shop.plan(run_id)
        receipt = shop.seed(plan)
        assert 201 == receipt.status_code, receipt.text
        shop.reset(receipt.json()).raise_for_status()
    finally:
        shop.query("ALTER TABLE customers DROP COLUMN nickname")


def test_a_plan_of_an_unknown_domain_is_named(shop: Caller, run_id: str) -> None:
    """The seeder's own catalog judges; a domain that it lacks is an error, not a gate without rules."""
    plan = dataclasses.replace(shop.plan(run_id), domain="elsewhere")

    problem = problem_of(shop.seed(plan), 422, "catalog_error")

    assert "elsewhere" in problem["detail"]


def test_a_taken_unique_value_is_a_row_conflict(shop: Caller, run_id: str) -> None:
    """A clash with a row that stands there is told apart from a wrong row."""
    receipt = shop.seed(shop.plan(run_id)).json()
    email = receipt["entities"]["customer"]["rows"][0]["email"]

    answer = shop.seed(change_cell(shop.plan(run_id), "customer", "email", email))

    problem_of(answer, 409, "row_conflict")
    shop.reset(receipt).raise_for_status()


def test_the_audit_log_tells_the_whole_story_in_order(shop: Caller, run_id: str) -> None:
    """Received, planned, each validator, committed, then what the client reports, then the reset: one intact chain."""
    context = json.dumps({"test": "test_x.py::test_y", "attempt": 1, "actor": "ci"})
    receipt = shop.seed(shop.plan(run_id), context=context).json()
    events = [
        {"kind": "fixtures_written", "detail": {"files": ["a.py"]}},
        {"kind": "consumed_by_test", "detail": {"outcome": "passed"}},
    ]
    shop.reset(receipt, events).raise_for_status()

    trail = shop.audit(run_id)

    validators = [event["detail"]["validator"] for event in trail["events"] if event["kind"] == "validator_passed"]
    assert [
        "run_started",
        "request_received",
        "plan_generated",
        *["validator_passed"] * len(validators),
        "seed_committed",
        "fixtures_written",
        "consumed_by_test",
        "reset_executed",
    ] == [event["kind"] for event in trail["events"]]
    assert list(shop.gate().validators) == validators
    assert (True, None) == (trail["intact"], trail["broken_at"])
    assert "test_x.py::test_y" == trail["events"][1]["detail"]["test"]
    assert receipt["cleanup_token"] not in json.dumps(trail)


def test_events_can_be_reported_before_the_cleanup(shop: Caller, run_id: str) -> None:
    """A client that lives long says what happened when it happens."""
    receipt = shop.seed(shop.plan(run_id)).json()

    answer = shop.http.post(
        f"/test-data/requests/{receipt['request_id']}/events",
        headers={"ATDM-Cleanup-Token": receipt["cleanup_token"]},
        json={"events": [{"kind": "fixtures_written"}]},
    )

    assert (202, {"appended": 1}) == (answer.status_code, answer.json())
    assert "fixtures_written" == shop.audit(run_id)["events"][-1]["kind"]
    shop.reset(receipt).raise_for_status()


@pytest.mark.parametrize("kind", ["seed_committed", "reset_executed", "run_ended", "nonsense"])
def test_a_client_cannot_forge_the_seeders_events(shop: Caller, run_id: str, kind: str) -> None:
    """Only what a client alone can know is taken from it."""
    receipt = shop.seed(shop.plan(run_id)).json()

    answer = shop.reset(receipt, [{"kind": kind}])

    problem_of(answer, 422, "invalid_request")
    assert "live" == shop.http.get(f"/test-data/requests/{receipt['request_id']}").json()["state"]
    shop.reset(receipt).raise_for_status()


def test_a_request_can_be_looked_up_without_its_token(shop: Caller, run_id: str) -> None:
    """State, counts and times are for whoever holds the bearer token; the cleanup token was shown once."""
    receipt = shop.seed(shop.plan(run_id)).json()
    address = f"/test-data/requests/{receipt['request_id']}"
    live = shop.http.get(address).json()
    shop.reset(receipt).raise_for_status()
    reset = shop.http.get(address).json()

    assert ("live", "reset") == (live["state"], reset["state"])
    assert {"public.customers": 1, "public.orders": 1, "public.order_lines": 2} == live["rows"]
    assert reset["report"]["seeded"] == live["rows"]
    assert "token" not in json.dumps(live)


def test_a_wrong_cleanup_token_changes_nothing(shop: Caller, run_id: str) -> None:
    """The token of another request is as good as none."""
    receipt, other = (shop.seed(shop.plan(run_id)).json() for _ in range(2))
    rows = shop.rows()
    address = f"/test-data/requests/{receipt['request_id']}"

    for token in (other["cleanup_token"], "x", receipt["cleanup_token"][:-1]):
        problem_of(shop.http.delete(address, headers={"ATDM-Cleanup-Token": token}), 401, "unauthorized")
    problem_of(shop.http.delete(address), 401, "unauthorized")

    assert rows == shop.rows()
    for one in (receipt, other):
        shop.reset(one).raise_for_status()


def ask(shop: Caller, **body: Any) -> dict[str, Any]:
    """Ask for a situation by intent and return the receipt."""
    receipt: dict[str, Any] = shop.http.post("/test-data/requests", json=body).raise_for_status().json()
    return receipt


def test_a_situation_can_be_asked_for_by_intent(shop: Caller) -> None:
    """Without a run one is started for it, as of today in UTC."""
    before = shop.rows()

    receipt = ask(shop, scenario="shipped_order", overrides={"days_under_way": 5}, actor="an agent")

    order = receipt["entities"]["purchase"]["rows"][0]
    shipped = datetime.date.fromisoformat(order["shipped_on"])
    run = shop.http.get(f"/runs/{receipt['run_id']}").json()
    assert datetime.timedelta(days=5) == datetime.date.fromisoformat(receipt["as_of"]) - shipped
    assert ("an agent", 1, 4) == (run["actor"], run["requests"], run["live_rows"])
    shop.reset(receipt).raise_for_status()
    assert before == shop.rows()


def test_a_situation_within_a_run_takes_the_runs_date_and_seed(shop: Caller, run_id: str) -> None:
    """Two callers of one run speak of the same day; the same request key is the same request."""
    first = ask(shop, scenario="shipped_order", run_id=run_id, request_key="the order")
    second = ask(shop, scenario="shipped_order", run_id=run_id, request_key="the order")

    assert "2026-03-01" == first["as_of"]
    assert (first["request_id"], True) == (second["request_id"], second["replayed"])
    shop.reset(second).raise_for_status()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"scenario": "shiped_order"}, 404, "unknown_scenario"),
        ({"scenario": "shipped_order", "overrides": {"days_under_way": 61}}, 422, "override_error"),
        ({"scenario": "shipped_order", "overrides": {"nothing": 1}}, 422, "override_error"),
        ({"scenario": "shipped_order", "run_id": "01KAN2Q8Y7V0E2M5T9S4B6C3D1"}, 404, "not_found"),
        ({"scenario": "shipped_order", "overrides": {"purchase": {"status": "open"}}}, 422, "plan_rejected"),
        ({"scenario": "shipped_order", "surprise": 1}, 422, "invalid_request"),
        ({"scenario": "shipped_order", "seed": "7"}, 422, "invalid_request"),
        ({"scenario": "shipped_order", "as_of": "yesterday"}, 422, "invalid_request"),
        ({"scenario": "shipped_order", "run_id": "nonsense"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_is_written(shop: Caller, body: Any, status: int, code: str) -> None:
    """Unknown names, unknown fields, wrong types and broken promises have each their code."""
    rows = shop.rows()

    answer = shop.http.post("/test-data/requests", json=body)

    problem_of(answer, status, code)
    assert rows == shop.rows()


@pytest.mark.parametrize(
    ("cell", "told"),
    [(120, "120.00"), (1.5, "1.50"), ("7", "7.00"), (None, None), ("much", "much")],
)
def test_reference_row_is_told_as_the_database_would(shop: Caller, run_id: str, cell: Cell, told: Cell) -> None:
    """However the catalog writes a cell, the receipt has it in one form; what is no value of its type stays."""
    price = Column(name="price", type="numeric(8,2)")
    schema = Schema(tables={"public.prices": Table(id="public.prices", columns=(price,))})
    row = ExistingRow(name="price", entity="price", table="public.prices", values={"price": cell})
    plan = dataclasses.replace(shop.plan(run_id), rows=(), existing=(row,))

    found = gather_entities(plan, {}, schema)

    assert {"price": SeededEntity(table="public.prices", rows=({"price": told},))} == found
