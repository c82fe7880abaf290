"""Where each cell of a plan comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import Formula
from pytest_atdm.core.explain.conditions import Conditions
from pytest_atdm.core.explain.model import ADVICE, Cause, ExplainedCell
from pytest_atdm.core.model import OVERRIDE
from pytest_atdm.core.planner.drafts import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_atdm.core.catalog import Scenario
    from pytest_atdm.core.explain.links import Followed, Links
    from pytest_atdm.core.explain.model import Origin
    from pytest_atdm.core.model import ExistingRow
    from pytest_atdm.core.planner.ties import Place
    from pytest_atdm.core.schema import Column, Table


class Origins:
    """Explains the cells of one plan, with *links* between its rows."""

    def __init__(self, scenario: Scenario, links: Links) -> None:
        self._scenario = scenario
        self._links = links
        self._sources = links.plan.sources
        self._conditions = Conditions(links)

    def explain(self, draft: Draft) -> Iterator[ExplainedCell]:
        """Yield every column of a row that will be written."""
        for column in draft.shape.columns:
            if column.name in draft.keys:
                yield self._explain_key(draft, column)
            elif column.name in draft.values:
                yield self._explain_value(draft, column)
            else:
                yield ExplainedCell(column=column.name, value=None, origin="default", text=_describe_default(column))

    def explain_existing(self, row: ExistingRow) -> Iterator[ExplainedCell]:
        """Yield every column of an existing row that the catalog, or whoever looked, has told."""
        source = self._links.rulebook.reference_source(row.table, row.values)
        for name, value in row.values.items():
            yield ExplainedCell(column=name, value=value, origin="existing", source=source)

    # -- keys

    def _explain_key(self, draft: Draft, column: Column) -> ExplainedCell:
        pointer = draft.keys[column.name]
        if pointer != f"{draft.name}.{column.name}":
            row, _, name = pointer.rpartition(".")
            return self._explain_tied(draft, column, (row, name), pointer=pointer)
        sequence = Cause(kind="sequence", name=column.sequence or "", text="", source=draft.table)
        return ExplainedCell(column=column.name, value=None, origin="key", pointer=pointer, causes=(sequence,))

    def _explain_tied(self, draft: Draft, column: Column, decider: Place, *, pointer: str = "") -> ExplainedCell:
        """Explain a cell that equals *decider*, by its own references or, lacking those, by others' to it."""
        place = (draft.name, column.name)
        own = [(key, row) for key, row in self._links.of(draft.name) if _is_held_by(place, (key, row))]
        causes = [_describe_reference(one, column.name, draft.shape) for one in own]
        if not causes:
            causes = [
                Cause(kind="foreign key", name=key.name, text=_say(decider), source=child.table)
                for child, key in self._links.leading_to(place)
            ]
        return ExplainedCell(
            column=column.name,
            value=draft.values.get(column.name),
            origin="key",
            pointer=pointer,
            source=next((source for key, _ in own if (source := self._links.source(draft, key))), ""),
            text=_say(decider),
            causes=tuple(causes),
        )

    # -- values

    def _explain_value(self, draft: Draft, column: Column) -> ExplainedCell:
        place = (draft.name, column.name)
        decider = self._find_decider(place)
        if decider != place:
            return self._explain_tied(draft, column, decider)
        if _say(place) in self._sources:
            return self._explain_given(draft, column)
        return self._explain_drawn(draft, column)

    def _find_decider(self, place: Place) -> Place:
        """Return which of the cells tied to *place* has given all of them their value.

        As the planner settles them: a row that stands there, then what is given, then what the database computes from
        other columns; else the cell that the others refer to.
        """
        places = self._links.ties.of(place)
        for decides in (self._stands, self._is_given, self._is_computed):
            found = next((one for one in places if decides(one)), None)
            if found is not None:
                return found
        return next((one for one in places if one[0] in self._links.drafts), place)

    def _stands(self, place: Place) -> bool:
        row = self._links.existing.get(place[0])
        return row is not None and row.values.get(place[1]) is not None

    def _is_given(self, place: Place) -> bool:
        draft = self._links.drafts.get(place[0])
        return _say(place) in self._sources and draft is not None and draft.values.get(place[1]) is not None

    def _is_computed(self, place: Place) -> bool:
        draft = self._links.drafts.get(place[0])
        return draft is not None and draft.shape.column_by_name[place[1]].generated

    def _explain_given(self, draft: Draft, column: Column) -> ExplainedCell:
        source = self._sources[f"{draft.name}.{column.name}"]
        entity = self._scenario.entities.get(draft.entity)
        given = entity.given.get(column.name) if entity else None
        origins: dict[str, Origin] = {OVERRIDE: "override", ADVICE: "advice"}
        origin: Origin = origins.get(source, "scenario")
        return ExplainedCell(
            column=column.name,
            value=draft.values[column.name],
            origin=origin,
            source=source if origin == "scenario" else "",
            text=f"= {given.text}" if origin == "scenario" and isinstance(given, Formula) else "",
        )

    def _explain_drawn(self, draft: Draft, column: Column) -> ExplainedCell:
        place = (draft.name, column.name)
        generators = tuple(self._find_generators(draft, column))
        uniques = dict.fromkeys(self._find_uniques(place))
        conditions = sorted(dict.fromkeys(self._conditions.find_narrowing(place)), key=lambda one: one.kind == "check")
        causes = (*generators, *uniques, *conditions)
        kinds = {cause.kind for cause in causes}
        choices: tuple[Origin, ...] = ("generator", "unique", "rule", "check")
        origin: Origin = next((one for one in choices if one in kinds), "type")
        return ExplainedCell(
            column=column.name,
            value=draft.values[column.name],
            origin=origin,
            text=column.type if origin == "type" else "",
            causes=causes,
        )

    def _find_generators(self, draft: Draft, column: Column) -> Iterator[Cause]:
        """Yield the domain's generator of the column; NULL comes of conditions alone."""
        generator = self._links.rulebook.generators.get((draft.table, column.name))
        if generator is not None and draft.values[column.name] is not None:
            yield Cause(kind="generator", name=generator.kind, text=generator.text, source=generator.source)

    def _find_uniques(self, place: Place) -> Iterator[Cause]:
        """Yield the sets of columns in which the row differs from others by this cell alone.

        From rows of other requests, or, where the rest of the set differs between requests, from rows of this one. The
        planner decides it by the same rule, of the drafts that it has at hand.
        """
        for row, column in self._links.ties.of(place):
            draft = self._links.drafts.get(row)
            for cause, columns in _iter_differing(draft.shape) if draft else ():
                if draft and column in columns and not any(_is_run_bound(draft, name) for name in columns):
                    yield cause
        for cause, columns in _iter_differing(self._links.drafts[place[0]].shape):
            if len(columns) > 1 and place[1] in columns and self._has_equal(place, columns):
                yield cause

    def _has_equal(self, place: Place, columns: Sequence[str]) -> bool:
        """Return whether another row of the table has the same in all of *columns* but the cell's own."""
        draft = self._links.drafts[place[0]]
        others = (one for one in self._links.drafts.values() if one.table == draft.table and one is not draft)
        return any(
            place[1] in one.values and all(_are_equal(one, draft, name) for name in columns if name != place[1])
            for one in others
        )


