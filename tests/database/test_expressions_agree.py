"""The evaluator says what Postgres says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import HealthCheck, event, example, given, settings

from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, Expr, compile_expression, parse, render
from pytest_atdm.core.expressions.casting import to_text
from pytest_atdm.core.expressions.tree import iter_children
from tests.core.expressions import expressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Ask = "Callable[[str], str | None]"


class PostgresRaised(Exception):
    """Postgres refused to compute."""


@pytest.fixture(scope="module")
def ask(postgres_url: str) -> Iterator[Callable[[str], str | None]]:
    """Ask Postgres for the text of an expression's value."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres_url, server_settings={"timezone": "UTC"}))

        def ask_postgres(text: str) -> str | None:
            try:
                answer: str | None = runner.run(connection.fetchval(f"SELECT ({text})::text"))
            except asyncpg.exceptions.DataError as problem:
                raise PostgresRaised from problem
            return answer

        yield ask_postgres
        runner.run(connection.close())


def evaluate_here(expr: Expr) -> object:
    """Return the text of the value of *expr*, None, UNDECIDED, or the word for an error."""
    try:
        value = compile_expression(expr)(lambda _parts: UNDECIDED)
    except EvaluationError:
        return PostgresRaised
    return value if value is None or value is UNDECIDED else to_text(value)


def evaluate_there(ask: Callable[[str], str | None], text: str) -> object:
    """Return the same of Postgres."""
    try:
        return ask(text)
    except PostgresRaised:
        return PostgresRaised


def has_raising_part(expr: Expr) -> bool:
    """Whether a part raises by itself: Postgres may compute a constant one ahead, in a branch that is never taken.

    Source: PostgreSQL documentation, 4.2.14 Expression Evaluation Rules.
    """
    return evaluate_here(expr) is PostgresRaised or any(has_raising_part(part) for part in iter_children(expr))


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(expr=expressions())
@example(expr=parse("CASE WHEN strpos('2000-01-01'::date::text, '') = 0 THEN 0 / 0 ELSE 0 END"))
def test_a_value_here_is_the_value_there(ask: Callable[[str], str | None], expr: Expr) -> None:
    """What is decided here, Postgres decides alike: value, NULL or error, after a trip through text and grammar."""
    text = render(expr)

    found = evaluate_here(parse(text))

    event(f"decided: {found is not UNDECIDED}")
    if found is UNDECIDED:
        return
    there = evaluate_there(ask, text)
    if there is PostgresRaised and found is not PostgresRaised:
        assert has_raising_part(parse(text)), text
    else:
        assert there == found, text
