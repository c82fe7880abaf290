"""What somebody who knows the domain has to decide, as comments for the end of ``domain.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.expressions import render
from pytest_atdm.core.inference.markers import MARKERS, can_be_marked, mark
from pytest_atdm.core.inference.spelling import spell_table
from pytest_atdm.core.inference.words import is_bare_name, is_of_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm.core.inference.guess import LeftOut
    from pytest_atdm.core.rulebook import Rulebook


def list_notes(
    rulebook: Rulebook,
    tables: Sequence[str],
    *,
    lists: Mapping[str, int],
    left_out: Sequence[LeftOut],
    refused: Mapping[str, str],
    untold: int,
) -> Iterator[str]:
    """Yield the notes about *tables* (ids).

    *lists* counts the rows of tables that look like reference data, *refused* has the reasons for tables without a
    row, *untold* counts the tables that were not asked for.
    """
    spell = {id: spell_table(rulebook.schema, id) for id in rulebook.schema.tables}
    for one in left_out:
        yield f"Left out: {spell[one.table]}: {one.what}: {one.reason}"
    for id, rows in lists.items():
        yield (
            f"DECIDE: {spell[id]} looks like reference data ({rows} rows stand there, others refer to it). If every "
            f'database has them, write "tables: {{{spell[id]}: reference}}", or list them in '
            f"reference/{spell[id]}.yaml: then scenarios refer to them."
        )
    for id in tables:
        yield from _ask_about_names(rulebook, id, spell[id])
    for id, reason in refused.items():
        yield f"No scenario: {spell.get(id, id)}: {reason}"
    if untold:
        yield f"Tables that nobody asked for a scenario of: {untold}. atdm init --table NAME writes one."


def _ask_about_names(rulebook: Rulebook, id: str, spelt: str) -> Iterator[str]:
    """Ask whose name a column called name holds, where nothing tells."""
    table = rulebook.schema.tables[id]
    if is_of_people(id.partition(".")[2], table.column_by_name):
        return
    for column in table.columns:
        if is_bare_name(column.name) and can_be_marked(rulebook, table, column):
            rule = render(mark(column.name, MARKERS["name"][0].pattern))
            yield f"DECIDE: is {spelt}.{column.name} the name of a person? Then add a synthetic rule such as {rule}"
