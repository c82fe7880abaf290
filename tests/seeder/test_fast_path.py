"""The two calls of every test answer alike by the fast path and by the framework, which a slash at the end leads to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core.wire import dump_plan, plan_hash
from seeder.routes.fast_path import FastPath
from tests.seeder.caller import Caller, new_ulid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

SEED = "/internal/scenarios/seed"
UNKNOWN = "01KAN2Q8Y7V0E2M5T9S4B6C3D1"
TOKEN = {"ATDM-Cleanup-Token": "wrong"}
FULL = {"ATDM-Plan-Hash": plan_hash(b"{}"), "Idempotency-Key": "k"}
#: What differs from answer to answer, however it is made.
OWN = frozenset({"request_id", "request_key", "cleanup_token", "plan_hash", "entities"})


def told(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return what an answer says: status, headers and body, without what is this one's own."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "content-length"}}
    body = {name: value for name, value in answer.json().items() if name not in OWN}
    return answer.status_code, headers, body | {"instance": str(body.get("instance", "")).rstrip("/")}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content"),
    [
        ("POST", SEED, {}, b"{}"),
        ("POST", SEED, FULL, b"{}"),
        ("POST", SEED, FULL, b""),
        ("POST", SEED, FULL | {"ATDM-Plan-Hash": "sha256:0"}, b"{}"),
        ("POST", SEED, FULL | {"Idempotency-Key": ""}, b"{}"),
        ("POST", SEED, FULL | {"Idempotency-Key": "k" * 501}, b"{}"),
        ("POST", SEED, FULL | {"ATDM-Context": "{"}, b"{}"),
        ("POST", SEED, FULL | {"Authorization": "Bearer wrong"}, b"{}"),
        ("POST", SEED, FULL | {"Authorization": ""}, b"{}"),
        ("POST", SEED, FULL, b" " * 200_001),
        ("DELETE", f"/test-data/requests/{UNKNOWN}", TOKEN, b""),
        ("DELETE", f"/test-data/requests/{UNKNOWN}", {}, b""),
        ("DELETE", f"/test-data/requests/{UNKNOWN}", TOKEN, b'{"events": 1}'),
        ("DELETE", f"/test-data/requests/{UNKNOWN}", TOKEN | {"Authorization": "Bearer wrong"}, b""),
        ("DELETE", "/test-data/requests/x", TOKEN, b""),
        ("DELETE", "/test-data/requests/%27%3B--", TOKEN, b""),
    ],
)
def test_a_refusal_is_the_same_by_both_ways(
    shop: Caller, method: str, path: str, headers: Mapping[str, str], content: bytes
) -> None:
    """Status, headers and problem document do not tell which way a call went."""
    fast, framework = (shop.http.request(method, path + end, headers=headers, content=content) for end in ("", "/"))

    assert told(framework) == told(fast)
    assert fast.is_client_error


async def framework(*_: object) -> None:
    """Stand where the framework does, for calls that must not get there."""
    raise AssertionError("the framework was asked")


def find_service() -> Any:
    """Stand where the service does, for calls that must not get there."""
    raise AssertionError("the service was asked")


def call(method: str, path: str, token: str, *messages: Any) -> tuple[list[Any], list[Any]]:
    """Return what the fast path sends when it gets *messages*, and which of them it left unread."""
    headers = [(b"content-length", b"99"), (b"authorization", f"Bearer {token}".encode()), (b"host", b"x")]
    scope: Any = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b"",
                  "server": None, "root_path": "", "scheme": "http"}  # fmt: skip
    sent, left = [], list(messages)

    async def receive() -> Any:
        return left.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(FastPath(framework, find_service, token="t", max_body_bytes=100)(scope, receive, send))
    return sent, left


HALF = ({"type": "http.request", "body": b'{"ev', "more_body": True}, {"type": "http.disconnect"})
BOTH = pytest.mark.parametrize(("method", "path"), [("POST", SEED), ("DELETE", f"/test-data/requests/{UNKNOWN}")])


@BOTH
def test_a_caller_that_went_away_in_mid_sentence_has_asked_for_nothing(method: str, path: str) -> None:
    """Half a body is not acted on: a reset without the events that were on their way would lose them."""
    assert ([], []) == call(method, path, "t", *HALF)


@BOTH
def test_nothing_is_read_of_a_caller_without_the_token(method: str, path: str) -> None:
    """The token is looked at before the body, and without the framework."""
    sent, left = call(method, path, "wrong", *HALF)

    assert 401 == sent[0]["status"]
    assert list(HALF) == left


@pytest.mark.parametrize("path", ["/test-data/requests", "/test-data/requests/"])
def test_without_an_id_nothing_is_reset(shop: Caller, path: str) -> None:
    """The collection of requests has no DELETE."""
    assert 405 == shop.http.delete(path, headers=TOKEN).status_code


def test_rows_come_and_go_the_same_by_both_ways(shop: Caller, run_id: str) -> None:
    """A receipt, its replay, a report and its repetition: nothing but ids and values under unique keys differs."""
    histories = []
    for end in ("", "/"):
        body = dump_plan(shop.plan(run_id))
        headers = {"ATDM-Plan-Hash": plan_hash(body), "Idempotency-Key": new_ulid(), "ATDM-Context": '{"test": "t"}'}
        seeded = [shop.http.post(SEED + end, content=body, headers=headers) for _ in range(2)]
        receipt = seeded[-1].json()
        reset = [
            shop.http.delete(
                f"/test-data/requests/{receipt['request_id']}{end}",
                headers={"ATDM-Cleanup-Token": receipt["cleanup_token"]},
            )
            for _ in range(2)
        ]
        histories.append([told(answer) for answer in (*seeded, *reset)])

    fast, framework = histories
    assert framework == fast
    assert [201, 200, 200, 200] == [status for status, _, _ in fast]
