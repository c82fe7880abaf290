"""What tests came to, to read."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from pytest_atdm.core.coverage import Use
from pytest_atdm.core.errors import InvalidRequest
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.given import Service
from seeder.routes.openapi import Input

Commit = Annotated[str, QueryParameter(max_length=100)]


class Coverage(Controller):
    """The outcomes that ``consumed_by_test`` events have told of."""

    tags = ("coverage",)

    @get(
        "/coverage",
        summary="What tests came to",
        inputs=(Input("query", "commit", "only commits that begin so"),),
        answers={200: list[Use]},
        errors=(InvalidRequest,),
    )
    async def read_coverage(self, seeder: Service, commit: Commit = "") -> JsonAnswer:
        """One entry for each test and scenario, at the newest commit of the test.

        Of a test the ten newest commits are kept; what has not run for 90 days is forgotten.
        """
        return answer_json(await seeder.read_coverage(commit))
