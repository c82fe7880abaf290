"""The audit log, to read. There is no route that changes it."""

from __future__ import annotations

from litestar import Controller, get

from pytest_atdm.core.errors import NotFound
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.given import Id, Service
from seeder.routes.shapes import AuditShape, shape_trail


class Audit(Controller):
    """Append-only: the database itself refuses every change of an event."""

    tags = ("audit",)

    @get("/audit/runs/{run_id:str}", summary="A run's audit trail", answers={200: AuditShape}, errors=(NotFound,))
    async def read_audit(self, seeder: Service, run_id: Id) -> JsonAnswer:
        """Every event of the run with the exact text that was hashed, and whether the chain of hashes is intact."""
        return answer_json(shape_trail(await seeder.read_audit(run_id), seeder.audit_url(run_id)))
