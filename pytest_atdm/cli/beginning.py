"""What a catalog may begin with, found out from a database: rules and scenarios that were tried there."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from pytest_atdm._probing import drive
from pytest_atdm.cli.schema_check import Checker
from pytest_atdm.core.errors import AtdmError, SchemaMismatch, SeederError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from pytest_atdm._client import SeederClient
    from pytest_atdm._options import Settings
    from pytest_atdm.core.inference import Guess, Inference, LeftOut, Starter
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.schema import Schema

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What was inferred, and the *files* that say it: text by path below the project's folder.

    *starters* and *refused* (the reasons where there is no starter) go by table id; *lists* counts the rows of the
    tables that look like reference data. *keeps_rules*: a ``domain.yaml`` stood there, so none were inferred.
    """

    keeps_rules: bool
    guesses: Sequence[Guess]
    left_out: Sequence[LeftOut]
    starters: Mapping[str, Starter]
    refused: Mapping[str, str]
    lists: Mapping[str, int]
    files: Mapping[str, str]


def infer_beginning(
    client: SeederClient, settings: Settings, domain: str, standing: Mapping[str, str], chosen: Sequence[str]
) -> Beginning:
    """Return a beginning for *domain*: a starter for each of the tables *chosen*, or for those that suggest themselves.

    *standing* are the catalog's files by path.

    Raises:
        SchemaMismatch: a chosen table does not exist, or no row can be planted at all.
    """
    from pytest_atdm.core.inference import Inference, choose_tables, find_lists, order_parents_first  # lazy: startup
    from pytest_atdm.core.ulid import make_ulid

    schema = client.schema()
    lists = find_lists(schema, _count_rows(client, schema))
    tables = [schema.table(name, where="--table").id for name in chosen] or choose_tables(schema, lists)
    run_id = make_ulid(time.time_ns() // 1_000_000, os.urandom(10))
    inference = Inference(schema, standing, domain=domain, run_id=run_id, seed=settings.seed, as_of=settings.as_of)
    looked_at = order_parents_first(schema, tables if chosen else schema.tables)
    _infer_rules(client, inference, looked_at)
    starters, refused = _make_starters(client, schema, inference, dict.fromkeys(tables))
    if not starters:
        raise _nothing_can_be_planted(refused)
    files = inference.write_files(starters.values(), lists=lists, refused=refused, looked_at=looked_at)
    return Beginning(
        keeps_rules=inference.has_domain,
        guesses=inference.guesses,
        left_out=inference.left_out,
        starters=starters,
        refused=refused,
        lists=lists,
        files=files,
    )


def _count_rows(client: SeederClient, schema: Schema) -> dict[str, int]:
    """Return how many rows stand in the tables that may be lists; those of long tables are not counted to the end."""
    from pytest_atdm.core.inference import MAX_LISTED, list_candidates  # lazy: startup

    rows = client.list_rows(list_candidates(schema), limit=MAX_LISTED + 1)
    return {table: len(found) for table, found in rows.items()}


def _infer_rules(client: SeederClient, inference: Inference, tables: Sequence[str]) -> None:
    """Have the rules of *tables* inferred; where that fails, note it as left out."""
    from pytest_atdm.core.inference import LeftOut  # lazy: startup

    with click.progressbar(tables, label="tables", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for table in bar:
            reason = _drive(client, inference.ask_rules(table))
            if reason is not None:
                inference.left_out.append(LeftOut(table=table, what="all rules", reason=reason))


def _make_starters(
    client: SeederClient, schema: Schema, inference: Inference, tables: Iterable[str]
) -> tuple[dict[str, Starter], dict[str, str]]:
    """Return the starters of *tables*, and the reasons where there is none."""
    starters: dict[str, Starter] = {}
    refused: dict[str, str] = {}
    checker = Checker(client, schema)
    for table in tables:
        outcome = _drive(client, inference.ask_starter(table))
        if isinstance(outcome, str):
            verdict, _ = checker.check(table)  # looks further, and so explains better
            refused[table] = outcome if verdict.outcome == "planted" else verdict.reason or outcome
        else:
            starters[table] = outcome
    return starters, refused


def _drive(client: SeederClient, asking: Generator[Question, Answer, Result]) -> Result | str:
    """Return what *asking* comes to, or what went wrong: one table must not keep the others from their catalog.

    Raises:
        SeederError: there is nobody to ask.
    """
    try:
        return drive(client, asking)
    except SeederError:
        raise
    except AtdmError as error:
        return error.message
    except Exception as error:  # noqa: BLE001  one table that trips the planner must not hide the others
        return f"{type(error).__name__}: {error}"


def _nothing_can_be_planted(refused: Mapping[str, str]) -> SchemaMismatch:
    reasons = "; ".join(f"{table}: {reason}" for table, reason in refused.items())
    return SchemaMismatch(
        f"no row can be planted, so nothing was written: {reasons or 'the database has no tables'}",
        hint="run your migrations first, name other tables with --table, or see what atdm schema check says",
    )
