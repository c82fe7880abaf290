"""Runs: started by a client, listed, and reset as a whole."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import QueryParameter

from pytest_atdm.core.errors import Conflict, DatabaseBusy, InvalidRequest, LeaseLost, NotFound, RowRefused
from pytest_atdm.core.model import ReapedRun, ResetReport, StartedRun
from pytest_atdm.core.wire import load
from seeder.records import Lease, RunStart
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.bodies import HeartbeatBody, ReapBody, RunBody
from seeder.routes.given import Call, Id, Service
from seeder.routes.openapi import Input
from seeder.routes.shapes import RunShape, shape_run

MAX_PAGE_RUNS = 200
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE_RUNS)]
Before = Annotated[str | None, QueryParameter(max_length=26)]
Force = Annotated[bool, QueryParameter()]
PAGING = (
    Input("query", "limit", f"at most so many, 1 to {MAX_PAGE_RUNS}; 50 unless told"),
    Input("query", "before", "only runs older than this run id"),
)


class Runs(Controller):
    """A run is one test session in one process."""

    tags = ("runs",)

    @post(
        "/runs",
        summary="Start a run",
        body=RunBody,
        answers={201: StartedRun, 200: StartedRun},
        errors=(InvalidRequest, Conflict),
    )
    async def start_run(self, request: Call, seeder: Service) -> JsonAnswer:
        """Records the run, or starts one that is over again: 201. Active with the same values: 200; with others: 409.

        The answer's *lease_s* says within which time the lease has to be renewed, again and again: each third of it is
        a good measure.
        """
        body = load(await request.body(), RunBody, what="the run")
        run = await seeder.start_run(
            RunStart(
                run_id=body.run_id,
                session_id=body.session_id,
                actor=body.actor,
                seed=body.seed,
                as_of=body.as_of.isoformat(),
                owner=body.owner,
                keep_s=body.keep_s,
            )
        )
        started = StartedRun(
            run_id=run.run_id,
            state=run.state,
            epoch=run.epoch,
            lease_s=run.lease_s or 0,
            expires_at=run.expires_at or "",
            answer_s=seeder.answer_s,
            started_at=run.started_at,
            audit_url=seeder.audit_url(run.run_id),
        )
        return answer_json(started, status=201 if run.created else 200)

    @post(
        "/runs/{run_id:str}/heartbeat",
        summary="Renew a run's lease",
        status_code=200,
        body=HeartbeatBody,
        answers={200: Lease},
        errors=(InvalidRequest, NotFound, LeaseLost),
    )
    async def renew_lease(self, request: Call, seeder: Service, run_id: Id) -> JsonAnswer:
        """The sign of life that keeps the run's rows standing. 410: they are gone, and nothing more is seeded."""
        body = load(await request.body(), HeartbeatBody, what="the heartbeat")
        return answer_json(await seeder.renew_lease(run_id, body.epoch))

    @post(
        "/runs/reap",
        summary="End runs for their owners",
        status_code=200,
        body=ReapBody,
        answers={200: list[ReapedRun]},
        errors=(InvalidRequest, NotFound, RowRefused, DatabaseBusy),
    )
    async def reap(self, request: Call, seeder: Service) -> JsonAnswer:
        """Resets and ends a run whatever its lease, or all whose lease has lapsed; their owners are refused after."""
        body = load(await request.body(), ReapBody, what="the body")
        return answer_json(await seeder.reap(body.run_id))

    @get("/runs", summary="List runs", inputs=PAGING, answers={200: list[RunShape]}, errors=(InvalidRequest,))
    async def list_runs(self, seeder: Service, limit: Limit = 50, before: Before = None) -> JsonAnswer:
        """Newest first. For the next page pass the last run id as *before*."""
        runs = await seeder.list_runs(limit=limit, before=before)
        return answer_json([shape_run(run, seeder.audit_url(run.run_id)) for run in runs])

    @get("/runs/{run_id:str}", summary="One run", answers={200: RunShape}, errors=(NotFound,))
    async def read_run(self, seeder: Service, run_id: Id) -> JsonAnswer:
        """The run, with what it has live in the target now."""
        return answer_json(shape_run(await seeder.read_run(run_id), seeder.audit_url(run_id)))

    @delete(
        "/runs/{run_id:str}",
        summary="Reset a run",
        status_code=200,
        answers={200: ResetReport},
        errors=(NotFound, Conflict, RowRefused, DatabaseBusy),
    )
    async def reset_run(self, seeder: Service, run_id: Id) -> JsonAnswer:
        """Resets every live request of the run and ends it; repeated, it finds nothing to do."""
        return answer_json(await seeder.reset_run(run_id))

    @delete(
        "/runs",
        summary="Reset all runs",
        status_code=200,
        answers={200: ResetReport},
        errors=(Conflict, RowRefused, DatabaseBusy),
        inputs=(Input("query", "force", "true: take rows of runs, too, whose owners are at work"),),
    )
    async def reset_all(self, seeder: Service, *, force: Force = False) -> JsonAnswer:
        """Resets every live request of every run; active runs stay active. 409 while others are at work."""
        return answer_json(await seeder.reset_all(force=force))
