"""The interface's own description, made at the first call from the routes themselves.

Bodies are read by ``wire.load``, so their schemas come from the same readers; the framework's generator would describe
its own parsing and its own error format instead. A handler says in its decorator: ``summary``, ``body``, ``inputs``
(headers and query parameters), ``answers`` (status to type) and ``errors`` (classes of the tree); its docstring is the
description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Final, Literal

from litestar import Controller, Litestar, Response, get
from litestar.routes import HTTPRoute

from pytest_atdm.core.errors import AtdmError, InternalError, Unauthorized
from pytest_atdm.core.model import Cell, ResetReport
from seeder.routes.answer import encode_json
from seeder.routes.given import Call
from seeder.routes.shapes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.handlers import HTTPRouteHandler

OPENAPI_MEDIA_TYPE: Final = "application/vnd.oai.openapi+json"
PROBLEM_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFERENCES: Final = "#/components/schemas/{model}"
_NAMES: Final = {
    "Mapping": Mapping,
    "Cell": Cell,
    "ResetReport": ResetReport,
}  # what seeder.records imports for types only

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """A header or query parameter of a route."""

    place: Literal["header", "query"]
    name: str
    description: str
    required: bool = False


class Description(Controller):
    """Serves the description."""

    tags = ("description",)

    @get("/schema/openapi.json", summary="This description", answers={200: None}, sync_to_thread=False)
    def read_openapi(self, request: Call) -> Response[bytes]:
        """OpenAPI 3.1 of every route."""
        state = request.app.state
        if "openapi" not in state:
            state["openapi"] = encode_json(describe_app(request.app))
        return Response(state["openapi"], media_type=OPENAPI_MEDIA_TYPE)


def describe_app(app: Litestar) -> Json:
    """Return the OpenAPI document of *app*: every route whose handler says what it answers."""
    schemas = _Schemas()
    schemas.describe(Problem)
    paths: dict[str, Json] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, handler in _operations(route):
                paths.setdefault(route.path_format, {})[method] = _describe_operation(route, handler, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ATDM seeder",
            "version": app.opt["version"],
            "description": "Test data by intent: rows that exist for one test, audited, and gone afterwards.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas.found, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


class _Schemas:
    """JSON schemas of the types met so far, by name."""

    def __init__(self) -> None:
        self.found: Json = {}

    def describe(self, kind: Any) -> Json:
        """Return the schema of *kind*, a reference where it has a name."""
        from pydantic import TypeAdapter  # lazy: startup

        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        adapter.rebuild(force=True, _types_namespace=_NAMES)
        schema = adapter.json_schema(ref_template=_REFERENCES)
        self.found.update(schema.pop("$defs", {}))
        if schema.get("type") != "object" or "title" not in schema:
            return schema
        self.found[schema["title"]] = schema
        return {"$ref": _REFERENCES.format(model=schema["title"])}


def _operations(route: HTTPRoute) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for method, (handler, _) in sorted(route.route_handler_map.items()):
        if "answers" in handler.opt:
            yield method.lower(), handler


def _describe_operation(route: HTTPRoute, handler: HTTPRouteHandler, schemas: _Schemas) -> Json:
    answers = {str(status): _describe_answer(status, kind, schemas) for status, kind in handler.opt["answers"].items()}
    operation: Json = {
        "operationId": handler.handler_name,
        "summary": handler.summary,
        "description": getdoc(handler.fn),
        "tags": sorted(handler.resolve_tags()),
        "parameters": [*_path_parameters(route), *(_describe_input(input) for input in handler.opt.get("inputs", ()))],
        "responses": answers | _describe_errors(handler),
        "security": [{"token": []}] if handler.resolve_middleware() else [],
    }
    if (body := handler.opt.get("body")) is not None:
        content = {"application/json": {"schema": schemas.describe(body)}}
        operation["requestBody"] = {"required": handler.opt.get("body_required", True), "content": content}
    return operation


def _path_parameters(route: HTTPRoute) -> Iterator[Json]:
    for name in route.path_parameters:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": "a ULID"}


def _describe_input(given: Input) -> Json:
    return {
        "name": given.name,
        "in": given.place,
        "required": given.required,
        "schema": {"type": "string"},
        "description": given.description,
    }


def _describe_answer(status: int, kind: Any, schemas: _Schemas) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if kind is str:
        answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif kind is not None:
        answer["content"] = {"application/json": {"schema": schemas.describe(kind)}}
    return answer


def _describe_errors(handler: HTTPRouteHandler) -> Json:
    errors: set[type[AtdmError]] = {InternalError, *handler.opt.get("errors", ())}
    if handler.resolve_middleware():
        errors.add(Unauthorized)
    by_status: dict[int, list[str]] = {}
    for error in sorted(errors, key=lambda kind: kind.code):
        meaning = (error.__doc__ or "").partition("\n")[0]
        by_status.setdefault(error.status, []).append(f"`{error.code}`: {meaning}")
    if "body" in handler.opt:
        by_status[HTTPStatus.REQUEST_ENTITY_TOO_LARGE] = [
            "`invalid_request`: the body is larger than the seeder takes."
        ]
    return {
        str(status): {"description": " ".join(meanings), "content": PROBLEM_CONTENT}
        for status, meanings in sorted(by_status.items())
    }
