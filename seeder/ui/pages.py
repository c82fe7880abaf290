"""The pages' handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from litestar import Controller, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from pytest_atdm.core.errors import AtdmError
from seeder.service import Seeder
from seeder.ui.access import admit_with
from seeder.ui.render import read_css, render_page
from seeder.ui.run_list import PAGE_RUNS, list_view
from seeder.ui.timeline import trail_view

if TYPE_CHECKING:
    from collections.abc import Callable

    AnswerError = Callable[[Request[None, None, State], Exception], Response[bytes]]


def create_pages(token: str, answer_error: AnswerError) -> Router:
    """Return the pages for holders of *token* or its page key; *answer_error* serves callers that are no browsers."""

    def answer_page_error(request: Request[None, None, State], error: AtdmError) -> Response[bytes]:
        if "text/html" not in request.headers.get("accept", ""):
            return answer_error(request, error)
        return render_page("error.html", status=error.status, error=error)

    pages = Router(
        "/ui",
        route_handlers=[Pages],
        before_request=admit_with(token),
        exception_handlers={AtdmError: answer_page_error},
    )
    return Router("/", route_handlers=[pages, redirect_home, read_style], include_in_schema=False)


@get("/", status_code=302)
async def redirect_home() -> Redirect:
    """Leads to the list of runs."""
    return Redirect("/ui")


@get("/ui/static/atdm.css")
async def read_style() -> Response[bytes]:
    """The style sheet, open to all; its address changes with its content."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(read_css(), media_type="text/css", headers=headers)


class Pages(Controller):
    """Runs, and the audit trail of each."""

    @get("/")
    async def show_runs(
        self, seeder: NamedDependency[Seeder], before: Annotated[str | None, QueryParameter(max_length=26)] = None
    ) -> Response[bytes]:
        """The runs, newest first."""
        runs = await seeder.list_runs(limit=PAGE_RUNS + 1, before=before)
        return render_page("runs.html", page=list_view(runs, is_first=before is None))

    @get("/audit/{run_id:str}")
    async def show_audit(self, seeder: NamedDependency[Seeder], run_id: FromPath[str]) -> Response[bytes]:
        """The audit trail of one run as a timeline."""
        return render_page("audit.html", trail=trail_view(await seeder.read_audit(run_id)))
