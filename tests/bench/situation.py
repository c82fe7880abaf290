"""What every strategy of the benchmark seeds: the rows of one scenario, freshly numbered each time."""

from __future__ import annotations

import datetime
import itertools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_atdm._catalog import read_files
from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.types import to_python
from pytest_atdm.core.ulid import make_ulid
from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.catalog import Catalog, Scenario
    from pytest_atdm.core.model import Cell, Plan, PlannedRow
    from pytest_atdm.core.schema import Schema, Table

#: Sixteen rows over seven tables, as in the measurements on which the design stands.
SCENARIO = """\
title: Seven tables, sixteen rows
entities:
  plan: {table: plans}
  member: {table: members, count: 3}
  provider: {table: providers, count: 2}
  eligibility:
    {table: eligibility, count: 2, member: $member, plan: $plan, status: active, effective_from: = as_of - 100}
  procedure: {table: procedure_codes, count: 2}
  diagnosis: {table: diagnosis_codes, count: 2}
  claim:
    table: claims
    count: 4
    member: $member
    provider: $provider
    eligibility: $eligibility
    procedure_code: $procedure
    diagnosis_code: $diagnosis
    service_date: = as_of - 5
    received_on: = as_of - 4
    decided_on: = as_of - 3
    status: denied
    denial_reason: no_coverage
promises:
  - claim.status = 'denied'
"""
AS_OF = datetime.date(2026, 3, 1)
KEEP_S = 86_400  # nobody renews the leases of these runs


def new_ulid() -> str:
    """Return a fresh ULID."""
    return make_ulid(time.time_ns() // 1_000_000, os.urandom(10))


@dataclass(frozen=True)
class Bench:
    """A seeder, and the rulebook and gate of the scenario's domain."""

    client: SeederClient
    rulebook: Rulebook
    gate: Gate

    @property
    def schema(self) -> Schema:
        """The target's schema."""
        return self.rulebook.schema

    def plan(self, number: int, *, run_id: str) -> Plan:
        """Return the plan of the scenario for the request *number* of a run."""
        return plan(
            open_scenario(),
            self.rulebook,
            overrides={},
            run_id=run_id,
            request_key=f"r{number}",
            seed=0,
            as_of=AS_OF,
        )

    def iter_plans(self) -> Iterator[Plan]:
        """Yield plans without end, each of its own request, in a run of their own."""
        run_id = start_run(self.client)
        return (self.plan(number, run_id=run_id) for number in itertools.count())


def open_bench_catalog() -> Catalog:
    """Return the shipped catalog with the scenario that is measured."""
    files = read_files(folder("catalog"))
    return load_catalog({**files, "healthcare/scenarios/bench.yaml": SCENARIO})


_CATALOG = open_bench_catalog()


def open_scenario() -> Scenario:
    """Return the scenario that is measured."""
    return _CATALOG.scenario("bench")


def start_bench(client: SeederClient) -> Bench:
    """Return a bench on the seeder behind *client*; the reference rows are there."""
    domain = _CATALOG.domain(open_scenario().domain)
    rulebook = Rulebook(client.schema(), domain)
    client.seed_reference(domain.name)
    return Bench(client, rulebook, Gate(rulebook))


def start_run(client: SeederClient) -> str:
    """Start a run and return its id."""
    run_id = new_ulid()
    client.start_run(run_id=run_id, session_id=run_id, actor="bench", seed=0, as_of=AS_OF.isoformat(), keep_s=KEEP_S)
    return run_id


@dataclass(frozen=True)
class Rows:
    """The rows of one table: as values that drivers take, and as cells; *keys* are the plan's, *names* likewise."""

    table: Table
    rows: tuple[dict[str, object], ...]
    cells: tuple[dict[str, Cell], ...]
    keys: tuple[Mapping[str, str], ...]
    names: tuple[str, ...]


class KeyMaker:
    """Allots keys far above every sequence, so that strategies without a ledger know them beforehand."""

    def __init__(self) -> None:
        self._next = itertools.count(1_000_000_000)

    def rows(self, made: Plan, schema: Schema) -> list[Rows]:
        """Return the plan's rows by table, parents first, with every key a number."""
        allotted: dict[str, int] = {}
        grouped: dict[str, list[PlannedRow]] = {}
        for row in made.rows:
            grouped.setdefault(row.table, []).append(row)
            for pointer in row.keys.values():
                allotted.setdefault(pointer, next(self._next))
        return [_rows(schema.tables[table], rows, allotted, schema) for table, rows in grouped.items()]


def _rows(table: Table, planned: list[PlannedRow], allotted: Mapping[str, int], schema: Schema) -> Rows:
    cells = [{**row.values, **{name: allotted[pointer] for name, pointer in row.keys.items()}} for row in planned]
    typed = [{name: to_python(table.column(name).type, cell, schema) for name, cell in row.items()} for row in cells]
    keys = tuple(row.keys for row in planned)
    return Rows(table, tuple(typed), tuple(cells), keys, tuple(row.name for row in planned))
