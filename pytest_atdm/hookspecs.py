"""The hooks that ATDM calls; implement them in a ``conftest.py`` or a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.gate import Validator
    from pytest_atdm.core.schema import Schema
    from pytest_atdm.emit import Emitter


@pytest.hookspec
def pytest_atdm_validators(schema: Schema) -> Sequence[Validator]:  # type: ignore[empty-body]
    """Return further validators for the gate: each is called with a plan and returns its findings.

    Called once per session and domain, with the target's *schema*, in the process that runs the tests. What they find
    is reported with the findings of the built-in validators, and nothing is seeded.
    """


@pytest.hookspec
def pytest_atdm_emitters() -> Sequence[Emitter]:  # type: ignore[empty-body]
    """Return further emitters of fixture files; called once per session, where fixtures are wanted."""
