"""Runs: started by a client, listed, and reset as a whole."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import QueryParameter

from pytest_atdm.core.errors import Conflict, InvalidRequest, NotFound, RowRefused
from pytest_atdm.core.model import ResetReport
from pytest_atdm.core.wire import load
from seeder.records import RunStart
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.bodies import RunBody
from seeder.routes.given import Call, Id, Service
from seeder.routes.openapi import Input
from seeder.routes.shapes import RunShape, StartedRun, shape_run

MAX_PAGE_RUNS = 200
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE_RUNS)]
Before = Annotated[str | None, QueryParameter(max_length=26)]
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
        """Records the run, or starts an ended one again: 201. Active with the same values: 200; with others: 409."""
        body = load(await request.body(), RunBody, what="the run")
        run = await seeder.start_run(
            RunStart(
                run_id=body.run_id,
                session_id=body.session_id,
                actor=body.actor,
                seed=body.seed,
                as_of=body.as_of.isoformat(),
            )
        )
        started = StartedRun(
            run_id=run.run_id, state=run.state, started_at=run.started_at, audit_url=seeder.audit_url(run.run_id)
        )
        return answer_json(started, status=201 if run.created else 200)

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
        errors=(NotFound, Conflict, RowRefused),
    )
    async def reset_run(self, seeder: Service, run_id: Id) -> JsonAnswer:
        """Resets every live request of the run and ends it; repeated, it finds nothing to do."""
        return answer_json(await seeder.reset_run(run_id))

    @delete(
        "/runs",
        summary="Reset all runs",
        status_code=200,
        answers={200: ResetReport},
        errors=(Conflict, RowRefused),
    )
    async def reset_all(self, seeder: Service) -> JsonAnswer:
        """Resets every live request of every run; active runs stay active."""
        return answer_json(await seeder.reset_all())
