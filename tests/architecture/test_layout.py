"""The shape of the repository: its top level, and the size of what stands in it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from pytest_atdm._types import FIRST_LINE
from tests.architecture.repository import Fault, Source, list_paths, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOP_LEVEL: Final = frozenset({
    "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "catalog", "docker-compose.yml", "docs", "migrations",
    "pdm.lock", "pyproject.toml", "pytest_atdm", "seeder", "tests",
})  # fmt: skip
MAX_FUNCTION_LINES: Final = 60
MAX_MODULE_LINES: Final = 600


def find_strays(paths: Iterable[str]) -> set[str]:
    """Return the names at the top that the design does not have; those that begin with a dot are free."""
    names = {path.partition("/")[0] for path in paths}
    return {name for name in names if not name.startswith(".")} - TOP_LEVEL


def find_oversize(module: Source) -> Iterator[Fault]:
    """Yield the module if it is too long, and each function that is, its docstring aside."""
    count = len(module.text.splitlines())
    if count > MAX_MODULE_LINES:
        yield Fault(module.path, 1, f"module of {count} lines")
    for node in ast.walk(module.parse()):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = _count_lines(node)
            if lines > MAX_FUNCTION_LINES:
                yield Fault(module.path, node.lineno, f"{node.name} has {lines} lines")


def _count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    docstring = _span(first) if ast.get_docstring(function) is not None else 0
    return _span(function) - docstring


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_top_level_is_what_the_design_says() -> None:
    """Nothing stands at the top of the repository beside the folders and files of the design."""
    assert set() == find_strays(list_paths())
    assert set() == TOP_LEVEL - {path.partition("/")[0] for path in list_paths()}


def test_stray_is_noticed() -> None:
    """A new folder or file at the top is noticed; one whose name begins with a dot is free."""
    assert {"scripts", "setup.cfg"} == find_strays(["scripts/build.sh", "setup.cfg", ".github/x.yml", "docs/index.md"])


def test_functions_and_modules_are_small() -> None:
    """No function has more than 60 lines, docstring aside, and no module that people write more than 600."""
    written = [module for module in read_modules() if not module.text.startswith(FIRST_LINE)]

    assert [] == [str(fault) for module in written for fault in find_oversize(module)]


def test_oversize_is_noticed() -> None:
    """One line too many is noticed, in a function whose docstring does not count, and in a module."""
    fits = 'def fits():\n    """Twice\n    the limit."""\n' + "    pass\n" * (MAX_FUNCTION_LINES - 1)
    exceeds = "def exceeds():\n" + "    pass\n" * MAX_FUNCTION_LINES
    filler = "pass\n" * MAX_MODULE_LINES

    assert [] == list(find_oversize(Source("a.py", fits)))
    assert ["exceeds has 61 lines"] == [fault.what for fault in find_oversize(Source("a.py", exceeds))]
    assert ["module of 601 lines"] == [fault.what for fault in find_oversize(Source("a.py", filler + "pass\n"))]
