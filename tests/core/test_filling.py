"""Rows whose cells depend on one another: in which order they are settled, and what is drawn anew."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.catalog import Domain
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Unique
from tests.core.schemas import catalog, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.schema import Table

AS_OF = datetime.date(2026, 3, 1)
SEEDS = range(12)


def integer(name: str, *, nullable: bool = False) -> Column:
    """A column of type integer."""
    return Column(name=name, type="integer", nullable=nullable)


def text(name: str, *, nullable: bool = False) -> Column:
    """A column of type text."""
    return Column(name=name, type="text", nullable=nullable)


def nodes(*columns: Column, checks: Sequence[str]) -> Table:
    """A table of rows that refer to one of the same table, by two columns."""
    own = (integer("k"), integer("n"), integer("up_k"), integer("up_n"))
    up = ForeignKey(name="up", columns=("up_k", "up_n"), parent="public.nodes", parent_columns=("k", "n"))
    return table("nodes", *own, *columns, primary_key=("k", "n"), foreign_keys=(up,), checks=numbered(checks))


def numbered(checks: Sequence[str]) -> tuple[Check, ...]:
    """Constraints with a name each."""
    return tuple(Check(name=f"c{number}", expression=check) for number, check in enumerate(checks))


def plan_one(seed: int, *tables: Table, enums: dict[str, tuple[str, ...]] | None = None) -> Plan:
    """Return the plan for one row of the first of *tables*; the gate has nothing against it."""
    schema = Schema(tables={one.id: one for one in tables}, enums=enums or {})
    book = Rulebook(schema, Domain(name=""))
    name = tables[0].id.partition(".")[2]
    scenario = catalog(one=f"entities: {{row: {{table: {name}}}}}\n").scenario("one")
    made = plan(
        scenario, book, overrides={}, run_id="R", request_key=str(seed), seed=seed, as_of=datetime.date(2026, 3, 1)
    )
    assert [] == list(Gate(book).check(made))
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_shared_cells_are_drawn_anew_where_the_row_finds_no_value_beside_them(seed: int) -> None:
    """The key that a row shares with itself was drawn first, and its last value leaves the other column none."""
    kind = Column(name="kind", type="size", nullable=False)
    up = ForeignKey(name="up", columns=("up",), parent="public.nodes", parent_columns=("kind",))
    shape = table(
        "nodes",
        kind,
        Column(name="up", type="size", nullable=False),
        Column(name="above", type="size", nullable=False),
        primary_key=("kind",),
        foreign_keys=(up,),
        checks=numbered(["(above > kind)"]),
    )

    (row,) = plan_one(seed, shape, enums={"size": ("s", "l")}).rows

    assert {"kind": "s", "up": "s", "above": "l"} == row.values


@pytest.mark.parametrize("seed", SEEDS)
def test_of_shared_cells_the_last_may_have_to_come_first(seed: int) -> None:
    """What the second part of a key must be leaves the first only a few of all values."""
    (row,) = plan_one(seed, nodes(checks=["(up_n = 7)", "(k <= n)"])).rows

    assert 7 == row.values["n"] == row.values["up_n"]
    assert row.values["k"] == row.values["up_k"]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_conditions_leave_one_value_is_known_before_it_is_drawn(seed: int) -> None:
    """Also where one constant follows from another, and decides what a key has to be."""
    checks = ["(a = 'x'::text)", "((a <> 'x'::text) OR (b = 3))", "((b <> 3) OR (k = 5))"]

    (row,) = plan_one(seed, nodes(text("a"), integer("b"), checks=checks)).rows

    assert ("x", 3, 5) == (row.values["a"], row.values["b"], row.values["k"])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_attempt_does_not_prefer_the_same_way(seed: int) -> None:
    """Of the ways to satisfy a condition the first leads nowhere here."""
    checks = ["((c = 9) OR (a < 1))", "((c IS NOT NULL) AND (c < 5))", "((c > 5) OR (b = 'x'::text))"]
    shape = table("one", integer("a"), text("b"), integer("c", nullable=True), checks=numbered(checks))

    (row,) = plan_one(seed, shape).rows

    assert "x" == row.values["b"]


OTHERS = table("others", integer("id"), primary_key=("id",))
OTHER = ForeignKey(name="other", columns=("other_id",), parent="public.others", parent_columns=("id",))


def referring(*checks: str) -> Table:
    """A table with an optional reference and an optional note."""
    columns = (integer("id"), text("note", nullable=True), integer("other_id", nullable=True))
    return table("referring", *columns, foreign_keys=(OTHER,), checks=numbered(checks))


def test_a_value_is_preferred_to_a_further_row() -> None:
    """Where one or the other satisfies a condition, no row is made that may need others in its turn."""
    made = plan_one(0, referring("((note IS NOT NULL) OR (other_id IS NOT NULL))"), OTHERS)

    assert ["row"] == [row.name for row in made.rows]


def test_what_mending_one_condition_mends_too_is_let_be() -> None:
    """Two conditions are false without the note, and none with it."""
    made = plan_one(0, referring("(NOT (note IS NULL))", "((other_id IS NOT NULL) = (note IS NULL))"), OTHERS)

    assert ["row"] == [row.name for row in made.rows]
    assert made.rows[0].values["note"]


def test_a_column_that_a_condition_requires_makes_others_necessary() -> None:
    """NULL is allowed by the column, not by a CHECK; its value then demands another."""
    columns = (integer("id"), integer("a", nullable=True), integer("b", nullable=True))
    shape = table("one", *columns, checks=numbered(["(a IS NOT NULL)", "((b IS NOT NULL) OR (a IS NULL))"]))

    (row,) = plan_one(0, shape).rows

    assert {"id", "a", "b"} == row.values.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_usual_is_not_insisted_on(seed: int) -> None:
    """A shared cell that has to be lower than what another column may be is no usual number."""
    (row,) = plan_one(seed, nodes(integer("a"), checks=["(a <= '-2'::integer)", "(k < a)"])).rows

    assert row.values["k"] == row.values["up_k"]


def test_of_a_table_that_takes_one_row_there_is_one() -> None:
    """References to it meet in this row, also those that otherwise go to a row of their own each."""
    single = table("single", text("id"), checks=numbered(["(id = 'x'::text)"]))
    keys = tuple(
        ForeignKey(name=name, columns=(name,), parent="public.single", parent_columns=("id",)) for name in ("a", "b")
    )
    one_to_one = (Unique(name="one_to_one", columns=("a",)),)
    shape = table("one", integer("id"), text("a"), text("b"), foreign_keys=keys, uniques=one_to_one)

    made = plan_one(0, shape, single)

    assert ["public.single", "public.one"] == [row.table for row in made.rows]


def test_a_condition_that_nothing_helps_does_not_hide_another() -> None:
    """A key that a sequence allots is none of the two that a CHECK names; a reference is added for the other CHECK."""
    kinds = table("kinds", Column(name="id", type="integer", nullable=False, sequence="public.kinds_id_seq"))
    kind = ForeignKey(name="kind", columns=("kind",), parent="public.kinds", parent_columns=("id",))
    shape = table(
        "one",
        integer("id"),
        integer("kind"),
        integer("other_id", nullable=True),
        foreign_keys=(kind, OTHER),
        checks=numbered(["(kind = ANY (ARRAY[1, 2]))", "((other_id IS NOT NULL) OR (kind = 0))"]),
    )

    made = plan_one(0, shape, kinds, OTHERS)

    assert {"public.kinds", "public.others", "public.one"} == {row.table for row in made.rows}


def test_what_a_column_with_few_values_may_not_be_asks_for_a_reference() -> None:
    """Of the three labels a CHECK leaves one, with which another CHECK wants the reference."""
    kind = Column(name="kind", type="size", nullable=False)
    columns = (integer("id"), kind, integer("other_id", nullable=True))
    checks = ["(kind < 'm'::size)", "((other_id IS NOT NULL) OR (kind = 'm'::size))"]
    shape = table("one", *columns, foreign_keys=(OTHER,), checks=numbered(checks))

    made = plan_one(0, shape, OTHERS, enums={"size": ("s", "m", "l")})

    assert ["public.others", "public.one"] == [row.table for row in made.rows]


def test_references_that_want_different_constants_go_to_different_rows() -> None:
    """Each part of a key that a CHECK settles tells which row is meant."""
    people = table("people", text("kind"), integer("id"), primary_key=("kind", "id"))
    keys = tuple(
        ForeignKey(
            name=name, columns=(f"{name}_kind", f"{name}_id"), parent="public.people", parent_columns=("kind", "id")
        )
        for name in ("buyer", "clerk")
    )
    columns = [column for name in ("buyer", "clerk") for column in (text(f"{name}_kind"), integer(f"{name}_id"))]
    checks = ["(buyer_kind = 'buyer'::text)", "(clerk_kind = 'clerk'::text)"]

    made = plan_one(0, table("sales", integer("id"), *columns, foreign_keys=keys, checks=numbered(checks)), people)

    assert {"buyer", "clerk"} == {row.values["kind"] for row in made.rows if row.table == "public.people"}


def test_a_row_of_a_table_that_takes_one_refers_to_itself() -> None:
    """Its key is known to be what the CHECK says, however that says it; no reference is moved for it."""
    single = table(
        "single",
        integer("id"),
        integer("up"),
        foreign_keys=(ForeignKey(name="up", columns=("up",), parent="public.single", parent_columns=("id",)),),
        checks=numbered(["((id >= 0) AND (id <= 0))", "(up = id)"]),
    )

    (row,) = plan_one(0, single).rows

    assert {"id": 0, "up": 0} == row.values


@pytest.mark.parametrize(
    ("column", "checks"),
    [
        (integer("a"), ["((a >= 0) AND (a <= 9))", "((a < 0) OR (a > 9) OR (other_id IS NOT NULL))"]),
        (text("a", nullable=True), ["(a IS NOT NULL)", "((a IS NULL) = (other_id IS NULL))"]),
    ],
    ids=["required", "optional"],
)
def test_a_value_that_needs_a_reference_gets_it(column: Column, checks: list[str]) -> None:
    """No value of the column goes with the reference as NULL; it is drawn first, and asks for the reference then."""
    shape = table(
        "one", integer("id"), column, integer("other_id", nullable=True), foreign_keys=(OTHER,), checks=numbered(checks)
    )

    made = plan_one(0, shape, OTHERS)

    assert ["public.others", "public.one"] == [row.table for row in made.rows]
