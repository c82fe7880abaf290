"""The scenarios of a catalog for tests with Playwright: TypeScript that asks for their rows, and what types these have.

``index.ts`` beside this module is the same for every catalog. ``scenarios.ts`` and ``fixture.schema.json`` are made.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from pytest_atdm._playwright.fixture_schema import render_fixture_schema
from pytest_atdm._playwright.scenarios import render_scenarios
from pytest_atdm._playwright.words import COMMENT, Words
from pytest_atdm._types.shapes import find_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.schema import Schema

__all__ = ("MARKS", "render_files")

#: How each file begins; one that begins otherwise was written by somebody else.
MARKS: Final[Mapping[str, str]] = {
    "index.ts": f"// {COMMENT}\n",
    "scenarios.ts": f"// {COMMENT}\n",
    "fixture.schema.json": f'{{\n  "$comment": "{COMMENT}",\n',
}


def render_files(catalog: Catalog, schema: Schema) -> Mapping[str, str]:
    """Return the text of each file, by its name, for all scenarios of *catalog* on a database of this *schema*.

    Equal arguments give equal texts.

    Raises:
        CatalogError: a fault in a file of the catalog.
        SchemaMismatch: a scenario or rule names a table or column that the database lacks.
    """
    words = Words(find_shapes(catalog, schema))
    return {
        "index.ts": files(__name__).joinpath("index.ts").read_text(encoding="utf-8"),
        "scenarios.ts": render_scenarios(words),
        "fixture.schema.json": render_fixture_schema(words),
    }
