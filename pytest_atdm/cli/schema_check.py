"""``atdm schema check``: which tables of a database rows can be planted in, and why not in the others."""

from __future__ import annotations

import dataclasses
import datetime
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.console import format_table
from pytest_atdm.cli.options import read_console, setting_options
from pytest_atdm.core.errors import AtdmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm._client import SeederClient
    from pytest_atdm.core.model import Plan, Residue, TargetState
    from pytest_atdm.core.probe import Probe, Verdict
    from pytest_atdm.core.schema import Schema

#: So many characters of a reason are shown to a person; JSON has it whole.
REASON_SHOWN: Final = 150
OUTCOMES: Final = ("planted", "reused", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Committed:
    """What a committed seed and its reset left behind: tables, relations more or less, steps of sequences."""

    residue: tuple[Residue, ...]
    relations: int
    sequences: Mapping[str, int]


@click.command()
@click.option("--table", "chosen", metavar="NAME", multiple=True, help="Only this table; may be repeated.")
@click.option("--commit", is_flag=True, help="Also seed each planted row for good, reset it, and compare.")
@setting_options("database_url", "url")
def check(chosen: tuple[str, ...], commit: bool) -> None:  # noqa: FBT001  click passes it
    """Plan, write and remove one row of every table, in transactions that are rolled back.

    A table is planted; or reused, where no row can be made but some stand there to refer to; or refused, with the
    constraint, trigger or right that refuses; or failed, where the reason is not known. Leaf partitions are checked
    like tables. Sequences move, as they do whenever a transaction is rolled back.
    """
    from pytest_atdm.cli.desk import open_client  # lazy: startup

    with open_client() as client:
        schema = client.schema()
        checker = Checker(client, schema, commits=commit)
        tables = _choose_tables(schema, chosen)
        try:
            with click.progressbar(tables, label="tables", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
                checked = [checker.check(table) for table in bar]
        finally:
            checker.close()
    described = [_describe(verdict, committed) for verdict, committed in checked]
    counts = Counter(str(verdict.outcome) for verdict, _ in checked)
    summary = {outcome: counts[outcome] for outcome in OUTCOMES}
    payload = {"fingerprint": schema.fingerprint, "summary": summary, "tables": described}
    read_console().answer(payload, _write(described, summary))


def list_tables(schema: Schema) -> list[str]:
    """Return the ids of all tables and leaf partitions, parents before those that refer to them, as far as can be."""
    from pytest_atdm.core.inference import order_parents_first  # lazy: startup

    parts = [part.id for table in schema.tables.values() for part in table.partitions or ()]
    return [*order_parents_first(schema, schema.tables), *parts]


def _choose_tables(schema: Schema, chosen: Sequence[str]) -> list[str]:
    tables = list_tables(schema)
    return [name if name in tables else schema.table(name, where="--table").id for name in chosen] or tables


class Checker:
    """Checks tables of one database, one after another. Whatever goes wrong in that is the verdict ``failed``."""

    def __init__(self, client: SeederClient, schema: Schema, *, commits: bool = False) -> None:
        from pytest_atdm.core.catalog import Domain  # lazy: startup
        from pytest_atdm.core.probe import Probe
        from pytest_atdm.core.rulebook import Rulebook
        from pytest_atdm.core.ulid import make_ulid

        self._client = client
        self._commits = commits
        self._run_id = make_ulid(time.time_ns() // 1_000_000, os.urandom(10))
        self._today = datetime.datetime.now(datetime.UTC).date()
        self._probe: Probe = Probe(Rulebook(schema, Domain(name="")), run_id=self._run_id, as_of=self._today)
        self._has_run = False

    def check(self, table: str) -> tuple[Verdict, Committed | None]:
        """Return what comes of *table*, and what a commit left behind where one was wanted."""
        from pytest_atdm._probing import drive  # lazy: startup
        from pytest_atdm.core.probe import Verdict

        try:
            verdict = drive(self._client, self._probe.ask(table))
        except AtdmError as error:
            return Verdict(table=table, outcome="failed", reason=f"{error.message} [{error.code}]"), None
        except Exception as error:  # noqa: BLE001  one table that trips the planner must not hide the others
            return Verdict(table=table, outcome="failed", reason=f"{type(error).__name__}: {error}"), None
        if not self._commits or verdict.plan is None or verdict.trial is None:
            return verdict, None
        try:
            tables = {*verdict.trial.made, *(row.table for row in verdict.plan.rows)}
            return verdict, self._commit(table, verdict.plan, tables)
        except AtdmError as error:
            reason = f"when committed: {error.message} [{error.code}]"
            return dataclasses.replace(verdict, outcome="failed", reason=reason), None

    def _commit(self, table: str, plan: Plan, tables: set[str]) -> Committed:
        if not self._has_run:
            as_of = self._today.isoformat()
            self._client.start_run(
                run_id=self._run_id, session_id=self._run_id, actor="atdm schema check", seed=0, as_of=as_of
            )
            self._has_run = True
        before = self._client.state(sorted(tables))
        receipt = self._client.seed(plan, idempotency_key=table)
        self._client.reset(receipt.request_id, receipt.cleanup_token)
        return _compare(before, self._client.state(sorted(tables)))

    def close(self) -> None:
        """End the run, where one was started."""
        if self._has_run:
            self._client.reset_run(self._run_id)


def _compare(before: TargetState, after: TargetState) -> Committed:
    from pytest_atdm.core.model import compare_sums  # lazy: startup

    steps = {name: value - before.sequences.get(name, 0) for name, value in after.sequences.items()}
    return Committed(
        residue=compare_sums(before.tables, after.tables),
        relations=after.relations - before.relations,
        sequences={name: step for name, step in steps.items() if step},
    )


def _describe(verdict: Verdict, committed: Committed | None) -> dict[str, object]:
    described: dict[str, object] = {
        "table": verdict.table,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "trials": verdict.trials,
    }
    if verdict.plan is not None and verdict.trial is not None:
        described["rows"] = dict(Counter(row.table for row in verdict.plan.rows))
        described["reused"] = {row.name: row.table for row in verdict.plan.existing}
        described["made_by_triggers"] = dict(verdict.trial.made)
        described["residue"] = _describe_residue(verdict.trial.residue)
    if committed is not None:
        described["committed"] = {
            "residue": _describe_residue(committed.residue),
            "relations": committed.relations,
            "sequences": dict(committed.sequences),
        }
    return described


def _describe_residue(residue: Sequence[Residue]) -> list[dict[str, object]]:
    return [{"table": one.table, "rows": one.rows} for one in residue]


def _write(described: Sequence[dict[str, object]], summary: Mapping[str, int]) -> Iterable[str]:
    rows = [(one["table"], one["outcome"], _shorten(str(one["reason"]))) for one in described]
    yield from format_table(("table", "outcome", "reason"), rows)
    yield ""
    yield ", ".join(f"{count} {outcome}" for outcome, count in summary.items())
    yield from _write_left_behind(described)


def _write_left_behind(described: Sequence[dict[str, object]]) -> Iterator[str]:
    """Say of each table what a commit and its reset left behind, but for the sequences, which always move."""
    for one in described:
        committed = one.get("committed")
        if isinstance(committed, dict) and (committed["residue"] or committed["relations"]):
            yield f"{one['table']}: left behind by a reset: {committed['residue']}, {committed['relations']} relations"


def _shorten(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= REASON_SHOWN else f"{line[: REASON_SHOWN - 3]}..."
