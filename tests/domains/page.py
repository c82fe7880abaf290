"""Writes the generated parts of a shipped domain's page: tables from the database, scenarios from the catalog.

python -m tests.domains.page
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seeder.embedded import running_postgres
from tests.architecture.repository import ROOT
from tests.domains.database import DomainDatabase, read_catalog, scenarios_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.schema import Column, Schema, Table

#: The tables of each shipped domain, by the block of its page that shows them.
TABLES: Final[dict[str, dict[str, Sequence[str]]]] = {
    "healthcare": {
        "tables": ("plans", "members", "providers", "eligibility", "procedure_codes", "diagnosis_codes", "claims"),
        "application tables": ("claim_decisions", "claim_decision_notes"),
    },
    "shop": {
        "tables": (
            "shop.countries", "shop.shipping_methods", "shop.customers", "shop.addresses", "shop.categories",
            "shop.products", "shop.variants", "shop.prices", "shop.coupons", "shop.orders", "shop.order_items",
            "shop.payments", "shop.shipments", "shop.refunds",
        ),
    },
}  # fmt: skip


def page_of(domain: str) -> Path:
    """Return the path of the page about *domain*."""
    return ROOT / "docs" / f"{domain}.md"


def write_blocks(text: str, blocks: dict[str, str]) -> str:
    """Return *text* with the content between each pair of ``begin`` and ``end`` comments replaced."""
    for name, block in blocks.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n{block}\n\n{end}{rest.partition(end)[2]}"
    return text


def render_blocks(domain: str, schema: Schema, catalog: Catalog) -> dict[str, str]:
    """Return every generated part of the page about *domain* by its name."""
    tables = {
        block: "\n\n".join(_render_table(schema.table(name)) for name in names)
        for block, names in TABLES[domain].items()
    }
    return {
        **tables,
        "scenarios": _render_scenarios(domain, catalog),
        "requirements": _render_requirements(catalog.domain(domain).requirements or {}),
    }


def _render_table(table: Table) -> str:
    name = table.id.partition(".")[2]
    columns = [_render_row(f"`{column.name}`", column.type, _explain(column, table)) for column in table.columns]
    checks = ", ".join(f"`{check.name.removeprefix(f'{name}_')}`" for check in table.checks)
    head = [f"### {name}", "", _render_row("column", "type", ""), "|---|---|---|"]
    return "\n".join([*head, *columns, "", f"CHECKs: {checks}." if checks else "No CHECKs."])


def _explain(column: Column, table: Table) -> str:
    return ", ".join(_facts(column, table))


def _facts(column: Column, table: Table) -> Iterator[str]:
    if table.primary_key == (column.name,):
        yield "primary key"
    elif column.name in table.primary_key:
        yield "part of the primary key"
    if column.identity:
        yield f"identity, {column.identity}"
    elif column.sequence:
        yield "serial"
    if (column.name,) in {unique.columns for unique in table.uniques}:
        yield "unique"
    for key in table.foreign_keys:
        if column.name in key.columns:
            others = [name for name in key.columns if name != column.name]
            together = f", together with {' and '.join(others)}" if others else ""
            yield f"refers to {key.parent.partition('.')[2]}{together}"
    if column.generated:
        yield "computed"
    if column.nullable:
        yield "may be null"


def _render_scenarios(domain: str, catalog: Catalog) -> str:
    scenarios = [catalog.scenario(id) for id in scenarios_of(catalog, domain)]
    rows = [_render_row(f"`{one.id}`", one.title, ", ".join(one.parameters), one.expects) for one in scenarios]
    return "\n".join([_render_row("scenario", "situation", "parameters", "expects"), "|---|---|---|---|", *rows])


def _render_requirements(requirements: Mapping[str, str]) -> str:
    rows = [_render_row(id, title) for id, title in requirements.items()]
    return "\n".join([_render_row("id", "requirement"), "|---|---|", *rows])


def _render_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Rewrite the pages from a fresh database."""
    with tempfile.TemporaryDirectory() as place, running_postgres(Path(place)) as url:
        database = DomainDatabase(url)
        database.migrate(*TABLES)
        schema = database.read_schema()
    for domain in TABLES:
        blocks = render_blocks(domain, schema, read_catalog())
        page_of(domain).write_text(write_blocks(page_of(domain).read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
