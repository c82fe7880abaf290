"""``atdm demo``: the whole way once, with the shipped catalog and application."""

from __future__ import annotations

import click


@click.command(short_help="Show one intent become rows, a test use them, and all of it go again.")
def demo() -> int:
    """Show one intent become rows, a test use them, and all of it go again.

    Starts an embedded Postgres below .atdm in this folder, seeds a scenario, runs a pytest file against a small
    application that uses the same database, resets, and prints the audit trail. On a terminal the audit page stays
    open until Enter is pressed.
    """
    from pytest_atdm.demo import run_demo  # lazy: startup

    return run_demo()
