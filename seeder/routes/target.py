"""The target database as a value."""

from __future__ import annotations

from litestar import Controller, Response, get

from pytest_atdm.core.schema import Schema, dump_schema
from seeder.routes.given import Call, Service


class Target(Controller):
    """What a planner needs to know of the target: its shape, never a connection."""

    tags = ("target",)

    @get("/target/schema", summary="The target's schema", answers={200: Schema, 304: None})
    async def read_schema(self, request: Call, seeder: Service) -> Response[bytes]:
        """Introspects the target now and answers canonical JSON.

        The ETag is the schema's fingerprint; If-None-Match with it is answered 304 without a body.
        """
        schema = await seeder.read_schema()
        headers = {"ETag": f'"{schema.fingerprint}"', "Cache-Control": "no-cache"}
        if schema.fingerprint in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(dump_schema(schema), media_type="application/json", headers=headers)
