"""Parents before children, circles together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.model import PlannedRow
from pytest_atdm.core.planner.order import batch_rows, order_removal
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema
from tests.core.schemas import rulebook, table
from tests.core.test_planner import plan_text

if TYPE_CHECKING:
    from collections.abc import Mapping

ID = Column(name="id", type="integer", nullable=False, sequence="public.ids")
PLAIN_ID = Column(name="id", type="integer", nullable=False)


def refers(column: str, parent: str, *more: str) -> ForeignKey:
    """Return a foreign key over *column* (and *more*) to the id of *parent* (and to columns called as those are)."""
    parent_columns = ("id", *more) if more else ("id",)
    return ForeignKey(
        name=f"{column}_fkey", columns=(column, *more), parent=f"public.{parent}", parent_columns=parent_columns
    )


def number(name: str) -> Column:
    """Return a required integer column."""
    return Column(name=name, type="integer", nullable=False)


def row(name: str, table: str, values: Mapping[str, int | None] | None = None, **keys: str) -> PlannedRow:
    """Return a planned row."""
    return PlannedRow(name=name, entity=name, table=f"public.{table}", values=values or {}, keys=keys)


def schema_of(*tables: object) -> Schema:
    """Return the schema of these tables."""
    return rulebook(*tables).schema  # type: ignore[arg-type]


def batches(schema: Schema, *rows: PlannedRow) -> list[list[str]]:
    """Return the names of *rows* as they are written together."""
    return [[one.name for one in batch] for batch in batch_rows(rows, schema)]


STATION = table("station", ID)
CLUB = table(
    "club",
    ID,
    number("chair"),
    foreign_keys=(
        ForeignKey(
            name="chair_fkey", columns=("id", "chair"), parent="public.seat", parent_columns=("club_id", "number")
        ),
    ),
)
SEAT = table(
    "seat",
    number("club_id"),
    number("number"),
    primary_key=("club_id", "number"),
    foreign_keys=(refers("club_id", "club"),),
)
HEN = table("hen", PLAIN_ID, number("egg_id"), foreign_keys=(refers("egg_id", "egg"),))
EGG = table("egg", PLAIN_ID, number("hen_id"), foreign_keys=(refers("hen_id", "hen"),))


def test_rows_of_one_table_keep_the_order_in_which_they_were_thought_of() -> None:
    """Keys rise in that order, and a CHECK that compares them was weighed with it."""
    link = table(
        "link",
        number("low"),
        number("high"),
        primary_key=("low", "high"),
        foreign_keys=(refers("high", "station"), refers("low", "station")),
        checks=(Check(name="rising", expression="(low < high)"),),
    )

    made = plan_text("{title: t, entities: {link: {table: link}}}", rulebook(STATION, link))

    first, second, last = made.rows
    assert ("public.station", "public.station", "link") == (first.table, second.table, last.name)
    assert {"low": f"{first.name}.id", "high": f"{second.name}.id"} == dict(last.keys)


def test_rows_that_refer_to_nobody_behind_them_are_written_alone() -> None:
    """One statement each, so that a trigger finds what was there before."""
    schema = schema_of(STATION, table("stop", ID, number("station"), foreign_keys=(refers("station", "station"),)))

    found = batches(schema, row("a", "station", id="a.id"), row("b", "stop", id="b.id", station="a.id"))

    assert [["a"], ["b"]] == found


def test_a_circle_of_given_values_is_written_together() -> None:
    """Hen and egg, told by their values."""
    hen, egg = row("hen", "hen", {"id": 1, "egg_id": 2}), row("egg", "egg", {"id": 2, "hen_id": 1})

    assert [["hen", "egg"]] == batches(schema_of(HEN, EGG), hen, egg)


def test_a_circle_over_a_key_of_two_columns_is_written_together() -> None:
    """Also where the first of the columns is the row's own key, which the database allots."""
    club = row("club", "club", {"chair": 4}, id="club.id")
    seat = row("seat", "seat", {"number": 4}, club_id="club.id")

    assert [["club", "seat"]] == batches(schema_of(CLUB, SEAT), club, seat)
    assert [["club"], ["seat"]] == batches(
        schema_of(CLUB, SEAT), club, row("seat", "seat", {"number": 5}, club_id="club.id")
    )


def test_null_refers_to_nobody() -> None:
    """Two NULLs are no pair."""
    hen, egg = row("hen", "hen", {"id": 1, "egg_id": None}), row("egg", "egg", {"id": None, "hen_id": 1})

    assert [["hen"], ["egg"]] == batches(schema_of(HEN, EGG), hen, egg)


def test_children_are_removed_before_their_parents_and_circles_together() -> None:
    """Otherwise as the tables are given."""
    coop = table("coop", ID)
    roost = table(
        "roost",
        ID,
        number("coop_id"),
        number("hen_id"),
        foreign_keys=(refers("coop_id", "coop"), refers("hen_id", "hen")),
    )
    schema = schema_of(coop, HEN, EGG, roost)

    order = [list(part) for part in order_removal(["public.coop", "public.hen", "public.egg", "public.roost"], schema)]

    assert [["public.roost"], ["public.coop"], ["public.hen", "public.egg"]] == order


def test_a_table_between_two_that_are_removed_holds_nothing_up() -> None:
    """Only references among the tables that are removed count."""
    schema = schema_of(HEN, EGG)

    assert [["public.hen"]] == [list(part) for part in order_removal(["public.hen", "public.hen"], schema)]
