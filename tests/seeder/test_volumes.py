"""Plans with volumes over HTTP: rows come as they are made, and all of them are written, or none."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_atdm._client import SeederClient
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.errors import InvalidRequest, PlanRejected
from pytest_atdm.core.volume import Batch, encode, grow
from pytest_atdm.core.wire import dump_plan, plan_hash
from seeder.batches import read_frames
from seeder.settings import Settings
from tests.seeder.caller import CATALOG, Caller, free_listener, running_seeder
from tests.seeder.expect import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    import httpx

    from pytest_atdm.core.model import Plan

TOKEN: Final = "the-token-of-these-tests"
AS_OF: Final = datetime.date(2026, 3, 1)
MAX_PLAN_BYTES: Final = 200_000
MAX_BYTES: Final = 2_000_000


@pytest.fixture(scope="module")
def busy(make_database: Callable[[str], str]) -> Iterator[Caller]:
    """A caller of a seeder that takes plans of 400 rows and 200 kB, and volumes of 20,000 rows and 2 MB."""
    url, listener = make_database("busy"), free_listener()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        database_url=url, token=TOKEN, catalog=CATALOG, base_url=base_url, embedded=True, max_rows=400,
        max_volume_rows=20_000, max_body_bytes=MAX_PLAN_BYTES, max_volume_bytes=MAX_BYTES,
    )  # fmt: skip
    with running_seeder(settings, listener), Caller(base_url, TOKEN, url) as caller:
        caller.http.post("/test-data/reference", json={"domain": "shop"}).raise_for_status()
        yield caller


@pytest.fixture
def run_id(busy: Caller) -> Iterator[str]:
    """A fresh run, of which nothing is left."""
    run_id = busy.start_run(as_of=AS_OF)
    yield run_id
    busy.http.delete(f"/runs/{run_id}").raise_for_status()
    assert [] == busy.query("SELECT id FROM orders")


def frame(content: bytes) -> bytes:
    """A content after its length."""
    return len(content).to_bytes(8, "big") + content


def send(caller: Caller, plan: Plan, batches: Iterable[Batch], *, end: bytes = frame(b"")) -> httpx.Response:
    """Send *plan*, *batches* and *end*, each as it comes."""
    body = dump_plan(plan)

    def parts() -> Iterator[bytes]:
        yield frame(body)
        yield from (frame(encode(batch)) for batch in batches)
        yield end

    headers = {"ATDM-Plan-Hash": plan_hash(body), "Idempotency-Key": plan.request_key}
    return caller.http.post("/internal/scenarios/volumes", content=parts(), headers=headers)


def grown(caller: Caller, plan: Plan) -> list[Batch]:
    """What follows *plan*."""
    return list(grow(plan, caller.gate().rulebook))


def test_plan_and_batches_become_rows_and_go_again(busy: Caller, run_id: str) -> None:
    """The receipt has the plan's own rows and says how many more there are; the reset counts all."""
    plan = busy.plan(run_id, "many_orders")

    answer = send(busy, plan, grown(busy, plan))

    receipt: dict[str, Any] = answer.json()
    assert (201, 10 + 1_500 + 1_500) == (answer.status_code, receipt["rows"])
    purchases = receipt["entities"]["purchase"]
    assert (100, 1_400) == (len(purchases["rows"]), purchases["more"])
    assert [1_500] == busy.query("SELECT count(*) FROM order_lines JOIN orders ON id = order_id")
    assert list(range(90)) == sorted((AS_OF - day).days for day in busy.query("SELECT DISTINCT placed_on FROM orders"))
    report = busy.reset(receipt).raise_for_status().json()
    assert {"public.customers": 10, "public.orders": 1_500, "public.order_lines": 1_500} == report["seeded"]


def test_the_audit_log_says_which_rows_were_written(busy: Caller, run_id: str) -> None:
    """The event of the seeding counts all rows, and names the ranges of keys of those that followed the plan."""
    plan = busy.plan(run_id, "many_orders")
    send(busy, plan, grown(busy, plan)).raise_for_status()

    trail = busy.audit(run_id)

    (committed,) = (event for event in trail["events"] if event["kind"] == "seed_committed")
    assert trail["intact"] is True
    assert 1_500 == committed["detail"]["rows"]["public.orders"]
    purchase = committed["detail"]["volumes"]["purchase"]
    assert 1_400 == purchase["rows"] == sum(last - first + 1 for first, last in purchase["keys"]["id"])


