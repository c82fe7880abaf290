"""Where sequences stand, put back within the transaction.

``setval`` alone is not undone by a rollback. ``ALTER SEQUENCE ... RESTART`` gives the sequence a new file that is only
this transaction's until it commits; what ``setval`` writes into that goes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SchemaMismatch
from seeder.db.queries import QUERIES, quote_text
from seeder.db.restore.check import check_ownership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from seeder.db.restore.wanted import Position

#: Sequences of which one statement reads.
_TOGETHER: Final = 500


async def name_sequences(connection: asyncpg.Connection, positions: Sequence[Position], role: str) -> dict[str, str]:
    """Return the name of each sequence as SQL takes it.

    Raises:
        SchemaMismatch: there is no such sequence.
        SettingError: it is not *role*'s.
    """
    rows = await connection.fetch(QUERIES["restore_positions"], [one.sequence for one in positions])
    names = {row["sequence"]: row["name"] for row in rows}
    for one in positions:
        if one.sequence not in names:
            raise SchemaMismatch(
                f'there is no sequence "{one.sequence}", which the baseline has',
                hint="bring the tables to where they were, or take the baseline anew",
            )
    check_ownership(role, ((f'the sequence "{row["sequence"]}"', row["owner"], row["is_mine"]) for row in rows))
    return names


async def find_moved(
    connection: asyncpg.Connection, positions: Sequence[Position], names: Mapping[str, str]
) -> tuple[Position, ...]:
    """Return those of *positions* where the sequence does not stand."""
    moved: list[Position] = []
    for start in range(0, len(positions), _TOGETHER):
        some = positions[start : start + _TOGETHER]
        parts = (
            f"SELECT {number} AS number, last_value, is_called FROM {names[one.sequence]}"
            for number, one in enumerate(some)
        )
        rows = await connection.fetch(" UNION ALL ".join(parts))
        found = {row["number"]: (row["last_value"], row["is_called"]) for row in rows}
        moved += [one for number, one in enumerate(some) if found[number] != (one.value, one.is_called)]
    return tuple(moved)


async def move_sequences(connection: asyncpg.Connection, moved: Sequence[Position], names: Mapping[str, str]) -> None:
    """Let the sequences stand at *moved*, from the commit on."""
    statements = [
        f"ALTER SEQUENCE {name} RESTART; SELECT setval({quote_text(name)}, {one.value}, {one.is_called})"
        for one in moved
        for name in [names[one.sequence]]
    ]
    if statements:
        await connection.execute("; ".join(statements))
