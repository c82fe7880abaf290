"""What every answer of a kind has in common."""

from __future__ import annotations

from typing import Any

import httpx


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem document in *answer*, once it is a whole one with that *status* and *code*."""
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert (status, status, code) == (answer.status_code, problem["status"], problem["code"]), problem
    assert f"urn:atdm:error:{code}" == problem["type"]
    assert answer.request.url.path == problem["instance"]
    assert {"type", "title", "status", "detail", "code", "hint", "findings", "retryable", "instance"} == problem.keys()
    assert problem["title"]
    assert problem["detail"]
    assert problem["hint"]
    return problem
