"""Baselines over HTTP: taken, compared, restored, dropped, and every change told in the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seeder.settings import Settings, StorePlace
from tests.seeder.caller import AS_OF, CATALOG, Caller, free_listener, running_seeder

TOKEN = "the-token-of-these-tests"
NDJSON = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def served(make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A caller of a seeder that has a store; the reference rows stand."""
    url = make_database("baselines_over_http")
    listener = free_listener()
    settings = Settings(
        database_url=url,
        token=TOKEN,
        catalog=CATALOG,
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        embedded=True,
        store=StorePlace(url=str(tmp_path_factory.mktemp("store"))),
    )
    with running_seeder(settings, listener), Caller(settings.base_url, TOKEN, url) as caller:
        caller.http.post("/test-data/reference", json={"domain": "shop"}).raise_for_status()
        yield caller


@pytest.fixture
def caller(served: Caller) -> Iterator[Caller]:
    """The same, without a baseline or an active run before and after."""
    yield served
    for run in served.http.get("/runs").json():
        served.http.delete(f"/runs/{run['run_id']}").raise_for_status()
    for baseline in served.http.get("/baselines").json():
        served.http.delete(f"/baselines/{baseline['name']}").raise_for_status()


def take(caller: Caller, name: str = "clean", **more: Any) -> dict[str, Any]:
    """Take a baseline."""
    answer = caller.http.post("/baselines", json={"name": name, "actor": "a test", **more})
    assert 201 == answer.status_code, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def restore(caller: Caller, name: str = "clean", **more: Any) -> dict[str, Any]:
    """Restore a baseline."""
    report: dict[str, Any] = (
        caller.http.post(f"/baselines/{name}/restore", json={"actor": "a test", **more}).raise_for_status().json()
    )
    return report


def bend(caller: Caller) -> None:
    """Do what somebody does who forgets that others use the database."""
    caller.query("UPDATE countries SET title = upper(title) WHERE code = (SELECT min(code) FROM countries)")
    caller.query("INSERT INTO countries VALUES ('XX', 'nowhere')")
    caller.query(
        "INSERT INTO customers (name, email, country, joined_on) VALUES ('a', 'a@example', 'XX', '2026-01-01')"
    )


def add_customer(caller: Caller, email: str) -> None:
    """Do what the application does."""
    caller.query(
        "INSERT INTO customers (name, email, country, joined_on)"
        " SELECT 'a', $1, min(code), '2026-01-01' FROM countries",
        email,
    )


def test_a_bent_database_is_brought_back(caller: Caller) -> None:
    """Rows that changed, went or came are as they were; the answer counts them, and a second time finds nothing."""
    taken = take(caller)
    before = caller.rows()
    bend(caller)

    expected = caller.http.get("/baselines/clean/diff").raise_for_status().json()
    report = restore(caller)

    assert before == caller.rows()
    assert {"inserted": 0, "updated": 1, "deleted": 1} == report["tables"]["public.countries"]
    assert {"inserted": 0, "updated": 0, "deleted": 1} == report["tables"]["public.customers"]
    assert ["public.customers_id_seq"] == report["sequences"]
    assert expected == report
    again = restore(caller)
    assert ([], [0]) == (again["sequences"], list({sum(one.values()) for one in again["tables"].values()}))
    assert taken == caller.http.get("/baselines/clean").json()
    assert [taken] == caller.http.get("/baselines").json()


def test_every_step_stands_in_the_audit_log(caller: Caller) -> None:
    """Taking, restoring and dropping are events with the name and who asked, each in a run that is over."""
    known = {run["run_id"] for run in caller.http.get("/runs").json()}
    taken = take(caller)
    bend(caller)
    restore(caller)
    caller.http.request("DELETE", "/baselines/clean", json={"actor": "a test"}).raise_for_status()

    runs = [run for run in reversed(caller.http.get("/runs").json()) if run["run_id"] not in known]
    trails = [caller.audit(run["run_id"]) for run in runs]

    assert [("a test", "ended")] * 3 == [(run["actor"], run["state"]) for run in runs]
    (first, second, third) = (trail["events"][1] for trail in trails)
    assert ("baseline_taken", "clean", taken["content"]) == (
        first["kind"],
        first["detail"]["baseline"],
        first["detail"]["content"],
    )
    assert ("baseline_restored", "clean", taken["content"]) == (
        second["kind"],
        second["detail"]["baseline"],
        second["detail"]["content"],
    )
    assert {"public.countries": 1} == second["detail"]["updated"]
    assert ("baseline_dropped", {"baseline": "clean"}) == (third["kind"], third["detail"])
    assert all(trail["intact"] for trail in trails)


