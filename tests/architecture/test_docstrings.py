"""Whatever is public says what it gives; every test says in one sentence which rule it holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.architecture.repository import ROOT, Fault, Source, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

_SENTENCE_END: Final = re.compile(r"[.!?](?=\s+[A-Z]|\s*$)")
_RUFF: Final = str(Path(sys.executable).with_name("ruff"))


def find_tests_without_sentence(module: Source) -> Iterator[Fault]:
    """Yield every test whose docstring is missing, is not one sentence, or has more than one."""
    for node in ast.walk(module.parse()):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            text = ast.get_docstring(node) or ""
            if len(_SENTENCE_END.findall(text)) != 1 or not _SENTENCE_END.search(text[-1:]):
                yield Fault(module.path, node.lineno, f"{node.name}: {text or 'no docstring'}")


def test_every_test_states_its_rule() -> None:
    """Each test has a docstring of one sentence."""
    modules = [module for module in read_modules("tests", "docs") if Path(module.path).name.startswith("test_")]

    assert len(modules) > 15
    assert [] == [str(fault) for module in modules for fault in find_tests_without_sentence(module)]


def test_test_without_sentence_is_noticed() -> None:
    """No docstring, a fragment and a story are noticed; a sentence over two lines is fine."""
    sample = Source(
        "test_sample.py",
        "def test_none():\n    pass\n"
        'def test_fragment():\n    """a fragment"""\n'
        'def test_story():\n    """It does this. Then that."""\n'
        'def test_sentence():\n    """It does e.g. this,\n    and that."""\n',
    )

    assert [1, 3, 5] == [fault.line for fault in find_tests_without_sentence(sample)]


def test_public_things_must_have_docstrings() -> None:
    """``make lint`` refuses a module, class, method or function of the packages that is public and says nothing."""
    sample = "class Shape:\n    def draw(self) -> None:\n        pass\n\n\ndef show() -> None:\n    pass\n"
    command = [
        _RUFF,
        "check",
        "--no-cache",
        "--output-format=concise",
        "--stdin-filename",
        "pytest_atdm/sample.py",
        "-",
    ]

    run = subprocess.run(command, cwd=ROOT, input=sample, capture_output=True, text=True, check=False)

    assert {"D100", "D101", "D102", "D103"} <= set(re.findall(r"\bD10\d\b", run.stdout))
