"""References below seeded tables that no index serves: each row that goes has the table that refers read as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.model import MissingIndex
from seeder.db.border import translated
from seeder.db.cells import dump_json
from seeder.db.queries import QUERIES

if TYPE_CHECKING:
    from seeder.db.closure import Closure
    from seeder.db.pool import Pool

#: To read fewer rows costs nothing.
MIN_ROWS: Final = 10_000


async def find_missing_indexes(pool: Pool, closure: Closure) -> tuple[MissingIndex, ...]:
    """Return the references within *closure*, foreign and virtual keys, that an index would help, the largest first."""
    edges = {(edge.child.id, edge.key.columns): edge for edge in closure.edges}
    if not edges:
        return ()
    asked = [[edge.child.id, edge.key.columns, edge.parent.id] for edge in edges.values()]
    with translated("looking for missing indexes"):
        rows = await pool.fetch(QUERIES["missing_indexes"], dump_json(asked), MIN_ROWS)
    return tuple(MissingIndex(**{**row, "columns": tuple(row["columns"])}) for row in rows)
