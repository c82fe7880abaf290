"""Entities with more rows than a plan holds: written in batches with their ledger, and gone without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_atdm.core.catalog import Domain, Entity, Link, Literal, Scenario
from pytest_atdm.core.errors import InvalidRequest, PlanImpossible, PlanRejected, RowConflict, RowRefused
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.model import Finding
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.volume import grow
from seeder.batches import grow_batches, judge_batches, look_ahead
from seeder.db.rows_now import MAX_ROWS_NOW
from tests.database.world import World, command_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pytest_atdm.core.model import Cell, Plan
    from pytest_atdm.core.volume import Batch
    from seeder.records import SeedOutcome

MANY: Final = 2_500
DDL: Final = """
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN kilograms AS numeric(8, 2) CHECK (VALUE > 0);
CREATE TABLE depots (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE crates (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    depot_id integer NOT NULL REFERENCES depots,
    label varchar(20) NOT NULL UNIQUE CHECK (label ~ '^C-[0-9]{9}$'),
    colour colour NOT NULL,
    weight kilograms NOT NULL,
    packed date NOT NULL,
    sealed date,
    is_open boolean NOT NULL,
    volume double precision NOT NULL,
    above bigint REFERENCES crates,
    CHECK (packed <= sealed), CHECK (is_open OR sealed IS NOT NULL)
);
CREATE INDEX ON crates (above);
CREATE TABLE items (
    crate_id bigint NOT NULL REFERENCES crates,
    place integer NOT NULL CHECK (place BETWEEN 1 AND 500),
    what text NOT NULL,
    PRIMARY KEY (crate_id, place)
);
CREATE TABLE seals (code uuid PRIMARY KEY, crate_id bigint NOT NULL UNIQUE REFERENCES crates);
CREATE TABLE checks (
    seal uuid NOT NULL REFERENCES seals, at timestamptz NOT NULL, notes jsonb NOT NULL, tags text[] NOT NULL,
    PRIMARY KEY (seal, at)
)
"""


class Depot:
    """A world in which scenarios are planned against the schema that it has, and seeded with their volumes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gate = Gate(Rulebook(world.wait(world.database.read_schema()), Domain(name="")))
        self._requests = 0

    def plan(self, *entities: Entity, key: str = "") -> Plan:
        """Return the plan of a scenario with *entities*, which the gate has let pass."""
        self._requests += 1
        scenario = Scenario(
            id="depot", domain="", source="depot", title="", intent="", entities={one.name: one for one in entities}
        )
        made = plan(
            scenario,
            self.gate.rulebook,
            overrides={},
            run_id="01RUN",
            request_key=key or f"request {self._requests}",
            seed=1,
            as_of=datetime.date(2026, 1, 15),
        )
        self.gate.approve(made)
        return made

    def seed(self, made: Plan, change: Callable[[Batch], Batch] = lambda batch: batch) -> SeedOutcome:
        """Write *made* and its volumes, each batch after *change*."""
        self._requests += 1
        return self.world.wait(self._seed(made, f"request-{self._requests:04}", change))

    async def _seed(self, made: Plan, request_id: str, change: Callable[[Batch], Batch]) -> SeedOutcome:
        async def changed() -> AsyncIterator[Batch]:
            async for batch in grow_batches(made, self.gate.rulebook):
                yield change(batch)

        async with contextlib.aclosing(look_ahead(judge_batches(changed(), self.gate, made))) as batches:
            return await self.world.database.seed(command_of(made, request_id=request_id), batches)

    def count(self, table: str) -> int:
        """Return how many rows *table* has."""
        return int(self.world.fetch(f"SELECT count(*) FROM {table}"))  # noqa: S608 (a table of these tests)

    def ledger(self) -> tuple[int, int]:
        """Return how many keys the ledger holds singly, and how many as ranges."""
        return (
            self.world.fetch("SELECT count(*) FROM atdm.ledger"),
            self.world.fetch("SELECT coalesce(sum(last - first + 1), 0)::bigint FROM atdm.ledger_range"),
        )


@pytest.fixture
def depot(make_world: Callable[..., World]) -> Depot:
    """A world of depots."""
    return Depot(make_world(DDL))


def entity(name: str, table: str, count: int | None = None, links: str = "", **given: Cell) -> Entity:
    """An entity of *table*; *links* are ``relation=entity`` with blanks between."""
    pairs = (link.split("=") for link in links.split())
    values: dict[str, Any] = {relation: Link(target, "here") for relation, target in pairs}
    values |= {column: Literal(cell, "here") for column, cell in given.items()}
    number = None if count is None else Literal(count, "here")
    return Entity(name=name, table=f"public.{table}", source="here", count=number, given=values)


FULL: Final = (
    entity("depot", "depots", 3),
    entity("crate", "crates", MANY, "depot=depot"),
    entity("item", "items", 2 * MANY, "crate=crate"),
    entity("seal", "seals", MANY, "crate=crate"),
    entity("check", "checks", MANY, "seal=seal"),
)


def test_so_many_rows_stand_as_were_asked_for(depot: Depot) -> None:
    """Plan and batches together give each entity its count, spread over all rows that they refer to."""
    outcome = depot.seed(depot.plan(*FULL))

    assert {"crates": MANY, "items": 2 * MANY, "seals": MANY, "checks": MANY} == {
        table: depot.count(table) for table in ("crates", "items", "seals", "checks")
    }
    assert {"public.depots": 3, "public.crates": MANY, "public.items": 2 * MANY} == {
        table: outcome.counts[table] for table in ("public.depots", "public.crates", "public.items")
    }
    assert [834, 833, 833] == depot.world.fetch(
        "SELECT array_agg(n ORDER BY n DESC) FROM (SELECT count(*) AS n FROM crates GROUP BY depot_id) c"
    )
    assert MANY == depot.world.fetch("SELECT count(DISTINCT crate_id) FROM items")


def test_nothing_is_left_after_the_reset(depot: Depot) -> None:
    """The reset removes rows of the plan and rows of the volumes, and counts both; ledger and tables are empty."""
    before = depot.world.rows()
    made = depot.plan(*FULL)
    outcome = depot.seed(made)

    report = depot.world.reset(outcome)

    expected = Counter(row.table for row in made.rows)
    expected.update({volume.table: volume.rows for volume in made.volumes})
    assert (expected, {}, (), ()) == (report.seeded, report.made_by_sut, report.left, report.detached)
    assert before == depot.world.rows()
    assert (0, 0) == depot.ledger()


def test_the_first_of_many_rows_are_told(depot: Depot) -> None:
    """Who asks what stands is told the first rows of a volume, and how many there are more."""
    made = depot.plan(*FULL)
    outcome = depot.seed(made)

    found = depot.world.wait(depot.world.database.read_rows_now(outcome.request_id))

    assert MAX_ROWS_NOW == len(found.rows)
    assert sum(outcome.counts.values()) - MAX_ROWS_NOW == found.more
    assert {"public.depots"} == {row.table for row in found.rows[:3]}


def test_dense_keys_are_kept_as_ranges(depot: Depot) -> None:
    """Keys from a sequence take one entry for all; the rows of the plan and keys of other kinds are kept singly."""
    made = depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot"))

    depot.seed(made)

    following = made.volumes[0].rows
    assert (len(made.rows), following) == depot.ledger()
    assert 1 == depot.world.fetch("SELECT count(*) FROM atdm.ledger_range")
    assert MANY + 1 == depot.world.wait(depot.world.database.metrics()).live_rows
    assert MANY + 1 == depot.world.wait(depot.world.database.read_run("01RUN")).live_rows


def test_what_the_application_hung_below_goes_too(depot: Depot) -> None:
    """A row of the application's below a row of a volume is removed with it, and reported as its own."""
    outcome = depot.seed(depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot")))
    depot.world.execute("INSERT INTO items SELECT max(id), 1, 'found' FROM crates")

    report = depot.world.reset(outcome)

    assert {"public.items": 1} == report.made_by_sut
    assert (0, 0) == (depot.count("items"), depot.count("crates"))


def test_rows_that_stood_before_keep_standing(depot: Depot) -> None:
    """An older row that the application points at a row of a volume is only let go of."""
    depot.world.execute(
        "INSERT INTO depots VALUES (DEFAULT, 'old');"
        "INSERT INTO crates SELECT 7, id, 'C-000000001', 'red', 1, now(), now(), true, 1"
        " FROM depots".replace("SELECT 7,", "OVERRIDING SYSTEM VALUE SELECT 7,")
    )
    depot.world.start_run("01NEXT")
    made = dataclasses.replace(
        depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot")), run_id="01NEXT"
    )
    outcome = depot.seed(made)
    depot.world.execute("UPDATE crates SET above = (SELECT max(id) FROM crates) WHERE id = 7")

    report = depot.world.reset(outcome)

    assert 1 == depot.count("crates")
    assert [("public.crates", {"id": 7})] == [(row.table, row.key) for row in report.detached]


def test_two_requests_do_not_touch_each_other(depot: Depot) -> None:
    """Volumes of two requests stand side by side; the reset of one leaves the other whole."""
    entities = (entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot"))
    first, second = depot.seed(depot.plan(*entities)), depot.seed(depot.plan(*entities))
    assert 2 * MANY == depot.count("crates")

    depot.world.reset(first)

    assert MANY == depot.count("crates")
    depot.world.reset(second)
    assert 0 == depot.count("crates")


def test_the_end_of_a_run_removes_its_volumes(depot: Depot) -> None:
    """Resetting the run resets what it holds as ranges, too."""
    depot.seed(depot.plan(*FULL))

    depot.world.wait(depot.world.database.reset_run("01RUN"))

    assert (0, 0, 0) == (depot.count("crates"), *depot.ledger())


def test_a_batch_that_breaks_a_rule_keeps_all_from_being_written(depot: Depot) -> None:
    """The gate judges what follows the plan: a finding in the last batch, and nothing of the request stays."""
    made = depot.plan(entity("depot", "depots"), entity("crate", "crates", 12_000, "depot=depot"))

    def spoil(batch: Batch) -> Batch:
        if batch.start < 10_000:
            return batch
        labels = [*batch.values["label"][:-1], "no label"]
        return dataclasses.replace(batch, values={**batch.values, "label": labels})

    with pytest.raises(PlanRejected) as caught:
        depot.seed(made, spoil)

    (finding,) = caught.value.findings
    assert isinstance(finding, Finding)
    assert ("check:crates_label_check", "$.entities.crate[11999].label") == (finding.rule, finding.path)
    assert (0, 0, 0) == (depot.count("depots"), depot.count("crates"), sum(depot.ledger()))


def test_a_row_that_the_database_refuses_takes_all_others_with_it(depot: Depot) -> None:
    """A unique key that stands there already is a conflict, and nothing of the request stays."""
    made = depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot"))
    label = list(grow(made, depot.gate.rulebook))[-1].values["label"][-1]
    depot.world.execute(
        "WITH d AS (INSERT INTO depots VALUES (DEFAULT, 'other') RETURNING id)"
        " INSERT INTO crates SELECT 1, id, $1, 'red', 1, now(), now(), true, 1 FROM d".replace(
            "SELECT 1,", "OVERRIDING SYSTEM VALUE SELECT 1,"
        ),
        label,
    )

    with pytest.raises(RowConflict):
        depot.seed(made)

    assert (1, 1, 0) == (depot.count("depots"), depot.count("crates"), sum(depot.ledger()))


def test_the_same_key_gives_the_same_rows_again(depot: Depot) -> None:
    """Asked for again under its idempotency key, a request is answered as before, and nothing is written twice."""
    made = depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot"))
    command = command_of(made, request_id="twice")
    database, book = depot.world.database, depot.gate.rulebook
    first = depot.world.wait(database.seed(command, grow_batches(made, book)))

    again = depot.world.wait(
        database.seed(dataclasses.replace(command, request_id="twice again"), grow_batches(made, book))
    )

    assert (True, "twice") == (again.replayed, again.request_id)
    assert first.rows == again.rows
    assert MANY == depot.count("crates")


def test_values_are_those_of_the_plan_in_every_type(depot: Depot) -> None:
    """What COPY writes is what was planned: numbers, dates, enums, booleans, and what only JSON can say."""
    made = depot.plan(*FULL)
    depot.seed(made)

    for volume in made.volumes:
        batches = [batch for batch in grow(made, depot.gate.rulebook) if batch.volume == volume]
        rows = depot.world.fetch(f"SELECT json_agg(t) FROM {volume.table} t")  # noqa: S608 (a table of these tests)
        for name in batches[0].values:
            planned = Counter(_plain(cell) for batch in batches for cell in batch.values[name])
            assert not planned - Counter(_plain(row[name]) for row in json.loads(rows)), name


def _plain(cell: object) -> object:
    """A number as a number and a moment with a blank, however they were written."""
    try:
        return Decimal(str(cell)).normalize()
    except InvalidOperation:
        return str(cell).replace("T", " ")


def test_keys_that_stand_there_are_passed_over(depot: Depot) -> None:
    """Rows that were loaded without their sequence keep their keys: the volume takes others."""
    depot.world.execute(
        "INSERT INTO depots VALUES (DEFAULT, 'old');"
        "INSERT INTO crates OVERRIDING SYSTEM VALUE SELECT n, 1, 'C-' || lpad(n::text, 9, '0'), 'red', 1, now(), now(),"
        " true, 1 FROM generate_series(500, 900) n"
    )
    outcome = depot.seed(depot.plan(entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot")))

    assert MANY + 401 == depot.count("crates")
    depot.world.reset(outcome)
    assert 401 == depot.count("crates")


def test_a_key_that_was_taken_anew_is_its_new_owners(depot: Depot) -> None:
    """Rows of a volume that the application deleted, and whose keys came again, belong to whoever has them now."""
    entities = (entity("depot", "depots"), entity("crate", "crates", MANY, "depot=depot"))
    first = depot.seed(depot.plan(*entities))
    depot.world.execute("DELETE FROM crates WHERE id > 600; ALTER TABLE crates ALTER id RESTART WITH 1001")
    second = depot.seed(depot.plan(entity("depot", "depots"), entity("crate", "crates", 1_200, "depot=depot")))

    depot.world.reset(first)

    assert 1_200 == depot.count("crates")
    depot.world.reset(second)
    assert (0, 0, 0) == (depot.count("crates"), *depot.ledger())


def test_rows_that_triggers_make_belong_to_the_request(make_world: Callable[..., World]) -> None:
    """A trigger that writes a row for each row of a volume: all go with the reset."""
    world = make_world(
        """CREATE TABLE boxes (id serial PRIMARY KEY, label text NOT NULL);
        CREATE TABLE log (id serial PRIMARY KEY, what text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO log (what) VALUES (NEW.label); RETURN NEW; END';
        CREATE TRIGGER note AFTER INSERT ON boxes FOR EACH ROW EXECUTE FUNCTION note()"""
    )
    depot = Depot(world)
    outcome = depot.seed(depot.plan(entity("box", "boxes", MANY)))
    assert (MANY, MANY) == (depot.count("boxes"), depot.count("log"))

    report = world.reset(outcome)

    assert {"public.boxes": MANY, "public.log": MANY} == report.seeded
    assert (0, 0) == (depot.count("boxes"), depot.count("log"))


def test_a_trigger_that_drops_rows_is_noticed(make_world: Callable[..., World]) -> None:
    """Rows that a trigger makes nothing of are an error that names the table, and nothing stays."""
    world = make_world(
        """CREATE TABLE boxes (id serial PRIMARY KEY, label text NOT NULL);
        CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF NEW.id % 1000 = 999 THEN RETURN NULL; END IF; RETURN NEW; END';
        CREATE TRIGGER drop_some BEFORE INSERT ON boxes FOR EACH ROW EXECUTE FUNCTION drop_some()"""
    )
    depot = Depot(world)

    with pytest.raises(RowRefused, match=r"public\.boxes: of \d+ rows") as caught:
        depot.seed(depot.plan(entity("box", "boxes", MANY)))

    assert "BEFORE INSERT" in caught.value.hint
    assert 0 == depot.count("boxes")


def test_a_table_without_a_key_holds_no_volume(make_world: Callable[..., World]) -> None:
    """Rows that nothing tells apart could not be removed by their keys: refused before anything is written."""
    depot = Depot(make_world("CREATE TABLE notes (what text)"))

    with pytest.raises(RowRefused, match="no key of plain columns") as caught:
        depot.seed(depot.plan(entity("note", "notes", MANY)))

    assert "primary key" in caught.value.hint


def test_rows_that_cannot_differ_are_refused_before_anything_is_sent(make_world: Callable[..., World]) -> None:
    """Where only so many different rows can be, the planner says so, and in which columns."""
    depot = Depot(
        make_world("CREATE TABLE seats (number integer PRIMARY KEY CHECK (number BETWEEN 1 AND 1500), guest text)")
    )
    made = depot.plan(entity("seat", "seats", MANY))

    with pytest.raises(PlanImpossible, match="cannot all be different in number") as caught:
        list(grow(made, depot.gate.rulebook))

    assert "fewer rows" in caught.value.hint


def test_partitions_inheritance_and_defaults_take_volumes(make_world: Callable[..., World]) -> None:
    """A partitioned table with a key of two columns, one of them from a sequence, is written and reset."""
    world = make_world(
        """CREATE TABLE readings (id bigserial, at date NOT NULL, value integer DEFAULT 0, PRIMARY KEY (id, at))
            PARTITION BY RANGE (at);
        CREATE TABLE readings_25 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE readings_26 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"""
    )
    depot = Depot(world)
    outcome = depot.seed(depot.plan(entity("reading", "readings", MANY)))
    assert MANY == depot.count("readings")

    world.reset(outcome)

    assert (0, 0, 0) == (depot.count("readings"), *depot.ledger())


def test_a_stream_that_stops_leaves_nothing(depot: Depot) -> None:
    """A caller who goes away in the middle: the transaction ends without a row."""
    made = depot.plan(entity("depot", "depots"), entity("crate", "crates", 12_000, "depot=depot"))

    async def stop() -> AsyncIterator[Batch]:
        batches = grow_batches(made, depot.gate.rulebook)
        yield await anext(batches)
        await asyncio.sleep(0)
        raise InvalidRequest("the body ends in the middle", hint="send it whole")

    with pytest.raises(InvalidRequest):
        depot.world.wait(depot.world.database.seed(command_of(made, request_id="stopped"), stop()))

    assert (0, 0, 0) == (depot.count("depots"), depot.count("crates"), sum(depot.ledger()))


def test_a_cleanup_of_many_rows_has_the_time_that_it_needs(make_world: Callable[..., World]) -> None:
    """Statements that remove a volume have a quarter of an hour, those of other requests half a minute."""
    world = make_world(
        """CREATE TABLE boxes (id serial PRIMARY KEY, label text NOT NULL);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('statement_timeout') <> '15min' THEN
                RAISE 'only %', current_setting('statement_timeout');
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER look AFTER DELETE ON boxes FOR EACH STATEMENT EXECUTE FUNCTION look()"""
    )
    depot = Depot(world)
    few, many = depot.plan(entity("box", "boxes", 2)), depot.plan(entity("box", "boxes", MANY))

    world.reset(depot.seed(many))

    assert 0 == depot.count("boxes")
    with pytest.raises(RowRefused, match="only 30s"):
        world.reset(world.seed(*few.rows))


NAMED: Final = """
CREATE TABLE boxes (code uuid PRIMARY KEY, label text NOT NULL, inside uuid REFERENCES boxes);
CREATE TABLE tags (code uuid PRIMARY KEY, box uuid NOT NULL REFERENCES boxes)
"""


@pytest.mark.parametrize("tagged", [False, True])
def test_rows_with_keys_of_their_own_go_table_by_table(make_world: Callable[..., World], *, tagged: bool) -> None:
    """Volumes without a sequence, whose foreign keys have no index, leave nothing; nor does what hangs below them."""
    depot = Depot(make_world(NAMED))
    outcome = depot.seed(depot.plan(entity("box", "boxes", MANY), entity("tag", "tags", MANY, "box=box")))
    depot.world.execute("UPDATE boxes SET inside = (SELECT max(code::text)::uuid FROM boxes)")
    if tagged:
        depot.world.execute("INSERT INTO tags SELECT '00000000-0000-0000-0000-000000000001', code FROM boxes LIMIT 1")

    report = depot.world.reset(outcome)

    assert ({"public.boxes": MANY, "public.tags": MANY}, {"public.tags": 1} if tagged else {}) == (
        report.seeded,
        report.made_by_sut,
    )
    assert (0, 0, 0, 0) == (depot.count("boxes"), depot.count("tags"), *depot.ledger())


def test_an_old_row_that_refers_to_a_volume_keeps_standing(make_world: Callable[..., World]) -> None:
    """A row that stood there before, pointed at a row of a volume by the application, is let go of and reported."""
    depot = Depot(make_world(NAMED))
    depot.world.execute("INSERT INTO boxes VALUES ('00000000-0000-0000-0000-000000000001', 'old')")
    outcome = depot.seed(depot.plan(entity("box", "boxes", MANY)))
    depot.world.execute("UPDATE boxes SET inside = (SELECT max(code::text)::uuid FROM boxes) WHERE label = 'old'")

    report = depot.world.reset(outcome)

    assert (1, 1) == (depot.count("boxes"), len(report.detached))