def test_progress_comes_line_by_line(caller: Caller) -> None:
    """Who accepts lines hears of the tables, and last of the end; an end in an error is the problem document."""
    lines = caller.http.post("/baselines", json={"name": "clean"}, headers=NDJSON).text.splitlines()
    failed = caller.http.post("/baselines", json={"name": "clean"}, headers=NDJSON)

    said = [json.loads(line) for line in lines]
    assert {"progress", "answer"} >= {key for one in said for key in one}
    assert "clean" == said[-1]["answer"]["name"]
    assert 200 == failed.status_code
    problem = json.loads(failed.text.splitlines()[-1])["problem"]
    assert ("conflict", 409, "drop it first, or choose another name") == (
        problem["code"],
        problem["status"],
        problem["hint"],
    )


def test_some_tables_only(caller: Caller) -> None:
    """Named tables are kept and brought back, and others are left alone; a name that no table has is an error."""
    taken = take(caller, tables=["public.countries"])
    caller.query("INSERT INTO countries VALUES ('XX', 'nowhere')")
    add_customer(caller, "b@x")

    report = restore(caller)
    unknown = caller.http.post("/baselines", json={"name": "other", "tables": ["public.country"]})

    assert (False, ["public.countries"]) == (taken["whole"], [table["table"] for table in taken["tables"]])
    assert {"public.countries"} == set(report["tables"])
    assert 1 == caller.query("SELECT count(*) FROM customers WHERE email = 'b@x'")[0]
    assert (404, "not_found") == (unknown.status_code, unknown.json()["code"])
    assert "public.countries" in unknown.json()["hint"]
    caller.query("DELETE FROM customers WHERE email = 'b@x'")


def test_an_active_run_is_in_the_way(caller: Caller) -> None:
    """While others work nothing is restored, unless it is forced; then their rows are gone, and they hear of it."""
    take(caller)
    run_id = caller.start_run(as_of=AS_OF)
    receipt = caller.seed(caller.plan(run_id)).raise_for_status().json()

    refused = caller.http.post("/baselines/clean/restore", json={})
    forced = restore(caller, force=True)

    assert (409, "conflict") == (refused.status_code, refused.json()["code"])
    assert run_id in refused.json()["detail"]
    assert "force" in refused.json()["hint"]
    assert 1 == forced["released"]
    assert [] == caller.query("SELECT id FROM orders")
    report = caller.reset(receipt).raise_for_status().json()
    assert (True, "operator") == (report["already"], report["by"])


def test_an_active_run_without_rows_is_in_the_way_too(caller: Caller) -> None:
    """A session between two tests counts on what stands there; a run that is over does not."""
    take(caller)
    run_id = caller.start_run(as_of=AS_OF)

    refused = caller.http.post("/baselines/clean/restore", json={})
    caller.http.delete(f"/runs/{run_id}").raise_for_status()

    assert 409 == refused.status_code
    assert run_id in refused.json()["detail"]
    restore(caller)


def test_what_is_seeded_after_a_restore_stands(caller: Caller) -> None:
    """Keys that were taken ahead are given up with a restore: none is used that the application will get, too."""
    take(caller)
    run_id = caller.start_run(as_of=AS_OF)
    caller.seed(caller.plan(run_id)).raise_for_status()
    caller.http.delete(f"/runs/{run_id}").raise_for_status()
    restore(caller)

    run_id = caller.start_run(as_of=AS_OF)
    receipt = caller.seed(caller.plan(run_id)).raise_for_status().json()
    for number in range(3):
        add_customer(caller, f"{number}@x")

    assert caller.query("SELECT count(*) FROM customers") == [4]
    assert receipt["rows"] == 4
    caller.query("DELETE FROM customers WHERE name = 'a'")


@pytest.mark.parametrize(
    ("call", "status", "code", "hint"),
    [
        (("POST", "/baselines", {"name": "No such name"}), 422, "invalid_request", "lower-case"),
        (("POST", "/baselines", {"name": "a", "more": 1}), 422, "invalid_request", ""),
        (("GET", "/baselines/none", None), 404, "not_found", "there are: none"),
        (("GET", "/baselines/none/diff", None), 404, "not_found", "there are: none"),
        (("POST", "/baselines/none/restore", {}), 404, "not_found", "there are: none"),
        (("DELETE", "/baselines/none", None), 404, "not_found", "there are: none"),
    ],
)
def test_what_cannot_be_done_is_said(
    caller: Caller, call: tuple[str, str, dict[str, Any] | None], status: int, code: str, hint: str
) -> None:
    """Each error has its code and says what to do."""
    method, path, body = call

    answer = caller.http.request(method, path, json=body)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert hint in answer.json()["hint"]


def test_without_a_store_there_are_no_baselines(shop: Caller) -> None:
    """The error says how a seeder gets one."""
    answer = shop.http.get("/baselines")

    assert (400, "setting_error") == (answer.status_code, answer.json()["code"])
    assert "ATDM_STORE" in answer.json()["hint"]
