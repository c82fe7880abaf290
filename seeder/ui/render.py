"""Templates to HTML; Jinja is imported with the first page."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from litestar import Response

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = Path(__file__).parent


def render_page(template: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """Return the page of *template* (a file in ``templates/``) as a response."""
    html = _environment().get_template(template).render(css_version=css_version(), **values)
    return Response(html.encode(), status_code=status, media_type="text/html")


@cache
def read_css() -> bytes:
    """Return the style sheet."""
    return (_FOLDER / "static" / "atdm.css").read_bytes()


@cache
def css_version() -> str:
    """Return what changes when the style sheet does: browsers may keep each version for ever."""
    return hashlib.sha256(read_css()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # lazy: startup

    return Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
