"""Runs over HTTP, the reference rows, and the target's schema."""

from __future__ import annotations

import datetime

from pytest_atdm.core.wire import load_schema
from tests.seeder.caller import Caller, new_ulid
from tests.seeder.expect import problem_of


def test_starting_a_run_twice_is_one_run(shop: Caller) -> None:
    """The same values again are 200 and the same answer; other values under the same id are a conflict."""
    body = {"run_id": new_ulid(), "session_id": "s", "actor": "a", "seed": 1, "as_of": "2026-03-01"}

    first = shop.http.post("/runs", json=body)
    second = shop.http.post("/runs", json=body)

    assert (201, 200) == (first.status_code, second.status_code)
    assert first.json() == second.json()
    assert {
        "run_id",
        "state",
        "epoch",
        "lease_s",
        "expires_at",
        "answer_s",
        "started_at",
        "audit_url",
    } == first.json().keys()
    problem_of(shop.http.post("/runs", json={**body, "seed": 2}), 409, "conflict")


def test_a_run_is_checked_field_by_field(shop: Caller) -> None:
    """Every field is required, of its type, and of its form; all faults are named at once."""
    body = {"run_id": "x", "session_id": "", "actor": "a", "seed": 1.5, "as_of": "2026-02-30", "more": 1}

    problem = problem_of(shop.http.post("/runs", json=body), 422, "invalid_request")

    for field in ("run_id", "session_id", "seed", "as_of", "more"):
        assert f"$.{field}" in problem["detail"]


def test_runs_are_listed_newest_first_in_pages(shop: Caller) -> None:
    """The last id of one page is where the next begins."""
    started = [shop.start_run(as_of=datetime.date(2026, 3, 1)) for _ in range(3)]

    first = shop.http.get("/runs", params={"limit": 2}).json()
    second = shop.http.get("/runs", params={"limit": 1, "before": first[-1]["run_id"]}).json()

    listed = [run["run_id"] for run in [*first, *second]]
    assert sorted(started, reverse=True) == listed
    assert {
        "run_id", "session_id", "actor", "owner", "seed", "as_of", "state", "epoch",
        "started_at", "ended_at", "expires_at", "kept", "age_s", "lease_left_s", "live_rows", "requests", "audit_url",
    } == first[0].keys()  # fmt: skip


def test_resetting_a_run_removes_all_it_has_and_ends_it(shop: Caller) -> None:
    """Every live request goes; what another run has stays; a second call finds nothing."""
    run_id, other = (shop.start_run(as_of=datetime.date(2026, 3, 1)) for _ in range(2))
    kept = shop.seed(shop.plan(other)).json()
    rows = shop.rows()
    for _ in range(2):
        shop.seed(shop.plan(run_id)).raise_for_status()

    report = shop.http.delete(f"/runs/{run_id}").json()
    again = shop.http.delete(f"/runs/{run_id}").json()

    assert (2, {"public.customers": 2, "public.orders": 2, "public.order_lines": 4}) == (
        report["requests"],
        report["seeded"],
    )
    assert (0, {}) == (again["requests"], again["seeded"])
    assert rows == shop.rows()
    run = shop.http.get(f"/runs/{run_id}").json()
    assert ("ended", 0, 2) == (run["state"], run["live_rows"], run["requests"])
    assert shop.audit(run_id)["intact"]
    shop.reset(kept).raise_for_status()


def test_resetting_all_leaves_active_runs_active(shop: Caller, run_id: str) -> None:
    """An operator cleans up; while somebody is at work only by force, and whoever it is goes on."""
    shop.seed(shop.plan(run_id)).raise_for_status()

    problem_of(shop.http.delete("/runs"), 409, "conflict")
    report = shop.http.delete("/runs?force=true").json()

    assert report["requests"] >= 1
    assert {"customers": [], "orders": []} == {table: shop.rows()[table] for table in ("customers", "orders")}
    assert "active" == shop.http.get(f"/runs/{run_id}").json()["state"]
    shop.reset(shop.seed(shop.plan(run_id)).json()).raise_for_status()


