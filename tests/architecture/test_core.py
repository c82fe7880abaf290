"""The core is a function of its arguments: no clock, no randomness, no input, no output."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.architecture.repository import Fault, Source, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Modules without state of their own. A new one is added here by somebody who has thought about it.
PURE_MODULES: Final = frozenset({
    "__future__", "bisect", "calendar", "collections", "contextlib", "dataclasses", "datetime", "decimal", "difflib",
    "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "inspect", "ipaddress", "itertools", "json",
    "keyword", "math", "msgspec", "operator", "pgparse", "pyarrow", "pydantic", "pytest_atdm", "re", "string", "struct",
    "textwrap", "types", "typing", "typing_extensions", "unicodedata", "uuid", "warnings", "yaml", "zoneinfo",
})  # fmt: skip
IMPURE_CALLS: Final = frozenset({
    "breakpoint", "eval", "exec", "getenv", "input", "localtime", "now", "open", "print", "today", "utcnow", "uuid1",
    "uuid4",
})  # fmt: skip


def find_impurities(module: Source) -> Iterator[Fault]:
    """Yield every import that is not of a pure module, and every call that reads or changes the world."""
    for node in ast.walk(module.parse()):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _imported(node):
                if name.partition(".")[0] not in PURE_MODULES:
                    yield Fault(module.path, node.lineno, f"imports {name}")
        elif isinstance(node, ast.Call) and (name := _called(node)) in IMPURE_CALLS:
            yield Fault(module.path, node.lineno, f"calls {name}()")


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_core_is_pure() -> None:
    """Core imports pure modules only, and calls nothing that reads a clock, a generator, a file or the environment."""
    modules = read_modules("pytest_atdm/core")

    assert len(modules) > 10
    assert [] == [str(fault) for module in modules for fault in find_impurities(module)]


def test_impurity_is_noticed() -> None:
    """Imports of sockets and clocks are noticed, and calls by whatever path they are made."""
    sample = Source(
        "core/sample.py", "import socket\nfrom time import time\ndef f():\n    datetime.date.today()\n    open('x')\n"
    )

    found = [(fault.line, fault.what) for fault in find_impurities(sample)]

    assert [(1, "imports socket"), (2, "imports time"), (4, "calls today()"), (5, "calls open()")] == sorted(found)
