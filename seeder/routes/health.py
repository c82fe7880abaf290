"""Open routes: is it alive, is it ready, which version, what has it done."""

from __future__ import annotations

from litestar import Controller, Response, get

from pytest_atdm.core.errors import DatabaseUnavailable
from pytest_atdm.core.model import PLAN_FORMAT
from seeder.routes.answer import JsonAnswer, answer_json
from seeder.routes.given import Service
from seeder.routes.shapes import StatusShape, VersionShape

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4"


class Health(Controller):
    """Nothing here needs a token, and nothing here tells a secret."""

    tags = ("health",)

    @get("/healthz", summary="Is the process alive", answers={200: StatusShape})
    async def check_health(self) -> JsonAnswer:
        """Answers as soon as the process serves requests; it does not ask Postgres."""
        return answer_json(StatusShape())

    @get("/readyz", summary="Can it do its work", answers={200: StatusShape}, errors=(DatabaseUnavailable,))
    async def check_ready(self, seeder: Service) -> JsonAnswer:
        """Asks Postgres; 503 while it does not answer."""
        await seeder.ping()
        return answer_json(StatusShape())

    @get("/version", summary="Which version", answers={200: VersionShape})
    async def read_version(self, seeder: Service) -> JsonAnswer:
        """The version of the package, and of the plans that it reads."""
        return answer_json(VersionShape(version=seeder.version, plan_format=PLAN_FORMAT))

    @get("/metrics", summary="Prometheus metrics", answers={200: str}, errors=(DatabaseUnavailable,))
    async def read_metrics(self, seeder: Service) -> Response[bytes]:
        """Counts of this process, and of what stands in the database now, in Prometheus' text format."""
        return Response((await seeder.render_metrics()).encode(), media_type=METRICS_MEDIA_TYPE)
