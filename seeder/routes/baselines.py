"""Baselines: taken, listed, compared, restored, dropped."""

from __future__ import annotations

from typing import Final

from litestar import Controller, delete, get, post

from pytest_atdm.core.baseline import Baseline, RestoreReport
from pytest_atdm.core.errors import (
    BaselineDamaged,
    Conflict,
    DatabaseBusy,
    InvalidRequest,
    NotFound,
    RowConflict,
    RowRefused,
    SchemaMismatch,
    SettingError,
    StoreUnavailable,
)
from pytest_atdm.core.wire import load
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.bodies import BaselineBody, DropBody, RestoreBody
from seeder.routes.given import BaselineService, Call, Id
from seeder.routes.openapi import Input
from seeder.routes.progress import NDJSON, answer_progress

_STORE: Final = (SettingError, StoreUnavailable)
_LINES: Final = (Input("header", "Accept", f"{NDJSON} for lines of JSON that tell how far it is; the last is the end"),)


class BaselineRoutes(Controller):
    """A baseline is a named state of the target's tables, kept in the seeder's store."""

    tags = ("baselines",)

    @post(
        "/baselines",
        summary="Take a baseline",
        body=BaselineBody,
        inputs=_LINES,
        answers={201: Baseline},
        errors=(InvalidRequest, Conflict, NotFound, SchemaMismatch, DatabaseBusy, *_STORE),
    )
    async def take(self, request: Call, baselines: BaselineService) -> JsonAnswer:
        """Reads all tables, or those named, as they are in one moment; writers are not kept waiting. Whole or not."""
        body = load(await request.body(), BaselineBody, what="the baseline")
        return await answer_progress(
            request,
            lambda tell: baselines.take(body.name, actor=body.actor, tables=body.tables, tell=tell),
            status=201,
        )

    @get("/baselines", summary="List baselines", answers={200: list[Baseline]}, errors=_STORE)
    async def list_all(self, baselines: BaselineService) -> JsonAnswer:
        """By name. One that cannot be read says in ``damage`` why."""
        return answer_json(await baselines.list_all())

    @get(
        "/baselines/{name:str}",
        summary="One baseline",
        answers={200: Baseline},
        errors=(InvalidRequest, NotFound, BaselineDamaged, *_STORE),
    )
    async def read(self, baselines: BaselineService, name: Id) -> JsonAnswer:
        """With its tables."""
        return answer_json(await baselines.read(name))

    @get(
        "/baselines/{name:str}/diff",
        summary="What a restore would change",
        inputs=_LINES,
        answers={200: RestoreReport},
        errors=(InvalidRequest, NotFound, SchemaMismatch, BaselineDamaged, DatabaseBusy, *_STORE),
    )
    async def compare(self, request: Call, baselines: BaselineService, name: Id) -> JsonAnswer:
        """Compares every row, and writes nothing."""
        return await answer_progress(request, lambda tell: baselines.compare(name, tell=tell))

    @post(
        "/baselines/{name:str}/restore",
        summary="Restore a baseline",
        status_code=200,
        body=RestoreBody,
        inputs=_LINES,
        answers={200: RestoreReport},
        errors=(
            InvalidRequest,
            NotFound,
            Conflict,
            SchemaMismatch,
            BaselineDamaged,
            RowConflict,
            RowRefused,
            DatabaseBusy,
            *_STORE,
        ),
    )
    async def restore(self, request: Call, baselines: BaselineService, name: Id) -> JsonAnswer:
        """Brings the tables to exactly the baseline's rows in one transaction; what is the same is not written.

        409 while other runs are active, unless forced; then their rows are gone, and they are told.
        """
        body = load(await request.body(), RestoreBody, what="the body")
        return await answer_progress(
            request, lambda tell: baselines.restore(name, actor=body.actor, force=body.force, tell=tell)
        )

    @delete(
        "/baselines/{name:str}",
        summary="Drop a baseline",
        status_code=200,
        body=DropBody,
        answers={200: list[Baseline]},
        errors=(InvalidRequest, NotFound, *_STORE),
    )
    async def drop(self, request: Call, baselines: BaselineService, name: Id) -> JsonAnswer:
        """Removes its files, and answers what is left."""
        sent = await request.body()
        body = load(sent, DropBody, what="the body") if sent else DropBody()
        await baselines.drop(name, actor=body.actor)
        return answer_json(await baselines.list_all())
