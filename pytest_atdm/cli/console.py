"""What a command says: its answer on stdout, remarks on stderr, errors with message, hint and code."""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_atdm.core.errors import AtdmError


@dataclass(frozen=True, slots=True)
class Console:
    """Speaks to a person, or in JSON: then stdout holds exactly one document, the answer or the error."""

    as_json: bool

    def answer(self, payload: object, lines: Iterable[str]) -> None:
        """Write *payload* as JSON, or *lines* for a person."""
        click.echo(_dump(payload) if self.as_json else "\n".join(lines))

    def remark(self, line: str) -> None:
        """Write *line*, which is no part of the answer, to stderr."""
        click.echo(line, err=True)

    def fail(self, error: AtdmError) -> int:
        """Write *error* and return its exit code."""
        if self.as_json:
            click.echo(_dump({"error": describe_error(error)}))
        else:
            click.echo(f"error: {error.message}\nhint:  {error.hint}\ncode:  {error.code}", err=True)
        return error.exit_code


def describe_error(error: AtdmError) -> dict[str, object]:
    """Return *error* as callers read it."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
        "retryable": error.retryable,
        "findings": error.findings,
    }


def wants_json(words: Sequence[str]) -> bool:
    """Return whether the command line *words* asks for JSON, also where the rest of it is wrong."""
    return not {"--json", "--output=json"}.isdisjoint(words) or any(
        pair == ("--output", "json") for pair in itertools.pairwise(words)
    )


def format_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return *rows* below *heads* as lines with aligned columns."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _dump(payload: object) -> str:
    return json.dumps(payload, indent=2, ensure_ascii=False, default=_to_json)


def _to_json(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return str(value)
