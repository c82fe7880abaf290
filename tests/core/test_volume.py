"""Rows beyond a plan: as many as were asked for, all different where they must be, and judged like the plan's own."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from pytest_atdm.core.catalog import Domain, Entity, Link, Literal, Scenario
from pytest_atdm.core.errors import CatalogError, InvalidRequest, PlanImpossible
from pytest_atdm.core.gate import BatchGate, Gate, Validator
from pytest_atdm.core.model import Promise, Volume
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Table, Unique
from pytest_atdm.core.volume import Batch, decode, encode, grow
from tests.core.schemas import rulebook, schemas, table
from tests.core.test_planner import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.gate import Check as GateCheck
    from pytest_atdm.core.model import Cell, Finding, Plan, PlannedRow

#: What cells are changed to.
CELLS: Final[tuple[Cell, ...]] = (None, 5, -1, True, 1.5, "", "x" * 70, "sad", "2001-01-01", [1])
#: A smaller example is not worth the minutes that it takes to find one: each has a thousand rows.
PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate)
LINKS = table(
    "links",
    Column(name="a", type="bigint", nullable=False),
    Column(name="b", type="bigint", nullable=False),
    primary_key=("a", "b"),
    foreign_keys=(
        ForeignKey(name="links_a", columns=("a",), parent="public.nodes", parent_columns=("id",)),
        ForeignKey(name="links_b", columns=("b",), parent="public.nodes", parent_columns=("id",)),
    ),
)
NODES = table(
    "nodes",
    Column(name="id", type="bigint", nullable=False, sequence="public.nodes_id_seq"),
    Column(name="code", type="text", nullable=False),
    Column(name="parent", type="bigint", nullable=False),
    foreign_keys=(ForeignKey(name="nodes_up", columns=("parent",), parent="public.nodes", parent_columns=("id",)),),
)


def scenario(*entities: Entity) -> Scenario:
    """A scenario of *entities*."""
    return Scenario(
        id="many", domain="", source="here", title="", intent="", entities={one.name: one for one in entities}
    )


def entity(name: str, table: str, count: int, **links: str) -> Entity:
    """An entity of so many rows; *links* name entities by relation."""
    given: dict[str, Any] = {relation: Link(target, "here") for relation, target in links.items()}
    return Entity(name=name, table=f"public.{table}", source="here", count=Literal(count, "here"), given=given)


def make(book: Rulebook, *entities: Entity) -> Plan:
    """The plan of *entities*."""
    return plan(scenario(*entities), book, overrides={}, run_id="R", request_key="k", seed=3, as_of=AS_OF)


def all_rows(made: Plan, batches: list[Batch]) -> list[PlannedRow]:
    """Every row of *made* and of what follows it."""
    return [*made.rows, *(row for batch in batches for row in batch.rows())]


@st.composite
def volumes(draw: st.DrawFn) -> tuple[Rulebook, Plan]:
    """A schema, and a plan with one to three volumes, each of which refers to the one before it."""
    schema = draw(schemas())
    book = Rulebook(schema, Domain(name=""))
    names: dict[str, str] = {}  # entity by table id
    table_id = draw(st.sampled_from(sorted(schema.tables)))
    entities = []
    for name in ("one", "two", "three")[: draw(st.integers(1, 3))]:
        shape = schema.tables[table_id]
        links = {key.columns[0]: names[key.parent] for key in shape.foreign_keys if key.parent in names}
        entities.append(entity(name, shape.id.partition(".")[2], draw(st.integers(1_001, 1_300)), **links))
        names[table_id] = name
        children = sorted({child.id for child, _ in schema.children.get(table_id, ())} - names.keys())
        if not children:
            break
        table_id = draw(st.sampled_from(children))
    try:
        made = make(book, *entities)
    except (PlanImpossible, CatalogError):  # no value, or a row between that might refer to any
        assume(False)
        raise
    assume(not Gate(book).check(made))
    return book, made


def grow_all(made: Plan, book: Rulebook) -> list[Batch]:
    """All batches of *made*; an example in which there cannot be so many rows is passed over."""
    try:
        return list(grow(made, book))
    except PlanImpossible as impossible:
        event(impossible.message.rpartition(" ")[0][-30:])
        assume("cannot all be different" not in impossible.message)
        raise


@settings(max_examples=40, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(made=volumes())
def test_all_rows_together_pass_the_gate_of_a_plan(made: tuple[Rulebook, Plan]) -> None:
    """Plan and batches have the rows asked for; taken as one plan they pass: references lead to rows, keys differ."""
    book, planned = made

    batches = grow_all(planned, book)

    rows = all_rows(planned, batches)

    for volume in planned.volumes:
        names = [row.name for row in rows if row.entity == volume.entity]
        assert [f"{volume.entity}[{index}]" for index in range(volume.count)] == names
    assert () == Gate(book).check(dataclasses.replace(planned, rows=tuple(rows)))
    judge = BatchGate(Gate(book), planned)
    assert [()] * len(batches) == [judge.check(batch) for batch in batches]
    assert batches == list(grow(planned, book))


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(made=volumes(), data=st.data())
def test_a_changed_batch_is_judged_like_the_rows_of_a_plan(made: tuple[Rulebook, Plan], data: st.DataObject) -> None:
    """Whatever cell of a batch is changed to: the batch has a finding if and only if the plan with all its rows has."""
    book, planned = made
    batches = grow_all(planned, book)
    number = data.draw(st.integers(0, len(batches) - 1))
    batch = batches[number]
    columns = {**batch.values, **batch.keys}
    name = data.draw(st.sampled_from(sorted(columns)))
    cell = data.draw(
        st.sampled_from([None, 5, -1, True, 1.5, "", "x" * 70, "sad", "2001-01-01", columns[name][0], [1]])
    )
    place = data.draw(st.integers(0, batch.size - 1))
    side = "keys" if name in batch.keys else "values"
    assume(side == "values" or isinstance(cell, str))
    changed: list[Any] = [*columns[name]]
    changed[place] = cell
    batches[number] = dataclasses.replace(batch, **{side: {**getattr(batch, side), name: changed}})  # type: ignore[arg-type]

    whole = Gate(book).check(dataclasses.replace(planned, rows=tuple(all_rows(planned, batches))))
    judge = BatchGate(Gate(book), planned)
    found = [finding for one in batches for finding in judge.check(one)]

    event(f"{bool(whole)}")
    only_duplicates = {finding.rule for finding in whole} <= {"unique"}
    if not only_duplicates or not whole:
        assert bool(whole) == bool(found), (name, place, cell, whole[:2], found[:2])


@settings(max_examples=60)
@given(
    cells=st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.lists(st.integers(), max_size=2)
        | st.dictionaries(st.text(max_size=3), st.text(), max_size=2),
        min_size=1,
        max_size=30,
    ),
    start=st.integers(0, 10**9),
)
def test_a_batch_comes_back_as_it_was(cells: list[Any], start: int) -> None:
    """Arrow carries every cell that JSON knows, type and all."""
    volume = Volume(entity="one", table="public.t", sample=1, rows=10**10)
    keys = [f"one[{start + place}].id" for place in range(len(cells))]
    batch = Batch(volume=volume, start=start, size=len(cells), values={"c": cells, "d": cells[::-1]}, keys={"id": keys})

    again = decode(encode(batch), {"one": volume})

    assert repr(dataclasses.replace(batch, values={"c": cells, "d": cells[::-1]})) == repr(again)


@pytest.mark.parametrize("data", [b"", b"no arrow", b"\0" * 64])
def test_what_is_no_batch_is_refused(data: bytes) -> None:
    """Bytes that are no Arrow stream are an error that says what belongs there."""
    with pytest.raises(InvalidRequest, match="a batch of rows cannot be read") as caught:
        decode(data, {})

    assert "core.volume.encode" in caught.value.hint


def test_a_batch_of_an_entity_that_is_no_volume_is_refused() -> None:
    """Rows come only for the volumes of the plan."""
    volume = Volume(entity="one", table="public.t", sample=1, rows=1)
    data = encode(Batch(volume=volume, start=1, size=1, values={"c": [1]}))

    with pytest.raises(InvalidRequest, match="'one'"):
        decode(data, {})


def test_a_validator_of_the_users_own_sees_every_row() -> None:
    """Where another validator takes part, it is asked about each row of a batch, not only about new combinations."""
    book = rulebook(NODES)
    made = make(book, entity("node", "nodes", 1_500, parent="node"))
    seen: set[str] = set()

    def watch(check: GateCheck) -> Iterator[Finding]:
        seen.update(row.name for row in check.plan.rows)
        return iter(())

    judge = BatchGate(Gate(book, [Validator("watch", watch)]), made)

    for batch in grow(made, book):
        judge.check(batch)

    assert {f"node[{index}]" for index in range(100, 1_500)} <= seen


def test_pairs_of_references_differ() -> None:
    """A table of pairs gets each pair once, though nothing of it can be drawn."""
    book = rulebook(NODES, LINKS)
    made = make(
        book,
        entity("left", "nodes", 1_100, parent="left"),
        entity("right", "nodes", 1_200, parent="right"),
        entity("link", "links", 5_000, links_a="left", links_b="right"),
    )

    rows = [row for row in all_rows(made, list(grow(made, book))) if row.entity == "link"]

    assert 5_000 == len({(row.keys["a"], row.keys["b"]) for row in rows})


def test_more_pairs_than_there_are_is_said() -> None:
    """Where the rows referred to do not give so many pairs, the error names the columns."""
    book = rulebook(NODES, LINKS)
    made_by = (entity("few", "nodes", 2, parent="few"), entity("link", "links", 1_001, links_a="few", links_b="few"))

    with pytest.raises(PlanImpossible, match="cannot all be different in a, b"):
        list(grow(make(book, *made_by), book))


def test_a_row_that_refers_to_itself_has_followers_that_do() -> None:
    """Rows like one that is its own parent are their own parents."""
    book = rulebook(NODES)

    rows = all_rows(made := make(book, entity("node", "nodes", 1_500, parent="node")), list(grow(made, book)))

    assert all(row.keys["parent"] == row.keys["id"] for row in rows)


def test_the_smallest_volume_begins_above_a_thousand() -> None:
    """A thousand rows stand in the plan; with one more, the plan has a sample and the rest follows."""
    book = rulebook(NODES)

    assert () == make(book, entity("node", "nodes", 1_000, parent="node")).volumes
    assert (Volume(entity="node", table="public.nodes", sample=100, rows=901),) == make(
        book, entity("node", "nodes", 1_001, parent="node")
    ).volumes


def test_a_rule_between_drawn_columns_holds_in_every_row() -> None:
    """A CHECK that ties two columns which must differ from row to row is heeded in each of them."""
    slots = table(
        "slots",
        Column(name="opens", type="integer", nullable=False),
        Column(name="closes", type="integer", nullable=False),
        primary_key=("opens", "closes"),
        checks=(
            Check(name="ordered", expression="(opens < closes)"),
            Check(name="day", expression="(closes <= 86400)"),
        ),
    )
    book = rulebook(slots)

    rows = all_rows(made := make(book, entity("slot", "slots", 3_000)), list(grow(made, book)))

    assert 3_000 == len({(row.values["opens"], row.values["closes"]) for row in rows})
    assert () == Gate(book).check(dataclasses.replace(made, rows=tuple(rows)))


def test_volumes_in_a_circle_are_refused() -> None:
    """Tables that refer to one another cannot both be volumes: what would be first?"""
    one = table(
        "hens",
        Column(name="id", type="bigint", nullable=False, sequence="public.hens_id_seq"),
        Column(name="egg", type="bigint"),
        foreign_keys=(ForeignKey(name="hens_egg", columns=("egg",), parent="public.eggs", parent_columns=("id",)),),
    )
    other = table(
        "eggs",
        Column(name="id", type="bigint", nullable=False, sequence="public.eggs_id_seq"),
        Column(name="hen", type="bigint"),
        foreign_keys=(ForeignKey(name="eggs_hen", columns=("hen",), parent="public.hens", parent_columns=("id",)),),
    )
    schema = Schema(tables={table.id: table for table in (one, other)})
    book = Rulebook(schema, Domain(name=""))

    with pytest.raises(PlanImpossible, match=r"volumes of public\.eggs, public\.hens refer to one another") as caught:
        list(grow(make(book, entity("hen", "hens", 2_000), entity("egg", "eggs", 2_000)), book))

    assert "at most 1,000" in caught.value.hint


def test_as_of_is_the_plans_own() -> None:
    """Rows that follow are made for the day that the plan was made for."""
    days = table(
        "days",
        Column(name="day", type="date", nullable=False),
        checks=(Check(name="past", expression="(day < '2026-06-01'::date)"),),
    )
    book = rulebook(days)
    made = make(book, entity("day", "days", 1_200))

    rows = all_rows(made, list(grow(made, book)))

    assert all(datetime.date.fromisoformat(str(row.values["day"])) < datetime.date(2026, 6, 1) for row in rows)
    assert 1_200 == len({row.values["day"] for row in rows})


def level(name: str, kind: str, above: str | None = None) -> Table:
    """A table whose key is drawn, or allotted where it is a number, and which refers to *above*."""
    key = Column(name="id", type=kind, nullable=False, sequence="public.s" if kind == "bigint" else None)
    code, note = Column(name="code", type="text", nullable=False), Column(name="note", type="text")
    up = Column(name="up", type=kind, nullable=False)
    unique = Unique(name=f"{name}_code", columns=("code",))
    if above is None:
        return table(name, key, code, note, uniques=(unique,))
    refers = ForeignKey(name=f"{name}_up", columns=("up",), parent=f"public.{above}", parent_columns=("id",))
    return table(name, key, code, note, up, uniques=(unique,), foreign_keys=(refers,))


@pytest.mark.parametrize("kind", ["uuid", "bigint"])
def test_a_row_is_judged_beside_all_that_it_refers_to(kind: str) -> None:
    """A grandchild in a volume stands beside its parents' parents, by value or by an allotted key."""
    book = rulebook(level("roots", kind), level("stems", kind, "roots"), level("leaves", kind, "stems"))
    made = make(
        book,
        entity("root", "roots", 1_500),
        entity("stem", "stems", 3_000, up="root"),
        entity("leaf", "leaves", 6_000, up="stem"),
    )
    judge = BatchGate(Gate(book), made)

    assert {()} == {judge.check(batch) for batch in grow(made, book)}


def test_a_promise_over_two_volumes_is_refused() -> None:
    """It would be over each pair of their rows, which are too many to judge: the error says what to do instead."""
    book = rulebook(level("roots", "bigint"), level("stems", "bigint", "roots"))
    named = {one.name: one for one in (entity("root", "roots", 1_500), entity("stem", "stems", 3_000, up="root"))}
    promise = Promise(expression="root.code <> stem.code", source="here:7")
    asked = dataclasses.replace(scenario(*named.values()), promises=(promise,))

    with pytest.raises(CatalogError, match="here:7: the promise is over each pair of rows of root and stem") as caught:
        plan(asked, book, overrides={}, run_id="R", request_key="k", seed=3, as_of=AS_OF)

    assert "a rule of the domain" in caught.value.hint