def _say(place: Place) -> str:
    return f"{place[0]}.{place[1]}"


def _is_held_by(place: Place, followed: Followed) -> bool:
    """Return whether the reference has the column of *place*, and leads elsewhere."""
    key, row = followed
    return place[1] in key.columns and (row.name, _parent_column(followed, place[1])) != place


def _parent_column(followed: Followed, column: str) -> str:
    key, _ = followed
    return key.parent_columns[key.columns.index(column)]


def _describe_reference(followed: Followed, column: str, table: Table) -> Cause:
    key, row = followed
    return Cause(
        kind="foreign key", name=key.name, text=f"{row.name}.{_parent_column(followed, column)}", source=table.id
    )


def _iter_differing(table: Table) -> Iterator[tuple[Cause, tuple[str, ...]]]:
    """Yield the sets of columns in which rows of *table* must differ, with their constraints."""
    named = [("primary key", table.primary_key, "")] if table.primary_key else []
    named += [(one.name, one.columns, "") for one in table.uniques]
    named += [(one.name, one.columns, one.definition) for one in table.exclusions]
    for name, columns, definition in named:
        text = definition or f"({', '.join(columns)})"
        yield Cause(kind="unique", name=name, text=text, source=table.id), columns


def _is_run_bound(draft: Draft, name: str) -> bool:
    """Return whether the column differs between requests anyway: an allotted key, or a planned row's."""
    if name in draft.keys:
        return True
    keys = (key for key in draft.shape.foreign_keys if name in key.columns)
    return any(isinstance(draft.links.get(key.name), Draft) for key in keys)


def _are_equal(one: Draft, other: Draft, column: str) -> bool:
    """Return whether both rows have the same in *column*: a cell, or the key of one row."""
    first, second = (row.keys.get(column) or row.values.get(column) for row in (one, other))
    return first == second and first is not None


def _describe_default(column: Column) -> str:
    if column.generated:
        return f"GENERATED ALWAYS AS ({column.expression})" if column.expression else "GENERATED ALWAYS"
    if column.sequence:
        return f"sequence {column.sequence}"
    return f"DEFAULT {column.default}" if column.default is not None else "NULL"
