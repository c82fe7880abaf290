"""Cells that references make equal get one value, which suits all of them."""

from __future__ import annotations

from pytest_atdm.core.model import ExistingRow
from pytest_atdm.core.planner.drafts import Draft
from pytest_atdm.core.planner.ties import Ties
from pytest_atdm.core.schema import Check, Column, ForeignKey, Partition, Table
from tests.core.schemas import rulebook, table
from tests.core.test_planner import plan_text


def number(name: str, **more: object) -> Column:
    """Return a required integer column."""
    return Column(name=name, type="integer", nullable=False, **more)  # type: ignore[arg-type]


def key_to(parent: str, **columns: str) -> ForeignKey:
    """Return a foreign key: *columns* are ``column="parent's column"``."""
    return ForeignKey(
        name=f"to_{parent}_{'_'.join(columns)}",
        columns=tuple(columns),
        parent=f"public.{parent}",
        parent_columns=tuple(columns.values()),
    )


def draft(name: str, shape: Table, **links: Draft | ExistingRow) -> Draft:
    """Return a draft linked by the foreign keys to the parents named."""
    made = Draft(name, name, shape)
    for parent, row in links.items():
        key = next(one for one in shape.foreign_keys if one.parent == f"public.{parent}")
        made.links[key.name] = row
    return made


TENANT = table("tenant", number("id"))
TEAM = table(
    "team", number("tenant"), number("n"), primary_key=("tenant", "n"), foreign_keys=(key_to("tenant", tenant="id"),)
)
PROJECT = table(
    "project", number("tenant"), number("n"), primary_key=("tenant", "n"), foreign_keys=(key_to("tenant", tenant="id"),)
)
TASK = table(
    "task",
    number("id"),
    number("tenant"),
    number("team"),
    number("project"),
    foreign_keys=(key_to("team", tenant="tenant", team="n"), key_to("project", tenant="tenant", project="n")),
)


def test_a_diamond_of_references_is_one_class() -> None:
    """Whatever column it is reached by, and the cell at the top comes first."""
    top = draft("tenant", TENANT)
    team, project = draft("team", TEAM, tenant=top), draft("project", PROJECT, tenant=top)
    ties = Ties([draft("task", TASK, team=team, project=project), team, project, top])

    cells = ties.of(("task", "tenant"))

    assert {("task", "tenant"), ("team", "tenant"), ("project", "tenant"), ("tenant", "id")} == set(cells)
    assert all(ties.of(cell) == cells for cell in cells)
    assert {("task", "team"), ("team", "n")} == set(ties.of(("task", "team")))


def test_a_free_cell_stands_alone() -> None:
    """So does one whose reference is not linked."""
    ties = Ties([draft("task", TASK)])

    assert [("task", "id")] == list(ties.of(("task", "id")))
    assert [("task", "tenant")] == list(ties.of(("task", "tenant")))


def test_a_row_that_stands_there_is_tied_as_well() -> None:
    """Its cells decide those of the rows that refer to it."""
    standing = ExistingRow(name="standing", entity="standing", table="public.tenant", values={"id": 4})

    assert ("standing", "id") in Ties([draft("team", TEAM, tenant=standing)]).of(("team", "tenant"))


def test_namesakes_are_tied_only_where_asked_and_where_nothing_must_differ() -> None:
    """Columns of one name and type in child and parent, but for keys and what the database fills."""
    shelf = table("shelf", number("id"), number("region"), number("weight", generated=True))
    box = table(
        "box",
        number("id"),
        number("region"),
        number("weight"),
        number("shelf"),
        foreign_keys=(key_to("shelf", shelf="id"),),
    )
    rows = [top := draft("shelf", shelf), draft("box", box, shelf=top)]

    assert [("box", "region")] == list(Ties(rows).of(("box", "region")))
    tied = Ties(rows, namesakes=True)
    assert {("box", "region"), ("shelf", "region")} == set(tied.of(("box", "region")))
    assert [("box", "id")] == list(tied.of(("box", "id")))
    assert [("box", "weight")] == list(tied.of(("box", "weight")))


# -- what the planner makes of them


def cells_of(text: str, *tables: Table) -> dict[str, dict[str, object]]:
    """Return the cells of the plan of *text* by row."""
    return {row.name: dict(row.values) for row in plan_text(text, rulebook(*tables)).rows}


BOX = "{title: t, entities: {box: {table: box}}}"


def test_a_tied_cell_satisfies_the_conditions_on_every_cell_it_is() -> None:
    """Those of the child, of the parent, and parts of conditions that speak of other columns too."""
    shelf = table("shelf", number("id"), checks=(Check(name="low", expression="((id < 10))"),))
    box = table(
        "box",
        number("id"),
        number("shelf"),
        Column(name="note", type="text"),
        foreign_keys=(key_to("shelf", shelf="id"),),
        checks=(Check(name="high", expression="((note IS NULL) AND (shelf > 7))"),),
    )

    shelves = {cells_of(BOX, shelf, box)["box"]["shelf"]}

    assert shelves <= {8, 9}


def test_a_tied_cell_heeds_the_rest_of_its_row_from_the_start() -> None:
    """A key within the bounds of a partition, whichever columns those are of."""
    parted = table(
        "parted",
        number("tenant"),
        number("n"),
        primary_key=("tenant", "n"),
        partitions=(Partition(id="public.parted_1", bounds="((tenant = ANY (ARRAY[1, 2])) AND (n >= 7) AND (n < 9))"),),
    )
    box = table("box", number("id"), number("a"), number("b"), foreign_keys=(key_to("parted", a="tenant", b="n"),))

    row = cells_of(BOX, parted, box)["box"]

    assert row["a"] in (1, 2)
    assert row["b"] in (7, 8)


def test_a_tied_cell_may_need_an_optional_column_of_its_row() -> None:
    """What is impossible with NULL beside it is drawn with that open."""
    shelf = table(
        "shelf",
        number("id"),
        Column(name="mark", type="boolean"),
        checks=(Check(name="marked", expression="((id > 5) = (mark IS NOT NULL))"),),
    )
    box = table(
        "box",
        number("id"),
        number("shelf"),
        foreign_keys=(key_to("shelf", shelf="id"),),
        checks=(Check(name="high", expression="(shelf > 100)"),),
    )

    cells = cells_of(BOX, shelf, box)

    assert cells["box.shelf"]["mark"] is not None


def test_the_last_column_may_decide_what_the_first_can_be() -> None:
    """A row is drawn from its end too."""
    box = table(
        "box",
        number("id"),
        number("twin"),
        Column(name="same", type="boolean", nullable=False),
        checks=(
            Check(name="only_same", expression="same"),
            Check(name="twins", expression="((NOT same) OR (id = twin))"),
        ),
    )

    row = cells_of(BOX, box)["box"]

    assert row["id"] == row["twin"]


def test_a_required_column_is_known_to_have_a_value_before_it_has_one() -> None:
    """A condition on whether it has one does not wait for it."""
    box = table(
        "box",
        number("id"),
        Column(name="kind", type="text", nullable=False),
        Column(name="made", type="date", nullable=False),
        checks=(Check(name="dated", expression="((kind = ANY (ARRAY['a'::text, 'b'::text])) = (made IS NOT NULL))"),),
    )

    assert cells_of(BOX, box)["box"]["kind"] in ("a", "b")
