"""What must hold before anything is done: the tables are those of the baseline, and are ours to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.errors import SchemaMismatch, SettingError
from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from seeder.db.restore.relations import Relation
    from seeder.db.restore.wanted import Wanted, WantedRows


def check_tables(wanted: Wanted, relations: Mapping[str, Relation]) -> None:
    """See that the database has the tables and columns of the baseline, and none of these tables has others.

    One that is *whole* is of all tables: none has come since.

    Raises:
        SchemaMismatch: it has not; every difference is named.
    """
    differences = [line for rows in wanted.tables for line in _compare(rows, relations)]
    if wanted.whole:
        new = relations.keys() - {rows.table for rows in wanted.tables}
        differences += [f'table "{name}" is new' for name in sorted(new)]
    if differences:
        raise SchemaMismatch(
            f'the baseline "{wanted.name}" is of other tables: {"; ".join(differences)}',
            hint="bring the tables to where they were, or take the baseline anew",
        )


def _compare(rows: WantedRows, relations: Mapping[str, Relation]) -> Iterator[str]:
    if rows.table not in relations:
        yield f'there is no table "{rows.table}" ({suggest(rows.table, relations, "table")})'
        return
    was, found = rows.types, relations[rows.table].types
    for name in was:
        if name not in found:
            yield f'table "{rows.table}" has no column "{name}"'
        elif was[name] != found[name]:
            yield f'column "{name}" of table "{rows.table}" is {found[name]}, and was {was[name]}'
    for name in found.keys() - was.keys():
        yield f'table "{rows.table}" has a new column "{name}"'


def check_ownership(role: str, owned: Iterable[tuple[str, str, bool]]) -> None:
    """See that *role* owns everything in *owned*: name, owner, and whether it has the owner's rights.

    Raises:
        SettingError: it does not.
    """
    foreign: Sequence[tuple[str, str]] = [(name, owner) for name, owner, is_mine in owned if not is_mine]
    if foreign:
        name, owner = foreign[0]
        more = f" (and {len(foreign) - 1} more like it)" if len(foreign) > 1 else ""
        raise SettingError(
            f'restoring needs the rights of the role "{owner}", which owns {name}{more}; "{role}" lacks them',
            hint=f"let ATDM_OWNER_DATABASE_URL connect as {owner}, or as a role that inherits from it",
        )