def test_the_same_key_is_answered_from_the_first_request(busy: Caller, run_id: str) -> None:
    """Sent again under its key, the plan is answered 200 with the rows of then, and nothing is written."""
    plan = busy.plan(run_id, "many_orders")
    batches = grown(busy, plan)
    first = send(busy, plan, batches).json()

    again = send(busy, plan, batches)

    assert (200, True) == (again.status_code, again.json()["replayed"])
    assert first["entities"] == again.json()["entities"]
    assert [1_500] == busy.query("SELECT count(*) FROM orders")


def spoil_cell(batches: list[Batch]) -> list[Batch]:
    """The last batch breaks a CHECK."""
    last = batches[-1]
    return [*batches[:-1], dataclasses.replace(last, values={**last.values, "quantity": [0] * last.size})]


def test_the_gate_judges_every_batch(busy: Caller, run_id: str) -> None:
    """Rows that break a rule are refused with findings; whatever has been written of the request is not kept."""
    plan = busy.plan(run_id, "many_orders")

    problem = problem_of(send(busy, plan, spoil_cell(grown(busy, plan))), 422, "plan_rejected")

    assert {"check:order_lines_quantity_check"} == {finding["rule"] for finding in problem["findings"]}
    assert [0] == busy.query("SELECT count(*) FROM atdm.ledger")
    kinds = [event["kind"] for event in busy.audit(run_id)["events"]]
    assert "request_refused" == kinds[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda batches: batches[:-1], "rows of line are missing"),
        (lambda batches: [batches[0], *batches], 'of "purchase" came, and 1500 is due'),
        (lambda batches: [dataclasses.replace(batches[0], start=101)], "100 is due"),
    ],
)
def test_rows_come_once_and_all(
    busy: Caller, run_id: str, change: Callable[[list[Batch]], list[Batch]], said: str
) -> None:
    """A batch that is missing, comes twice or is out of order is refused, and nothing is kept."""
    plan = busy.plan(run_id, "many_orders")

    problem = problem_of(send(busy, plan, change(grown(busy, plan))), 422, "invalid_request")

    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (b"", "it ends in the middle"),
        (b"\0\0\0", "it ends in the middle"),
        ((2**60).to_bytes(8, "big"), "are the most"),
        (frame(b"no arrow"), "cannot be read"),
    ],
)
def test_a_body_that_is_not_whole_is_refused(busy: Caller, run_id: str, end: bytes, said: str) -> None:
    """A body that ends before its last frame, or whose frame is no batch, leaves nothing."""
    plan = busy.plan(run_id, "many_orders")

    problem = problem_of(send(busy, plan, grown(busy, plan), end=end), 422, "invalid_request")

    assert said in problem["detail"]


def test_more_rows_than_a_request_may_have_are_refused(busy: Caller, run_id: str) -> None:
    """Volumes have a budget of their own."""
    plan = busy.plan(run_id, "many_orders", orders=11_000)

    problem = problem_of(send(busy, plan, []), 422, "invalid_request")

    assert "the volumes have 21800 rows, and a request may have 20000" == problem["detail"]


def test_more_bytes_than_a_body_may_have_are_refused(busy: Caller, run_id: str) -> None:
    """The budget counts all frames: the batch that exceeds it is refused when it is announced, and nothing is kept."""
    plan = busy.plan(run_id, "many_orders")
    batches = grown(busy, plan)

    problem = problem_of(send(busy, plan, batches, end=(MAX_BYTES - 1).to_bytes(8, "big")), 422, "invalid_request")

    assert "the body has more bytes than one may have" in problem["detail"]
    assert "ATDM_MAX_VOLUME_BYTES" in problem["hint"]
    assert [0] == busy.query("SELECT count(*) FROM atdm.ledger_range")


def test_a_plan_is_no_larger_because_volumes_follow_it(busy: Caller, run_id: str) -> None:
    """The first frame has the limit of a request's body."""
    plan = busy.plan(run_id, "many_orders")
    large = dataclasses.replace(plan, overrides={"x": "x" * MAX_PLAN_BYTES})

    problem = problem_of(send(busy, large, []), 422, "invalid_request")

    assert f"{MAX_PLAN_BYTES} are the most" in problem["detail"]
    assert "a plan of fewer rows" in problem["hint"]


def test_a_plan_with_volumes_needs_its_rows(busy: Caller, run_id: str) -> None:
    """Sent alone, such a plan is refused, and the hint says where plan and rows go."""
    problem = problem_of(busy.seed(busy.plan(run_id, "many_orders")), 422, "invalid_request")

    assert "POST /internal/scenarios/volumes" in problem["hint"]


