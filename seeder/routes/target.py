"""The target database as a value, and what it says to a plan before anything is kept."""

from __future__ import annotations

from litestar import Controller, Response, get, post

from pytest_atdm.core.errors import CatalogError, InvalidRequest, NotFound, PlanRejected, SchemaMismatch
from pytest_atdm.core.model import Plan, TargetState, Trial
from pytest_atdm.core.schema import Schema, dump_schema
from pytest_atdm.core.wire import load
from seeder.records import WorkingRole
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.bodies import RowsBody, StateBody, VerdictsBody
from seeder.routes.given import Call, Service
from seeder.routes.shapes import RowsShape, VerdictsShape


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

    @get("/target/role", summary="Whom seeding and reset run as", answers={200: WorkingRole})
    async def read_role(self, seeder: Service) -> JsonAnswer:
        """Answers the role that rows are written and removed as, and the one that connects.

        Where that role may do more than read and write rows, ``excess`` says what it is, and ``advice`` what to do.
        """
        return answer_json(await seeder.read_role(), status=200)

    @post(
        "/target/trials",
        summary="Try a plan",
        body=Plan,
        answers={200: Trial},
        errors=(InvalidRequest, SchemaMismatch, CatalogError, PlanRejected),
    )
    async def try_plan(self, request: Call, seeder: Service) -> JsonAnswer:
        """Gates the plan, writes it, removes it again, and rolls back; nothing is kept but the gaps in sequences.

        A plan that the database refuses is an answer as well: ``refusal`` says at which stage, and in whose words.
        """
        return answer_json(await seeder.try_plan(await request.body()), status=200)

    @post(
        "/target/rows",
        summary="Rows that stand there",
        body=RowsBody,
        answers={200: RowsShape},
        errors=(InvalidRequest, NotFound, SchemaMismatch),
    )
    async def list_rows(self, request: Call, seeder: Service) -> JsonAnswer:
        """Answers the first rows of each table, by key: what a plan may refer to where it cannot create a parent."""
        body = load(await request.body(), RowsBody, what="the request")
        return answer_json(RowsShape(rows=await seeder.list_rows(body.tables, body.limit)), status=200)

    @post(
        "/target/state",
        summary="What can be compared",
        body=StateBody,
        answers={200: TargetState},
        errors=(InvalidRequest, NotFound, SchemaMismatch),
    )
    async def read_state(self, request: Call, seeder: Service) -> JsonAnswer:
        """Answers the number of rows and a sum over the content of each table, and where sequences stand.

        Tables of more than 200,000 rows are left out.
        """
        body = load(await request.body(), StateBody, what="the request")
        return answer_json(await seeder.read_state(body.tables), status=200)

    @post(
        "/target/verdicts",
        summary="What a constraint says of rows",
        body=VerdictsBody,
        answers={200: VerdictsShape},
        errors=(InvalidRequest, NotFound, SchemaMismatch),
    )
    async def judge_rows(self, request: Call, seeder: Service) -> JsonAnswer:
        """Has Postgres evaluate one CHECK (of the table, or of a column's domain) over rows that are not written.

        The answer is one truth value for each row: true also where the CHECK is NULL, false where it raises.
        """
        body = load(await request.body(), VerdictsBody, what="the request")
        verdicts = await seeder.judge_rows(body.table, body.constraint, body.rows)
        return answer_json(VerdictsShape(verdicts=verdicts), status=200)
