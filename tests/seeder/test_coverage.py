"""What tests came to, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.seeder.expect import problem_of

if TYPE_CHECKING:
    from tests.seeder.caller import Caller


def test_what_clients_tell_of_tests_can_be_read(shop: Caller, run_id: str) -> None:
    """A client in any language that says test, outcome and commit is counted, in the scenario of its request."""
    receipt = shop.seed(shop.plan(run_id)).json()
    detail = {"nodeid": "cart.spec.ts > pays", "outcome": "failed", "commit": "feed1", "requirements": ["R-1"]}
    shop.reset(receipt, [{"kind": "consumed_by_test", "detail": detail}]).raise_for_status()

    answer = shop.http.get("/coverage", params={"commit": "feed"})

    assert 200 == answer.status_code
    (found,) = answer.json()
    assert found.pop("at").endswith("Z")
    assert {
        "nodeid": "cart.spec.ts > pays",
        "scenario": receipt["scenario"],
        "outcome": "failed",
        "commit": "feed1",
        "requirements": ["R-1"],
        "passed": 0,
        "failed": 1,
        "errors": 0,
        "skipped": 0,
        "attempt": 1,
        "varied": False,
    } == found
    assert found["nodeid"] in [one["nodeid"] for one in shop.http.get("/coverage").json()]
    assert [] == shop.http.get("/coverage", params={"commit": "beef"}).json()


def test_a_commit_is_no_longer_than_a_name(shop: Caller) -> None:
    """What cannot be a commit is refused before the database is asked."""
    problem_of(shop.http.get("/coverage", params={"commit": "c" * 101}), 422, "invalid_request")
