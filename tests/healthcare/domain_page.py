"""Writes the generated parts of ``docs/healthcare.md``: tables from the database, scenarios from the catalog.

python -m tests.healthcare.domain_page
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.catalog import Catalog, load_catalog
from pytest_atdm.data import folder
from seeder.db.introspect import read_target
from seeder.embedded import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.schema import Column, Schema, Table

PAGE: Final = Path(__file__).parents[2] / "docs" / "healthcare.md"
OWN_TABLES: Final = ("plans", "members", "providers", "eligibility", "procedure_codes", "diagnosis_codes", "claims")
APPLICATION_TABLES: Final = ("claim_decisions", "claim_decision_notes")


def read_catalog() -> Catalog:
    """Return the catalog that ships with the package."""
    root = folder("catalog")
    return load_catalog({path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*.yaml"))})


def read_schema(url: str) -> Schema:
    """Return the shape of the database at *url*."""

    async def introspect() -> Schema:
        async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
            return (await read_target(pool)).schema

    return asyncio.run(introspect())


def write_blocks(text: str, blocks: dict[str, str]) -> str:
    """Return *text* with the content between each pair of ``begin`` and ``end`` comments replaced."""
    for name, block in blocks.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n{block}\n\n{end}{rest.partition(end)[2]}"
    return text


def render_blocks(schema: Schema, catalog: Catalog) -> dict[str, str]:
    """Return every generated part of the page by its name."""
    return {
        "tables": "\n\n".join(_render_table(schema.table(name), schema) for name in OWN_TABLES),
        "application tables": "\n\n".join(_render_table(schema.table(name), schema) for name in APPLICATION_TABLES),
        "scenarios": _render_scenarios(catalog),
        "requirements": _render_requirements(catalog),
    }


def _render_table(table: Table, schema: Schema) -> str:
    name = table.id.removeprefix("public.")
    columns = [_render_row(f"`{column.name}`", column.type, _explain(column, table)) for column in table.columns]
    checks = ", ".join(f"`{check.name.removeprefix(name + '_')}`" for check in table.checks)
    head = [f"### {name}", "", _render_row("column", "type", ""), "|---|---|---|"]
    return "\n".join([*head, *columns, "", f"CHECKs: {checks}." if checks else "No CHECKs."])


def _explain(column: Column, table: Table) -> str:
    return ", ".join(_facts(column, table))


def _facts(column: Column, table: Table) -> Iterator[str]:
    if table.primary_key == (column.name,):
        yield "primary key"
    if column.identity:
        yield f"identity, {column.identity}"
    if (column.name,) in {unique.columns for unique in table.uniques}:
        yield "unique"
    for key in table.foreign_keys:
        if key.columns == (column.name,):
            yield f"refers to {key.parent.removeprefix('public.')}"
    if column.generated:
        yield "computed"
    if column.nullable:
        yield "may be null"


def _render_scenarios(catalog: Catalog) -> str:
    scenarios = [catalog.scenario(id) for id in catalog.scenario_ids if catalog.scenario(id).domain == "healthcare"]
    rows = [_render_row(f"`{one.id}`", one.title, ", ".join(one.parameters), one.expects) for one in scenarios]
    return "\n".join([_render_row("scenario", "situation", "parameters", "expects"), "|---|---|---|---|", *rows])


def _render_requirements(catalog: Catalog) -> str:
    rows = [_render_row(id, title) for id, title in catalog.domain("healthcare").requirements.items()]
    return "\n".join([_render_row("id", "requirement"), "|---|---|", *rows])


def _render_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Rewrite the page from a fresh database."""
    with tempfile.TemporaryDirectory() as place, running_postgres(Path(place)) as url:
        asyncio.run(_migrate(url))
        blocks = render_blocks(read_schema(url), read_catalog())
    PAGE.write_text(write_blocks(PAGE.read_text(encoding="utf-8"), blocks), encoding="utf-8")


async def _migrate(url: str) -> None:
    connection = await asyncpg.connect(url)
    for path in sorted((folder("migrations") / "healthcare").glob("*.sql")):
        await connection.execute(path.read_text(encoding="utf-8"))
    await connection.close()


if __name__ == "__main__":
    main()
