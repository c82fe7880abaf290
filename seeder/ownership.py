"""What the owner of a database does once, so that others can seed there: the command ``atdm-seeder migrate``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seeder.records import Preparation
    from seeder.settings import Settings


def migrate(settings: Settings) -> None:
    """Make ATDM's schema and roles in the settings' database, grant the roles their rights, and print what was done.

    Raises:
        AtdmError: nothing was done, or not all; what was done is done again without harm.
    """
    from seeder.db.owner import bring_up  # lazy: the driver

    for line in describe(asyncio.run(bring_up(settings))):
        print(line)


def describe(done: Preparation) -> Iterator[str]:
    """Yield what was done, in lines."""
    yield f"migrations applied: {', '.join(done.applied) or 'none, they were all there'}"
    yield f"rights granted: {len(done.granted) or 'none, they were all there'}"
    yield from (f"  {statement};" for statement in done.granted)
    if done.lacking:
        yield "roles that are not there, and that this role may not make; once they are, run this again:"
        yield from (f"  {statement};" for statement in done.lacking)
    else:
        yield "to seed here as a role with no more rights than that: GRANT atdm_seeder TO the role that connects"
