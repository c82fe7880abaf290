"""The mark: its signature, and what it says on a test."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.core.errors import MarkError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "atdm_scenario"


def atdm_scenario(name: str, /, **overrides: object) -> pytest.MarkDecorator:
    """Have the rows of the scenario *name* stand in the database while the test runs.

    Overrides are parameters of the scenario (``days=3``), columns of its entities (``order__status="open"``), or a
    mapping of columns (``order={"status": "open"}``). The test takes the fixture ``atdm_data`` to see the rows.

    Raises:
        MarkError: *name* is not a text, as in ``@atdm_scenario`` without parentheses.
    """
    _check_name(name)
    return pytest.mark.atdm_scenario.with_args(name, **overrides)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test asks for: a scenario and its overrides."""

    scenario: str
    overrides: Mapping[str, object]

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for wishes that ask for the same."""
        return self.scenario, repr(sorted(self.overrides.items(), key=lambda item: item[0]))

    def __str__(self) -> str:
        return f"{self.scenario}({', '.join(f'{name}={value!r}' for name, value in self.overrides.items())})"


def is_marked(item: pytest.Item) -> bool:
    """Whether the mark stands on *item*, its class or its module."""
    return item.get_closest_marker(NAME) is not None


def read_wish(item: pytest.Item) -> Wish:
    """Return what the mark on *item* asks for.

    Raises:
        MarkError: wrong arguments, two marks on one test, or a mark on a ``unittest.TestCase``.
    """
    marks = list(item.iter_markers(NAME))
    if len(marks) > 1:
        names = ", ".join(str(mark.args[0]) if mark.args else "?" for mark in reversed(marks))
        raise MarkError(
            f"{len(marks)} marks atdm_scenario on one test ({names}), its class and module included",
            hint='keep one; ask for the other within the test: atdm_data.request("name")',
        )
    if _is_unittest(item):
        raise MarkError(
            "the mark atdm_scenario stands on a unittest.TestCase, which takes no fixtures",
            hint="make it a plain class or function of pytest",
        )
    return _apply_signature(marks[0])


def _apply_signature(mark: pytest.Mark) -> Wish:
    if len(mark.args) != 1:
        raise MarkError(
            f"atdm_scenario takes one scenario name without a keyword, not {len(mark.args)} of them",
            hint='write @atdm_scenario("name", column=value); further things are asked for by keyword',
        )
    _check_name(mark.args[0])
    return Wish(mark.args[0], mark.kwargs)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        what = f"the function {name.__name__}" if callable(name) and hasattr(name, "__name__") else repr(name)
        raise MarkError(
            f"atdm_scenario takes the name of a scenario, not {what}", hint='write @atdm_scenario("name") with its name'
        )


def _is_unittest(item: pytest.Item) -> bool:
    unittest = sys.modules.get("unittest")
    owner = getattr(item, "cls", None)
    return unittest is not None and owner is not None and issubclass(owner, unittest.TestCase)
