"""A scenario's promises hold for every combination of the rows that they name."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_atdm.core.expressions import (
    UNDECIDED,
    EvaluationError,
    Evaluator,
    compile_expression,
    holds,
    names,
    parse,
    render,
)
from pytest_atdm.core.model import Finding
from pytest_atdm.core.situation import read_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm.core.expressions import Expr, Parts, Scope, Value
    from pytest_atdm.core.gate.check import Check
    from pytest_atdm.core.model import ExistingRow, PlannedRow, Promise


def find_broken_promises(check: Check) -> Iterator[Finding]:
    """Yield a finding for each promise that is not true of the plan.

    Unlike a CHECK, a promise must be *true*: NULL breaks it. What only the database can tell is left to the database.
    """
    rows: dict[str, list[PlannedRow | ExistingRow]] = {}
    for row in check.rows:
        rows.setdefault(row.entity, []).append(row)
    for index, promise in enumerate(check.plan.promises):
        expr, evaluate = _compile(promise.expression, promise.source)
        named = sorted({parts[0] for parts in names(expr) if len(parts) == 2})
        unknown = [parts for parts in names(expr) if not _is_known(parts, rows, check)]
        if unknown:
            yield _finding(index, promise, f'"{".".join(unknown[0])}" is no entity.column, parameter or as_of')
            continue
        for chosen in itertools.product(*(rows[name] for name in named)):
            yield from _judge(check, index, promise, evaluate, dict(zip(named, chosen, strict=True)), expr)


@lru_cache(maxsize=1024)
def _compile(text: str, source: str) -> tuple[Expr, Evaluator]:
    expr = parse(text, source=source)
    return expr, compile_expression(expr)


def _is_known(parts: Parts, rows: Mapping[str, list[PlannedRow | ExistingRow]], check: Check) -> bool:
    if len(parts) == 1:
        return parts[0] == "as_of" or parts[0] in check.plan.parameters
    return parts[0] in rows and parts[1] in check.table(rows[parts[0]][0]).column_by_name


def _judge(
    check: Check,
    index: int,
    promise: Promise,
    evaluate: Evaluator,
    chosen: Mapping[str, PlannedRow | ExistingRow],
    expr: Expr,
) -> Iterator[Finding]:
    scope = _scope(check, chosen)
    try:
        verdict = evaluate(scope)
    except EvaluationError as exc:
        yield _finding(index, promise, f"{promise.expression}: {exc}")
        return
    if verdict is None or not holds(verdict):
        seen = ", ".join(f"{'.'.join(parts)} = {scope(parts)}" for parts in sorted(names(expr)))
        yield _finding(index, promise, f"the promise {render(expr)} is broken: {seen}")


def _scope(check: Check, chosen: Mapping[str, PlannedRow | ExistingRow]) -> Scope:
    def look_up(parts: Parts) -> Value:
        if parts == ("as_of",):
            return check.situation.as_of
        if len(parts) == 1:
            return read_parameter(check.plan.parameters.get(parts[0], UNDECIDED))
        row = chosen[parts[0]]
        if row.name in check.situation.existing:
            return check.situation.existing_value(row, parts[1])
        return check.situation.value(check.situation.rows[row.name], check.table(row), parts[1])

    return look_up


def _finding(index: int, promise: Promise, message: str) -> Finding:
    return Finding(
        rule="promise",
        path=f"$.promises[{index}]",
        value=promise.expression,
        source=promise.source,
        message=message,
        fix="choose overrides that keep the promise, or a scenario that promises something else",
    )
