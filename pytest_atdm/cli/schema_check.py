"""``atdm schema check``: which tables of a database rows can be planted in, and why not in the others."""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.probe import Probe, Verdict
    from pytest_atdm.core.schema import Schema

OUTCOMES: Final = ("planted", "reused", "refused", "failed")


@click.command()
@click.option("--table", "chosen", metavar="NAME", multiple=True, help="Only this table; may be repeated.")
@setting_options("database_url", "url", "catalog", "as_of")
def check(chosen: tuple[str, ...]) -> None:
    """Plan, write and remove one row of every table, in transactions that are rolled back.

    A table is planted; or reused, where no row can be made but some stand there to refer to; or refused, with the
    constraint, trigger or right that refuses; or failed, where the reason is not known.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        schema = client.schema()
        tables = _choose_tables(schema, chosen)
        verdicts = [_describe(verdict) for verdict in _check_tables(client, schema, tables)]
    summary = {outcome: Counter(str(one["outcome"]) for one in verdicts)[outcome] for outcome in OUTCOMES}
    payload = {"fingerprint": schema.fingerprint, "summary": summary, "tables": verdicts}
    read_console().answer(payload, _write(verdicts, summary))


def list_tables(schema: Schema) -> list[str]:
    """Return the ids of all tables and leaf partitions, parents before those that refer to them, as far as can be."""
    ordered: dict[str, None] = {}
    for name in schema.tables:
        _visit(schema, name, ordered)
    parts = [part.id for table in schema.tables.values() for part in table.partitions or ()]
    return [*ordered, *parts]


def _visit(schema: Schema, name: str, ordered: dict[str, None]) -> None:
    stack, entered = [(name, False)], set()
    while stack:
        current, done = stack.pop()
        if done:
            ordered.setdefault(current)
        elif current not in entered and current not in ordered:
            entered.add(current)
            stack.append((current, True))
            stack += [(key.parent, False) for key in schema.tables[current].foreign_keys]


def _choose_tables(schema: Schema, chosen: Sequence[str]) -> list[str]:
    tables = list_tables(schema)
    if not chosen:
        return tables
    found = []
    for name in chosen:
        full = name if name in tables else schema.table(name, where="--table").id
        found.append(full)
    return found


def _check_tables(client: SeederClient, schema: Schema, tables: Sequence[str]) -> Iterator[Verdict]:
    from pytest_atdm.core.catalog import Domain  # lazy: startup
    from pytest_atdm.core.probe import Probe
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.ulid import make_ulid

    run_id = make_ulid(time.time_ns() // 1_000_000, os.urandom(10))
    today = datetime.datetime.now(datetime.UTC).date()
    probe = Probe(Rulebook(schema, Domain(name="")), run_id=run_id, as_of=today)
    with click.progressbar(tables, label="tables", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for table in bar:
            yield check_table(client, probe, table)


def check_table(client: SeederClient, probe: Probe, table: str) -> Verdict:
    """Return what comes of *table*; whatever goes wrong in asking is the verdict ``failed``, with the cause."""
    from pytest_atdm._probing import drive  # lazy: startup
    from pytest_atdm.core.probe import Verdict

    try:
        return drive(client, probe.ask(table))
    except AtdmError as error:
        return Verdict(table=table, outcome="failed", reason=f"{error.message} [{error.code}]")
    except Exception as error:  # noqa: BLE001  one table that trips the planner must not hide the others
        return Verdict(table=table, outcome="failed", reason=f"{type(error).__name__}: {error}")


def _describe(verdict: Verdict) -> dict[str, object]:
    described: dict[str, object] = {"table": verdict.table, "outcome": verdict.outcome, "reason": verdict.reason}
    if verdict.plan is not None and verdict.trial is not None:
        described["rows"] = dict(Counter(row.table for row in verdict.plan.rows))
        described["reused"] = {row.name: row.table for row in verdict.plan.existing}
        described["made_by_triggers"] = dict(verdict.trial.made)
        described["residue"] = [
            {"table": one.table, "rows": one.rows, "changed": one.changed} for one in verdict.trial.residue
        ]
    return described


def _write(verdicts: Sequence[dict[str, object]], summary: dict[str, int]) -> Iterable[str]:
    rows = [(one["table"], one["outcome"], one["reason"]) for one in verdicts]
    yield from format_table(("table", "outcome", "reason"), rows)
    yield ""
    yield ", ".join(f"{count} {outcome}" for outcome, count in summary.items())
