"""Every error of the tree is made somewhere, tested somewhere, and documented."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_atdm.core.errors import AtdmError, error_for_code, iter_leaves
from tests.architecture.repository import PACKAGES, ROOT, Source, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAVES = [leaf.__name__ for leaf in iter_leaves()]
TREE = "pytest_atdm/core/errors.py"


def find_made(modules: Iterable[Source]) -> set[str]:
    """Return the names of all classes that *modules* call, whatever is done with the result."""
    calls = (node for module in modules for node in ast.walk(module.parse()) if isinstance(node, ast.Call))
    return {getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls}


def find_tested(modules: Iterable[Source], leaves: Iterable[type[AtdmError]]) -> set[str]:
    """Return the names of those *leaves* that *modules* expect: by class in pytest.raises, or by code in an answer."""
    text = "\n".join(module.text for module in modules)
    expected = r'raises\([^)]*\b{name}\b|["\'\[ ]{code}["\'\]]'
    return {leaf.__name__ for leaf in leaves if re.search(expected.format(name=leaf.__name__, code=leaf.code), text)}


def test_every_error_is_made_somewhere() -> None:
    """An error class that nothing makes is not part of the product."""
    modules = [module for module in read_modules(*PACKAGES) if module.path != TREE]

    assert set() == set(LEAVES) - find_made(modules)


def test_every_error_is_expected_by_a_test() -> None:
    """Each error class, or its code, is what at least one test waits for."""
    modules = [module for module in read_modules("tests") if not module.path.startswith("tests/architecture/")]

    assert set() == set(LEAVES) - find_tested(modules, iter_leaves())


def test_every_error_is_documented() -> None:
    """The reference of errors lists each class with its code."""
    text = (ROOT / "docs/reference/errors.md").read_text()

    assert [] == [leaf.__name__ for leaf in iter_leaves() if f"`{leaf.code}`" not in text]


def test_codes_tell_errors_apart() -> None:
    """No two classes share a code, so a problem document becomes the class that it came from."""
    assert LEAVES == [error_for_code(leaf.code).__name__ for leaf in iter_leaves()]


def test_idle_error_is_noticed() -> None:
    """A class that is named but never made, or never expected by a test, is noticed."""
    code = Source("a.py", "if isinstance(error, Idle): raise Busy('x', hint='y')\n")

    class Idle(Exception):
        code = "idle"

    assert {"Busy", "isinstance"} == find_made([code])
    assert set() == find_tested([Source("test_a.py", "error = Idle\n")], [Idle])  # type: ignore[list-item]
    assert {"Idle"} == find_tested([Source("test_a.py", "pytest.raises(Idle)\n")], [Idle])  # type: ignore[list-item]
    assert {"Idle"} == find_tested([Source("test_a.py", 'assert "idle" == code\n')], [Idle])  # type: ignore[list-item]
