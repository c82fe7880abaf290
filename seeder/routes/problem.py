"""Every error leaves as a problem document (RFC 9457): the tree's own, the framework's, and the unexpected."""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Final

from litestar import Response
from litestar.exceptions import HTTPException

from pytest_atdm.core.errors import AtdmError, InternalError, InvalidRequest, NotFound, Unauthorized
from seeder.routes.answer import encode_json
from seeder.routes.given import Call

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"

log = logging.getLogger("atdm.seeder")


def answer_error(request: Call, error: Exception) -> Response[bytes]:
    """Return the problem document of *error*; one that is not of ATDM's tree is logged with its cause first."""
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _answer(request, as_atdm_error(error, request), _status_of(error), headers)


def as_atdm_error(error: Exception, request: Call) -> AtdmError:
    """Return *error* as one of the tree. What nobody foresaw becomes an InternalError with an id found in the log."""
    if isinstance(error, AtdmError):
        return error
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _translate(error, request)
    incident = secrets.token_hex(8)
    log.error("incident %s: %s %s", incident, request.method, request.url.path, exc_info=error)
    return InternalError(
        f"the seeder failed unexpectedly (incident {incident})",
        hint=f"this is a bug in ATDM: report it with what the seeder's log says of incident {incident}",
    )


def _translate(error: HTTPException, request: Call) -> AtdmError:
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFound(
                f"{where}: there is nothing at this address", hint="GET /schema/openapi.json lists the routes"
            )
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return InvalidRequest(
                f"{where}: this method is not served here", hint="the Allow header lists those that are"
            )
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return InvalidRequest(f"{where}: the body is too large", hint="ask for fewer or shorter rows")
    return InvalidRequest(f"{where}: {error.detail}", hint="GET /schema/openapi.json says what this route takes")


def _status_of(error: Exception) -> int:
    if isinstance(error, AtdmError):
        return error.status
    if isinstance(error, HTTPException):
        # The framework's 400 is its own validation of parameters, which is ours by another name.
        return InvalidRequest.status if error.status_code == HTTPStatus.BAD_REQUEST else error.status_code
    return InternalError.status


def describe_problem(request: Call, error: AtdmError, status: int | None = None) -> dict[str, object]:
    """Return the problem document of *error*."""
    kind = type(error)
    return {
        "type": f"urn:atdm:error:{kind.code}",
        "title": (kind.__doc__ or kind.__name__).splitlines()[0].rstrip("."),
        "status": status or error.status,
        "detail": error.message,
        "code": kind.code,
        "hint": error.hint,
        "findings": error.findings,
        "retryable": kind.retryable,
        "instance": request.url.path,
    }


def _answer(request: Call, error: AtdmError, status: int, headers: dict[str, str]) -> Response[bytes]:
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    document = describe_problem(request, error, status)
    return Response(encode_json(document), status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)
