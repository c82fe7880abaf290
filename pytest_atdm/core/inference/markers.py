"""Rules that mark rows as made up: nobody has the names, addresses and numbers that they allow."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_atdm.core.catalog import Rule
from pytest_atdm.core.expressions import Literal, Name, Operation, names, render
from pytest_atdm.core.expressions.casting import TEXT_TYPES, parse_type
from pytest_atdm.core.inference.guess import Guess, LeftOut
from pytest_atdm.core.inference.spelling import INFERRED, spell_table
from pytest_atdm.core.inference.words import find_kind, is_bare_name, is_of_people, join_words
from pytest_atdm.core.types import base_type
from pytest_atdm.core.values import Drawer, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from pytest_atdm.core.expressions import Expr
    from pytest_atdm.core.inference.words import Kind
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Column, Table

#: So many different values a marker must leave a column that is unique, so that requests do not meet.
_VALUES_OF_UNIQUE: Final = 150


class Marker(NamedTuple):
    """A pattern for LIKE, and what to do where a value does not match."""

    pattern: str
    fix: str


#: By kind of column, the most usual first. Reserved for examples and fiction: RFC 2606, RFC 6761, and 555-0100 to 0199.
MARKERS: Final[Mapping[Kind, tuple[Marker, ...]]] = {
    "name": (
        Marker(r"FAKE\_%", "begin it with FAKE_"),
        Marker(r"fake\_%", "begin it with fake_"),
        Marker("Fake %", 'begin it with "Fake "'),
        Marker("fake%", "begin it with fake"),
    ),
    "e-mail": (
        Marker("%@example.invalid", "use a mailbox at example.invalid"),
        Marker("%@%.test", "use a mailbox of a host below .test"),
        Marker("%@example.com", "use a mailbox at example.com"),
        Marker("%@%.example.com", "use a mailbox of a host below example.com"),
    ),
    "phone": (
        Marker("555-01__", "use a number from 555-0100 to 555-0199"),
        Marker("202-555-01__", "use a number from 202-555-0100 to 202-555-0199"),
        Marker("+120255501__", "use a number from +12025550100 to +12025550199"),
        Marker("20255501__", "use a number from 2025550100 to 2025550199"),
        Marker("555-01%", "begin the number with 555-01"),
        Marker("+120255501%", "begin the number with +120255501"),
    ),
    "web": (
        Marker("https://example.invalid/%", "use an address below https://example.invalid/"),
        Marker("%.test/%", "use an address of a host below .test"),
        Marker("%example.com%", "use an address at example.com"),
    ),
}


def infer_markers(rulebook: Rulebook, table: Table, as_of: date) -> Iterator[Guess | LeftOut]:
    """Yield, for each text column of *table* that holds what leads to a person, a rule that its values lead to nobody.

    Of the patterns of its kind the first is taken with which the CHECKs and domains of *rulebook* leave a value; where
    none does, what is left out.
    """
    is_of = is_of_people(table.id.partition(".")[2], (column.name for column in table.columns))
    for column in table.columns:
        kind = find_kind(column.name) or ("name" if is_of and is_bare_name(column.name) else None)
        if kind is not None and can_be_marked(rulebook, table, column):
            yield _infer_marker(rulebook, table, column, kind, as_of)


def can_be_marked(rulebook: Rulebook, table: Table, column: Column) -> bool:
    """Return whether *column* is a text that a plan gives, and no reference, whose value is its parent's."""
    kind = parse_type(base_type(column.type, rulebook.schema))
    is_reference = any(column.name in key.columns for key in table.foreign_keys)
    return kind.name in TEXT_TYPES and not kind.dimensions and not column.filled_by_database and not is_reference


def mark(column: str, pattern: str) -> Expr:
    """Return that *column* is like *pattern*."""
    return Operation("~~", (Name((column,)), Literal(pattern)))


def _infer_marker(rulebook: Rulebook, table: Table, column: Column, kind: Kind, as_of: date) -> Guess | LeftOut:
    spelt = spell_table(rulebook.schema, table.id)
    for marker in MARKERS[kind]:
        if _has_values(rulebook, table, column, marker, as_of):
            id = f"{join_words(spelt, '-')}-{join_words(column.name, '-')}-is-synthetic"
            rule = Rule(
                id=id,
                kind="synthetic",
                table=spelt,
                expression=render(mark(column.name, marker.pattern)),
                fix=marker.fix,
                source=INFERRED,
            )
            return Guess(rule=rule, why=f"by its name, {column.name} holds {_describe(kind)}")
    reason = "the column's type, CHECKs and domain leave no value that shows that it is made up"
    return LeftOut(table=table.id, what=f"a marker for {column.name}", reason=reason)


def _describe(kind: Kind) -> str:
    texts: Mapping[Kind, str] = {
        "name": "a person's name",
        "e-mail": "an e-mail address",
        "phone": "a telephone number",
        "web": "an address of the web",
    }
    return texts[kind]


def _has_values(rulebook: Rulebook, table: Table, column: Column, marker: Marker, as_of: date) -> bool:
    is_unique = any(columns == (column.name,) for columns in table.differing_sets)
    if is_unique and "%" not in marker.pattern:  # too few to go round
        return False
    parts = [part for condition in rulebook.conditions(table) for part in condition.parts_about(column.name)]
    alone = [part for part in parts if names(part) == {(column.name,)}]
    drawer = Drawer(column, rulebook.schema, [*alone, mark(column.name, marker.pattern)])
    wanted = _VALUES_OF_UNIQUE if is_unique else 1
    drawn = drawer.candidates(Stream(0, table.id, column.name), unique=is_unique, as_of=as_of)
    return sum(1 for _ in islice(drawn, wanted)) == wanted
