"""SQL stands in seeder.db and nowhere else."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.architecture.repository import Fault, Source, read_modules, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME: Final = "seeder/db/"
#: Statements as people write them: verbs in capitals anywhere, or in small letters at the start of a text.
STATEMENT: Final = re.compile(
    r"\b(?:SELECT\s|INSERT\s+INTO\b|DELETE\s+FROM\b|TRUNCATE\b|MERGE\s+INTO\b|UPDATE\s[^.]*\sSET\b|COPY\s[^.]*\s(?:FROM|TO)\b"
    r"|(?:CREATE|ALTER|DROP)\s+(?:TABLE|SCHEMA|DATABASE|INDEX|VIEW|FUNCTION|TRIGGER|ROLE|SEQUENCE|TYPE|DOMAIN)\b)"
    r"|^\s*(?:select\s|insert\s+into\b|delete\s+from\b|truncate\b|update\s[^.]*\sset\b|copy\s[^.]*\s(?:from|to)\b"
    r"|(?:create|alter|drop)\s+(?:table|schema|database|index|view|function|trigger|role|sequence|type|domain)\b)"
)
PERMITTED: Final = (
    re.compile(r"^SELECT \($"),  # what the parser of expressions wraps one in, to be read as Postgres reads it
    re.compile(r"ALTER DATABASE .* SET atdm\.test_database"),  # what a message tells a person to type
)


def find_statements(module: Source) -> Iterator[Fault]:
    """Yield every text that reads as an SQL statement, docstrings aside."""
    tree = module.parse()
    docstrings = set(_iter_docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            found = STATEMENT.search(node.value)
            if found and not any(pattern.search(node.value) for pattern in PERMITTED):
                yield Fault(module.path, node.lineno, found.group())


def _iter_docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr):
                yield first.value


def test_sql_stands_in_seeder_db_only() -> None:
    """No text in pytest_atdm and in the rest of the seeder is an SQL statement."""
    modules = [module for module in read_modules("pytest_atdm", "seeder") if not module.path.startswith(HOME)]

    assert len(modules) > 30
    assert [] == [str(fault) for module in modules for fault in find_statements(module)]


def test_sql_files_stand_in_seeder_db_and_migrations_only() -> None:
    """Named statements are in seeder/db/sql, and what defines tables is in migrations."""
    elsewhere = [
        source.path
        for source in read_sources("pytest_atdm", "seeder", suffix=".sql")
        if not source.path.startswith(HOME)
    ]

    assert read_sources("seeder/db/sql", suffix=".sql")
    assert [] == elsewhere


@pytest.mark.parametrize(
    "line",
    [
        '"SELECT 1"',
        'f"DELETE FROM {table}"',
        '"with x as (INSERT INTO t VALUES (1)) SELECT 2"',
        '"update orders set status = 1"',
        '"""\n  select id from orders\n"""',
        '"ALTER TABLE t ADD c int"',
    ],
)
def test_statement_is_noticed(line: str) -> None:
    """A statement is noticed in plain, formatted and tripled quotes."""
    assert 1 == len(list(find_statements(Source("sample.py", f'"""Docstring."""\n\nquery = {line}\n'))))


@pytest.mark.parametrize(
    "text", ["Update the row, or set another", "the selected rows", "drop it", "made table by table"]
)
def test_prose_is_no_statement(text: str) -> None:
    """Sentences that use the same words are not taken for statements, and docstrings may name them."""
    prose = Source("sample.py", f'"""SELECT in a docstring is fine."""\n\nTEXT = {text!r}\n')

    assert [] == list(find_statements(prose))
