"""``atdm explain``: the rows of a scenario as a tree, where each value comes from, and why each row is there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import textwrap
from typing import TYPE_CHECKING, Final

import click

from pytest_atdm.cli.options import MIGRATIONS, complete_scenario, read_console, read_settings, setting_options
from pytest_atdm.cli.request import SET_HELP, make_request_key, read_overrides
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_atdm._markers import Wish
    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.explain import Branch, Cause, ExplainedCell, ExplainedRow, Explanation, Need
    from pytest_atdm.core.model import Cell

#: In characters: a line, and the most of it that rows, columns and values get.
WIDTH: Final = 120
ROW_WIDTH: Final = 56
COLUMN_WIDTH: Final = 30
VALUE_WIDTH: Final = 36
#: The column of origins has this width, or more where there is a longer word.
ORIGIN_WIDTH: Final = 8
#: Deeper rows of the tree are not indented further.
MAX_INDENT: Final = 12
#: Before a reason that does not fit beside its value.
BELOW: Final = " " * 6
_CAUSES: Final = {
    "check": "CHECK {name}: {text}",
    "rule": "rule {name} ({source}): {text}",
    "sequence": "sequence {name}",
    "foreign key": "{text} by {name}",
    "generator": "{name} {text} ({source})",
    "unique": "by {name}: {text}",
}


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help=SET_HELP)
@click.option("--entity", metavar="NAME", help="Only the rows of this entity, with the tree below them.")
@setting_options("url", "database_url", "catalog", *MIGRATIONS, "run_id", "seed", "as_of")
def explain(scenario: str, pairs: tuple[str, ...], *, entity: str | None) -> None:
    """Explain the plan of SCENARIO; nothing is written to the database.

    First the rows as a tree, below each row those that it refers to, and why each is there. Then the columns of every
    row with the value and where it comes from: override, scenario (file and line), key (a sequence, or another row by a
    foreign key), unique (drawn so that rows differ), rule or check (drawn within these conditions), type (any value of
    it), default (left to the database), existing (the row stands already).
    """
    from pytest_atdm._markers import Wish  # lazy: startup
    from pytest_atdm.cli.desk import make_session
    from pytest_atdm.core.explain import grow_tree

    wish = Wish(scenario, read_overrides(pairs))
    session = make_session(read_settings())
    session.catalog.check(scenario, wish.overrides)  # before anything is started
    with contextlib.closing(session.connection):
        told = _explain(session, wish)
    chosen, tree = told.rows, told.tree
    if entity is not None:
        chosen = _choose_rows(told, entity)
        tree = tuple(grow_tree(told.rows, chosen))
    payload = dataclasses.replace(told, rows=chosen, tree=tree)
    read_console().answer(payload, describe(told, tree, chosen))


def _explain(session: AtdmSession, wish: Wish) -> Explanation:
    from pytest_atdm.core.explain import explain as explain_plan  # lazy: startup

    plan = session.plan(wish, make_request_key(wish))
    return explain_plan(plan, session.catalog.scenario(plan.scenario), session.rulebook(plan.domain))


def _choose_rows(told: Explanation, entity: str) -> Mapping[str, ExplainedRow]:
    from pytest_atdm.core.text import suggest  # lazy: startup

    chosen = {name: row for name, row in told.rows.items() if entity in (row.entity, name)}
    if not chosen:
        raise SettingError(
            f'--entity: the plan of {told.scenario} has no row of an entity "{entity}"',
            hint=suggest(entity, [row.entity for row in told.rows.values()], "entity"),
        )
    return chosen


# -- for a person


def describe(told: Explanation, tree: Sequence[Branch], chosen: Mapping[str, ExplainedRow]) -> Iterator[str]:
    """Yield *told* as lines of at most 120 characters: a head, *tree*, and the columns of the rows *chosen*."""
    reused = sum(row.is_existing for row in told.rows.values())
    count = f"{len(told.rows) - reused} rows to write" + (f", {reused} to refer to" if reused else "")
    yield f"plan of {told.scenario}, as of {told.as_of}, seed {told.seed}: {count}; nothing written"
    for entity, rows in told.more.items():
        yield f"{rows} more rows of {entity} follow, each like one of those below"
    if told.parameters:
        yield from _wrap("parameters: ", [f"{name} = {_say(value)}" for name, value in told.parameters.items()])
    yield ""
    yield from _write_tree(tree, told.rows)
    for row in chosen.values():
        yield ""
        yield _shorten(f"{row.name} ({row.table})", WIDTH)
        yield from _write_cells(row.cells)


def _write_tree(tree: Sequence[Branch], rows: Mapping[str, ExplainedRow]) -> Iterator[str]:
    names = [
        _shorten(f"{'  ' * min(branch.depth, MAX_INDENT)}{branch.row} ({rows[branch.row].table})", ROW_WIDTH)
        for branch in tree
    ]
    width = max(map(len, names), default=0)
    for name, branch in zip(names, tree, strict=True):
        why = "shown above" if branch.repeated else _say_why(rows[branch.row])
        by = f", by {branch.by}" if branch.by else ""
        yield _shorten(f"{name.ljust(width)}  {why}{by}", WIDTH)


def _say_why(row: ExplainedRow) -> str:
    presence = row.presence
    if presence.kind == "entity":
        return f"{'reference row' if row.is_existing else 'entity'}, {presence.source}"
    if presence.kind == "advice":
        return "added, the database refused a plan without it"
    what = "created"
    if presence.kind == "reused":
        reference = presence.reference
        what = f"reference row, {reference}" if reference else "stands in the database, no new row could be written"
    return ", ".join((what, *map(_say_need, presence.needs[:1])))


def _say_need(need: Need) -> str:
    place = f"{need.row}.{' and '.join(need.columns)}"
    if need.required:
        return f"{place} cannot be NULL"
    if need.causes:
        return f"{place} cannot be NULL under {' and '.join(_name(cause) for cause in need.causes)}"
    return f"for {place}"


def _name(cause: Cause) -> str:
    return f"{'CHECK' if cause.kind == 'check' else cause.kind} {cause.name}"


def _write_cells(cells: Sequence[ExplainedCell]) -> Iterator[str]:
    """Yield each column with its reasons, then one line for all columns that are left NULL."""
    told = [cell for cell in cells if not _is_left_null(cell)]
    columns = [_shorten(cell.column, COLUMN_WIDTH) for cell in told]
    values = [_shorten(_say_value(cell), VALUE_WIDTH) for cell in told]
    column_width, value_width = (max(map(len, texts), default=0) for texts in (columns, values))
    origin_width = max([ORIGIN_WIDTH, *(len(cell.origin) for cell in told)])
    for cell, column, value in zip(told, columns, values, strict=True):
        head = f"  {column.ljust(column_width)}  {value.ljust(value_width)}  {cell.origin.ljust(origin_width)}  "
        yield from _write_reasons(head, _say_reasons(cell))
    left = [cell.column for cell in cells if _is_left_null(cell)]
    if left:
        yield from _wrap("  left NULL: ", left)


def _is_left_null(cell: ExplainedCell) -> bool:
    return cell.origin == "default" and cell.text == "NULL"


def _say_value(cell: ExplainedCell) -> str:
    if cell.pointer:
        return f"<- {cell.pointer}" if cell.text else "allotted"
    return "" if cell.origin == "default" else _say(cell.value)


def _say_reasons(cell: ExplainedCell) -> list[str]:
    reasons = [_say_cause(cause) for cause in cell.causes]
    if cell.origin == "key":
        far = cell.text and all(cell.text != cause.text for cause in cell.causes)
        reasons += [f"which is {cell.text}"] if far else []
    elif cell.text:
        reasons.append(cell.text)
    return [*reasons, cell.source] if cell.source else reasons


def _write_reasons(head: str, reasons: Sequence[str]) -> Iterator[str]:
    """Yield *head* with as many of *reasons* as fit beside it, and below it those that do not."""
    beside, below = "", list(reasons)
    while below and len(head) + len(beside) + len(below[0]) <= WIDTH:
        beside += below.pop(0) + ", "
    yield (head + beside.removesuffix(", ")).rstrip()
    yield from (_shorten(f"{BELOW}{reason}", WIDTH) for reason in below)


def _say_cause(cause: Cause) -> str:
    return _CAUSES[cause.kind].format(name=cause.name, text=" ".join(cause.text.split()), source=cause.source)


def _say(value: Cell) -> str:
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shorten(text: str, width: int) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _wrap(head: str, words: Sequence[str]) -> list[str]:
    return textwrap.wrap(head + ", ".join(words), WIDTH, subsequent_indent=" " * len(head))
