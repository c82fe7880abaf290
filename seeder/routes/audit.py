"""The audit log, to read. There is no route that changes it."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from pytest_atdm.core.audit_check import LogVerdict
from pytest_atdm.core.errors import InvalidRequest, NotFound
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.given import Id, Service
from seeder.routes.openapi import Input
from seeder.routes.shapes import AuditShape, shape_trail

Expected = Annotated[str | None, QueryParameter(max_length=100)]


class Audit(Controller):
    """Append-only: the database itself refuses every change of an event."""

    tags = ("audit",)

    @get("/audit/runs/{run_id:str}", summary="A run's audit trail", answers={200: AuditShape}, errors=(NotFound,))
    async def read_audit(self, seeder: Service, run_id: Id) -> JsonAnswer:
        """Every event of the run with the exact text that was hashed, and whether the chain of hashes is intact."""
        return answer_json(shape_trail(await seeder.read_audit(run_id), seeder.audit_url(run_id)))

    @get(
        "/audit/verification",
        summary="Whether the whole log is as it was written",
        inputs=(Input("query", "expect", "a checkpoint that the log must fit, as an ended run's answer holds it"),),
        answers={200: LogVerdict},
        errors=(InvalidRequest,),
    )
    async def verify(self, seeder: Service, expect: Expected = None) -> JsonAnswer:
        """Reads every event, and names the first flaw of each run. An empty list of flaws: nothing was changed."""
        return answer_json(await seeder.verify_audit(expect))
