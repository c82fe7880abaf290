"""Requests: a plan written, a situation asked for by intent, and their cleanup by token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litestar import Controller, delete, get, post

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import (
    CatalogError,
    Conflict,
    DatabaseBusy,
    InvalidRequest,
    LeaseLost,
    NotFound,
    OverrideError,
    PlanImpossible,
    PlanRejected,
    PlanTampered,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    Unauthorized,
    UnknownScenario,
)
from pytest_atdm.core.model import Plan, Receipt, ResetReport, RowsNow
from pytest_atdm.core.wire import load
from seeder.batches import read_out
from seeder.records import NewEvent, ReferenceReport, RequestRecord, SeedCall
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.bodies import ContextBody, EventsBody, ReferenceBody, ScenarioBody
from seeder.routes.given import Call, Id, Service, read_header
from seeder.routes.openapi import Input
from seeder.routes.shapes import AppendedShape
from seeder.wishes import KEEP_S, Wish

if TYPE_CHECKING:
    from litestar.types import Receive, Scope

    from pytest_atdm.core.model import Cell
    from seeder.service import Seeder

CLEANUP_TOKEN: Final = "ATDM-Cleanup-Token"
PLAN_HASH: Final = "ATDM-Plan-Hash"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
CONTEXT: Final = "ATDM-Context"
EPOCH: Final = "ATDM-Run-Epoch"
SEED_PATH: Final = "/internal/scenarios/seed"
VOLUMES_PATH: Final = "/internal/scenarios/volumes"
REQUESTS_PATH: Final = "/test-data/requests"
_MAX_KEY_CHARACTERS: Final = 500
_MAX_EPOCH: Final = 2**31
_TOKEN_INPUT: Final = Input("header", CLEANUP_TOKEN, "from the receipt of this request", required=True)
_SEED_INPUTS: Final = (
    Input("header", PLAN_HASH, "sha256: and the 64 hex digits of the plan's SHA-256", required=True),
    Input("header", IDEMPOTENCY_KEY, "unique within the run, one per attempt", required=True),
    Input("header", CONTEXT, "JSON with any of test, attempt, actor; kept in the audit log"),
    Input("header", EPOCH, "from the answer to the run's start: a later start of the run refuses this writer"),
)
_WRITING: Final = (
    InvalidRequest,
    NotFound,
    Conflict,
    LeaseLost,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    CatalogError,
    PlanRejected,
    DatabaseBusy,
)


class Requests(Controller):
    """One scenario asked for within a run: seeded once, reset once."""

    tags = ("requests",)

    @post(
        SEED_PATH,
        summary="Write a plan",
        inputs=_SEED_INPUTS,
        body=Plan,
        answers={201: Receipt, 200: Receipt},
        errors=(*_WRITING, PlanTampered),
    )
    async def seed(self, request: Call, seeder: Service) -> JsonAnswer:
        """Takes the canonical bytes of a plan, gates it again, and writes rows, ledger and events: all or nothing.

        The Idempotency-Key is unique within the run: the same key with the same plan is answered 200 with
        ``replayed`` true and a fresh cleanup token (the older stops working); with another plan it is a conflict.
        """
        return await seed_plan(request.scope, await request.body(), seeder)

    @post(
        VOLUMES_PATH,
        summary="Write a plan with volumes",
        inputs=_SEED_INPUTS,
        request_max_body_size=None,  # read as it comes, and never held as a whole
        answers={201: Receipt, 200: Receipt},
        errors=(*_WRITING, PlanTampered),
    )
    async def seed_volumes(self, request: Call, seeder: Service) -> JsonAnswer:
        """Takes a plan and the rows of its volumes in one body, and writes them as they come: all or nothing.

        The body is made of frames: the length of the content in 8 bytes, highest first, and the content. The first
        frame is the plan, each other an Arrow IPC stream with one record batch, the last is empty.
        """
        return await seed_volumes(request, seeder)

    @post(
        REQUESTS_PATH,
        summary="Ask for a situation",
        body=ScenarioBody,
        answers={201: Receipt, 200: Receipt},
        errors=(*_WRITING, UnknownScenario, OverrideError, PlanImpossible),
    )
    async def seed_scenario(self, request: Call, seeder: Service) -> JsonAnswer:
        """The same by intent, planned here: for callers that are not Python.

        The cleanup token of the answer stands nowhere else: keep it for the cleanup.
        """
        body = load(await request.body(), ScenarioBody, what="the request")
        wish = Wish(
            scenario=body.scenario,
            overrides=body.overrides,
            run_id=body.run_id,
            request_key=body.request_key,
            seed=body.seed,
            as_of=body.as_of,
            actor=body.actor,
            keep_s=body.keep_s or KEEP_S,
        )
        receipt = await seeder.seed_wish(wish)
        return answer_json(receipt, status=200 if receipt.replayed else 201)

    @post(
        "/test-data/reference",
        summary="Seed reference rows",
        status_code=200,
        body=ReferenceBody,
        answers={200: ReferenceReport},
        errors=(InvalidRequest, NotFound, Conflict, CatalogError, RowRefused, SchemaMismatch),
    )
    async def seed_reference(self, request: Call, seeder: Service) -> JsonAnswer:
        """Inserts the catalog's reference rows that lack, updates those that differ; repeated, it changes nothing.

        What changed commits with its event.
        """
        body = load(await request.body(), ReferenceBody, what="the body")
        return answer_json(await seeder.seed_reference(body.domain, run_id=body.run_id))

    @get(
        "/test-data/requests/{request_id:str}", summary="One request", answers={200: RequestRecord}, errors=(NotFound,)
    )
    async def read_request(self, seeder: Service, request_id: Id) -> JsonAnswer:
        """What it seeded and whether that still stands. The cleanup token is not in it."""
        return answer_json(await seeder.read_request(request_id))

    @get(
        "/test-data/requests/{request_id:str}/rows",
        summary="What stands of a request",
        answers={200: RowsNow},
        errors=(NotFound,),
    )
    async def read_rows_now(self, seeder: Service, request_id: Id) -> JsonAnswer:
        """What a reset would remove: its rows as they are now, null where one is gone, and what came below them."""
        return answer_json(await seeder.read_rows_now(request_id))

    @delete(
        "/test-data/requests/{request_id:str}",
        summary="Clean up a request",
        status_code=200,
        inputs=(_TOKEN_INPUT,),
        body=EventsBody,
        body_required=False,
        answers={200: ResetReport},
        errors=(InvalidRequest, Unauthorized, NotFound, Conflict, RowRefused, DatabaseBusy),
    )
    async def reset(self, request: Call, seeder: Service, request_id: Id) -> JsonAnswer:
        """Removes its rows and what hangs below them, after appending the events of the body, in one transaction.

        Repeated, it answers the same report with ``already`` true.
        """
        return await reset_request(request.scope, await request.body(), seeder, request_id)

    @post(
        "/test-data/requests/{request_id:str}/events",
        summary="Report what happened at the client",
        status_code=202,
        inputs=(_TOKEN_INPUT,),
        body=EventsBody,
        answers={202: AppendedShape},
        errors=(InvalidRequest, Unauthorized, NotFound),
    )
    async def append_events(self, request: Call, seeder: Service, request_id: Id) -> JsonAnswer:
        """Appends to the audit log of the request's run. Only kinds that a client can know are taken."""
        events = _read_events(await request.body())
        token = _require_header(request.scope, CLEANUP_TOKEN, error=Unauthorized)
        await seeder.append_events(request_id, token, events)
        return answer_json(AppendedShape(appended=len(events)), status=202)