def test_a_volume_that_does_not_go_on_from_the_plan_is_refused(busy: Caller, run_id: str) -> None:
    """A plan that says of itself that it has other sample rows than it has is no plan."""
    plan = busy.plan(run_id, "many_orders")
    forged = dataclasses.replace(plan, volumes=(dataclasses.replace(plan.volumes[0], sample=7), *plan.volumes[1:]))

    problem = problem_of(send(busy, forged, []), 422, "invalid_request")

    assert "does not go on from the rows of the plan" in problem["detail"]


def test_a_pointer_to_no_row_is_refused(busy: Caller, run_id: str) -> None:
    """Keys that rows refer to are keys of rows that there are."""
    plan = busy.plan(run_id, "many_orders")
    first, *others = grown(busy, plan)
    pointers = ["purchase[999999].id", *first.keys["customer_id"][1:]]
    changed = dataclasses.replace(first, keys={**first.keys, "customer_id": pointers})

    problem = problem_of(send(busy, plan, [changed, *others]), 422, "plan_rejected")

    assert {"key-without-owner", "foreign-key:orders_customer_id_fkey"} == {one["rule"] for one in problem["findings"]}


def test_no_token_no_volume(busy: Caller) -> None:
    """The route is for holders of the token, like all others."""
    answer = busy.http.post("/internal/scenarios/volumes", content=b"", headers={"Authorization": "Bearer no"})

    problem_of(answer, 401, "unauthorized")


def test_a_volume_can_be_asked_for_by_intent(busy: Caller, run_id: str) -> None:
    """Callers that are not Python get volumes too: planned and made by the seeder."""
    answer = busy.http.post(
        "/test-data/requests", json={"scenario": "many_orders", "run_id": run_id, "overrides": {"orders": 2_000}}
    )

    assert (201, 4_010) == (answer.status_code, answer.json()["rows"])
    assert [2_000] == busy.query("SELECT count(*) FROM order_lines")
    assert 4_010 == busy.http.get(f"/runs/{run_id}").json()["live_rows"]


def test_rows_are_the_same_for_everybody(busy: Caller, run_id: str) -> None:
    """The plan of a run and key has the same rows, whether the seeder makes them or the test process."""
    plan = busy.plan(run_id, "many_orders", request_key="the same")
    codes = [row.values["code"] for row in plan.rows if row.entity == "purchase"]
    codes += [code for batch in grown(busy, plan) for code in batch.values.get("code", ())]

    wish = {"scenario": "many_orders", "run_id": run_id, "request_key": "the same", "seed": 7}
    busy.http.post("/test-data/requests", json=wish).raise_for_status()

    assert sorted(map(str, codes)) == sorted(busy.query("SELECT code FROM orders"))


def test_a_caller_who_falls_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who stops in the middle and keeps the connection loses the transaction after a while."""
    monkeypatch.setattr("seeder.batches._SILENCE_S", 0.01)

    async def chunks() -> AsyncIterator[bytes]:
        yield frame(b"plan")[:10]
        await asyncio.Event().wait()

    async def read() -> list[bytes]:
        return [content async for content in read_frames(chunks(), max_first_bytes=100, max_bytes=100)]

    with pytest.raises(InvalidRequest, match="nothing came for") as caught:
        asyncio.run(read())

    assert "an empty frame after the last batch" in caught.value.hint


def test_a_sender_in_the_middle_hears_why(busy: Caller, run_id: str) -> None:
    """What fails at the first batch is told, however much is still to be said: the rest of the body is read."""
    plan = busy.plan(run_id, "many_orders", orders=9_000)
    first, *others = grown(busy, plan)
    spoilt = dataclasses.replace(first, values={**first.values, "status": ["lost"] * first.size})
    padding = ({**one.values, "note": [f"{number}" * 400 for number in range(one.size)]} for one in others * 8)
    unread = [dataclasses.replace(one, values=values) for one, values in zip(others * 8, padding, strict=True)]
    address = SeederAddress(url=busy.base_url, token=TOKEN, database_url=None, origin="remote")

    with contextlib.closing(SeederClient(address)) as client, pytest.raises(PlanRejected) as caught:
        client.seed_volumes(plan, [spoilt, *unread], idempotency_key="spoilt")

    assert "orders_status_check" in caught.value.message
