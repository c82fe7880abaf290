"""``atdm schema``: the shape of the target database. One module per command."""

from __future__ import annotations

import click

from pytest_atdm.cli.schema_check import check
from pytest_atdm.cli.schema_diff import diff
from pytest_atdm.cli.schema_show import show


@click.group()
def schema() -> None:
    """Look at the target's schema, what changed in it, and what can be planted in it."""


for _command in (show, diff, check):
    schema.add_command(_command)
