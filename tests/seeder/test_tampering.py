"""Bytes that are not the plan that was gated."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_atdm.core.wire import dump_plan, plan_hash
from tests.seeder.caller import Caller
from tests.seeder.expect import problem_of


@pytest.fixture(scope="module")
def body(shop: Caller) -> bytes:
    """The bytes of a good plan that was never sent."""
    import datetime

    return dump_plan(shop.plan(shop.start_run(as_of=datetime.date(2026, 3, 1))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_plan_changed_in_any_byte_is_refused(shop: Caller, body: bytes, place: int, bit: int) -> None:
    """One flipped bit anywhere, under the hash of the whole plan: refused, and nothing is written."""
    rows = shop.rows()
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit

    answer = shop.send(bytes(changed), key="tampered", digest=plan_hash(body))

    problem_of(answer, 422, "plan_tampered")
    assert rows == shop.rows()


def add_space(body: bytes) -> bytes:
    """The same JSON, not canonical."""
    return body.replace(b",", b", ", 1)


def repeat_key(body: bytes) -> bytes:
    """A key that stands twice, of which readers take one or the other."""
    return body.replace(b'"domain":', b'"domain":"other","domain":', 1)


def add_field(body: bytes) -> bytes:
    """A field that no plan has."""
    return json.dumps({**json.loads(body), "zzz": 1}, sort_keys=True, separators=(",", ":")).encode()


def drop_field(body: bytes) -> bytes:
    """A field less than a plan has."""
    return json.dumps(
        {key: value for key, value in json.loads(body).items() if key != "rows"}, sort_keys=True, separators=(",", ":")
    ).encode()


def quote_number(body: bytes) -> bytes:
    """Text where a number belongs."""
    return body.replace(b'"seed":7', b'"seed":"7"', 1)


@pytest.mark.parametrize(
    "change", [add_space, repeat_key, add_field, drop_field, quote_number, lambda _: b"", lambda _: b"{"]
)
def test_a_plan_with_the_right_hash_must_still_be_a_plan(
    shop: Caller, body: bytes, change: Callable[[bytes], bytes]
) -> None:
    """Bytes that carry their own hash but are not canonical, or not a plan, are refused."""
    rows = shop.rows()

    answer = shop.send(change(body), key="forged")

    assert answer.status_code == 422
    assert answer.json()["code"] in {"plan_tampered", "invalid_request"}
    assert rows == shop.rows()


@pytest.mark.parametrize("missing", ["ATDM-Plan-Hash", "Idempotency-Key"])
def test_the_headers_of_a_plan_are_required(shop: Caller, body: bytes, missing: str) -> None:
    """Without hash nothing is proven, without key nothing can be repeated."""
    headers = {"ATDM-Plan-Hash": plan_hash(body), "Idempotency-Key": "key"}
    del headers[missing]

    problem = problem_of(
        shop.http.post("/internal/scenarios/seed", content=body, headers=headers), 422, "invalid_request"
    )

    assert missing in problem["detail"]


@pytest.mark.parametrize("context", ["nonsense", "[]", '{"tset": "x"}', '{"attempt": "1"}', '{"attempt": -1}'])
def test_a_context_that_is_none_is_refused(shop: Caller, body: bytes, context: str) -> None:
    """What goes into the audit log is checked as strictly as what goes into the tables."""
    problem_of(shop.send(body, key="key", context=context), 422, "invalid_request")