def test_reference_rows_are_seeded_once(shop: Caller) -> None:
    """They stand already: repeated, the call changes nothing; a changed row is put right."""
    countries = {"public.countries": 2}
    first = shop.http.post("/test-data/reference", json={"domain": "shop"}).json()
    shop.query("UPDATE countries SET title = 'Else' WHERE code = 'XA'")
    second = shop.http.post("/test-data/reference", json={"domain": "shop"}).json()

    assert countries == first["unchanged"]
    assert 1 == second["updated"]["public.countries"]
    assert ["Anywhere"] == shop.query("SELECT title FROM countries WHERE code = 'XA'")


def test_what_changed_of_the_reference_rows_stands_in_the_runs_log(shop: Caller, run_id: str) -> None:
    """The event commits with the change; a call that changes nothing leaves nothing."""
    shop.query("UPDATE countries SET title = 'Else' WHERE code = 'XA'")

    for _ in range(2):
        shop.http.post("/test-data/reference", json={"domain": "shop", "run_id": run_id}).raise_for_status()

    trail = shop.audit(run_id)
    found = [event["detail"] for event in trail["events"] if event["kind"] == "reference_seeded"]
    assert [{"domain": "shop", "inserted": {}, "updated": {"public.countries": 1}}] == found
    assert trail["intact"]


def test_without_a_run_one_is_made_for_the_reference_rows(shop: Caller) -> None:
    """No change without an event: who names no run finds the event in one that was started and ended for the call."""
    shop.query("UPDATE countries SET title = 'Else' WHERE code = 'XA'")

    shop.http.post("/test-data/reference", json={"domain": "shop"}).raise_for_status()

    newest = shop.http.get("/runs").json()[0]
    kinds = [event["kind"] for event in shop.audit(newest["run_id"])["events"]]
    assert ("ended", "api") == (newest["state"], newest["actor"])
    assert ["run_started", "reference_seeded", "run_ended"] == kinds


def test_reference_rows_do_not_change_without_a_run_to_say_so(shop: Caller, run_id: str) -> None:
    """An ended run, or none of that id, takes no event: nothing is written."""
    shop.query("UPDATE countries SET title = 'Else' WHERE code = 'XA'")
    shop.http.delete(f"/runs/{run_id}").raise_for_status()

    ended, unknown = (
        shop.http.post("/test-data/reference", json={"domain": "shop", "run_id": id}) for id in (run_id, new_ulid())
    )

    problem_of(ended, 409, "conflict")
    problem_of(unknown, 404, "not_found")
    assert ["Else"] == shop.query("SELECT title FROM countries WHERE code = 'XA'")
    shop.http.post("/test-data/reference", json={"domain": "shop"}).raise_for_status()


def test_an_unknown_domain_is_named(shop: Caller) -> None:
    """With what was meant."""
    problem = problem_of(shop.http.post("/test-data/reference", json={"domain": "shpo"}), 422, "catalog_error")

    assert 'did you mean "shop"?' == problem["hint"]


def test_the_schema_has_an_etag_and_is_read_afresh(shop: Caller) -> None:
    """The fingerprint is the ETag: the same schema costs no body, a changed one is seen at once."""
    answer = shop.http.get("/target/schema")
    etag = answer.headers["etag"]

    same = shop.http.get("/target/schema", headers={"If-None-Match": etag})
    shop.query("ALTER TABLE orders ADD COLUMN gift boolean")
    try:
        other = shop.http.get("/target/schema", headers={"If-None-Match": etag})
    finally:
        shop.query("ALTER TABLE orders DROP COLUMN gift")

    assert f'"{load_schema(answer.content).fingerprint}"' == etag
    assert (304, b"", etag) == (same.status_code, same.content, same.headers["etag"])
    assert 200 == other.status_code
    assert "gift" in load_schema(other.content).table("orders").column_by_name
