"""The gates that plans have to pass: one for each schema that the target has, and each domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Domain
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.tables import MAX_STANDING_ROWS, list_reference_tables

if TYPE_CHECKING:
    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.schema import Schema
    from seeder.db.database import Database

_MAX_GATES: Final = 32  # a target whose schema keeps changing must not fill the memory


class Gates:
    """The gates over one database and one catalog; each is built once, for to build it takes longer than to pass it."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._gates: dict[tuple[str, str], Gate] = {}

    def of(self, schema: Schema, domain: str) -> Gate:
        """Return the gate of *schema* and *domain*; "" is a domain without rules of its own."""
        key = (schema.fingerprint, domain)
        if key not in self._gates:
            if len(self._gates) >= _MAX_GATES:
                self._gates.clear()
            rules = self._catalog.domain(domain) if domain else Domain(name="")
            self._gates[key] = Gate(Rulebook(schema, rules))
        return self._gates[key]

    async def for_planning(self, domain: str) -> Gate:
        """Return the gate to plan with; its rulebook knows what stands in the domain's reference tables now."""
        schema, rules = await self._database.schema(), self._catalog.domain(domain)
        gate = self.of(schema, domain)
        tables = list_reference_tables(schema, rules)
        standing = await self._database.list_rows(tables, MAX_STANDING_ROWS) if tables else {}
        if gate.rulebook.standing != standing:
            gate = self._gates[schema.fingerprint, domain] = Gate(Rulebook(schema, rules, standing))
        return gate
