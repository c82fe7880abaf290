"""The reference of the commands."""

from __future__ import annotations

from tests.cli.reference import REFERENCE, render_reference


def test_the_reference_is_what_the_commands_say() -> None:
    """``docs/reference/cli.md`` is current; ``python -m tests.cli.reference`` makes it so."""
    assert REFERENCE.read_text(encoding="utf-8") == render_reference()