async def seed_plan(scope: Scope, body: bytes, seeder: Seeder) -> JsonAnswer:
    """Answer a call that seeds the plan in *body*."""
    receipt = await seeder.seed_plan(body, _read_call(scope))
    return answer_json(receipt, status=200 if receipt.replayed else 201)


async def seed_volumes(request: Call, seeder: Seeder) -> JsonAnswer:
    """Answer a call that seeds a plan with volumes."""
    chunks = _Body(request.receive)
    try:
        receipt = await seeder.seed_volumes(chunks, _read_call(request.scope))
    finally:
        await read_out(chunks)
    return answer_json(receipt, status=200 if receipt.replayed else 201)


class _Body:
    """The body of a call as it comes; it ends where the caller goes away, too.

    No generator: whoever gives up waiting for a part leaves the next ones to others.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        message = await self._receive()
        if message["type"] != "http.request":
            self._is_over = True
            raise StopAsyncIteration
        self._is_over = not message.get("more_body", False)
        return message.get("body", b"")


async def reset_request(scope: Scope, body: bytes, seeder: Seeder, request_id: str) -> JsonAnswer:
    """Answer a call that resets a request, after the events in *body*, if any."""
    events = _read_events(body) if body else ()
    token = _require_header(scope, CLEANUP_TOKEN, error=Unauthorized)
    return answer_json(await seeder.reset_request(request_id, token, events))


def _read_call(scope: Scope) -> SeedCall:
    return SeedCall(
        plan_hash=_require_header(scope, PLAN_HASH),
        idempotency_key=_require_header(scope, IDEMPOTENCY_KEY),
        context=_read_context(read_header(scope, CONTEXT)),
        epoch=_read_epoch(scope),
    )


def _require_header(scope: Scope, name: str, *, error: type[InvalidRequest | Unauthorized] = InvalidRequest) -> str:
    value = read_header(scope, name)
    if not 0 < len(value) <= _MAX_KEY_CHARACTERS:
        raise error(
            f"{scope['path']}: the header {name} is missing, empty or longer than {_MAX_KEY_CHARACTERS} characters",
            hint=f"send {name}; GET /schema/openapi.json says what belongs in it",
        )
    return value


def _read_epoch(scope: Scope) -> int:
    """Return the epoch that the writer knows of; 0 where it does not say."""
    text = read_header(scope, EPOCH) or "0"
    if not text.isdecimal() or int(text) >= _MAX_EPOCH:
        raise InvalidRequest(f'the header {EPOCH} is "{text[:40]}"', hint="send the epoch that POST /runs answered")
    return int(text)


def _read_context(header: str) -> dict[str, Cell]:
    if not header:
        return {}
    context = load(header, ContextBody, what=f"the header {CONTEXT}")
    named: dict[str, Cell] = {"test": context.test, "attempt": context.attempt, "actor": context.actor}
    return {name: value for name, value in named.items() if value is not None}


def _read_events(body: bytes) -> tuple[NewEvent, ...]:
    events = load(body, EventsBody, what="the events").events
    return tuple(NewEvent(kind=EventKind(event.kind), detail=event.detail) for event in events)
