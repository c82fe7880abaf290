"""What the shape of a database tells of a domain that nobody has described."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.catalog import Domain, Rule, load_catalog
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.inference import (
    MAX_LISTED,
    Guess,
    Inference,
    LeftOut,
    Starter,
    choose_tables,
    find_lists,
    order_parents_first,
)
from pytest_atdm.core.inference.choices import list_choices
from pytest_atdm.core.inference.markers import infer_markers
from pytest_atdm.core.inference.periods import are_ordered, infer_order
from pytest_atdm.core.inference.render import render_domain, render_scenario, render_test
from pytest_atdm.core.inference.spelling import spell_table
from pytest_atdm.core.inference.tables import MAX_STARTERS
from pytest_atdm.core.inference.words import find_kind, is_of_people, name_entity
from pytest_atdm.core.planner import plan
from pytest_atdm.core.rulebook import Rulebook
from pytest_atdm.core.schema import Check, Column, ForeignKey, Schema, Table, Unique
from tests.core.schemas import schemas, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_atdm.core.model import Plan

AS_OF: Final = date(2026, 3, 31)
RUN: Final = "01JD0000000000000000000000"
NAMES: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
#: Names of columns, of which most say something.
TELLING: Final = st.sampled_from(
    ("email", "first_name", "name", "phone", "website", "note", "start_date", "end_date", "created_at", "updated_at")
)
TYPES: Final = st.sampled_from(
    ("text", "character varying(60)", "character varying(6)", "integer", "date", "timestamp with time zone")
)


def book(*tables: Table, rules: Iterable[Rule] = ()) -> Rulebook:
    """Return the rulebook of *tables* with *rules*."""
    schema = Schema(tables={one.id: one for one in tables}, enums={"mood": ("sad", "ok")})
    return Rulebook(schema, Domain(name="shop", rules=tuple(rules)))


def person(*columns: Column, **more: object) -> Table:
    """Return the table people with *columns* beside its key."""
    return table("people", Column(name="id", type="uuid", nullable=False), *columns, **more)


def rules_of(shape: Table) -> list[str]:
    """Return the rules that are inferred of a table on its own."""
    found = [*infer_order(book(shape), shape), *infer_markers(book(shape), shape, AS_OF)]
    return [one.rule.expression for one in found if isinstance(one, Guess)]


# -- words


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("email", "e-mail"), ("eMail", "e-mail"), ("contact_email", "e-mail"), ("email_address", "e-mail"),
        ("e_mail_2", "e-mail"), ("email_status", None), ("mailing_address", None),
        ("first_name", "name"), ("lastName", "name"), ("surname", "name"), ("user_name", "name"), ("name", None),
        ("file_name", None), ("phone", "phone"), ("mobile_number", "phone"), ("phone2", "phone"), ("fax_no", "phone"),
        ("phone_type", None), ("website", "web"), ("avatarURL", "web"), ("url_count", None), ("", None), ("42", None),
    ],
)  # fmt: skip
def test_column_names_tell(column: str, kind: str | None) -> None:
    """The last word of a name tells what a column holds; a word in front of another only describes that."""
    assert find_kind(column) == kind


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("contacts", ["id"], True), ("app_user", ["id"], True), ("readers", ["name", "last_name"], True),
        ("readers", ["name", "email"], True), ("products", ["name", "price"], False),
    ],
)  # fmt: skip
def test_people_are_told_from_things(name: str, columns: list[str], expected: bool) -> None:  # noqa: FBT001
    """Rows are people where the table says so, or where they can be reached."""
    assert is_of_people(name, columns) is expected


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("loans", "loan"), ("categories", "category"), ("addresses", "address"), ("statuses", "status"),
        ("boxes", "box"), ("order_lines", "order_line"), ("Benutzer", "benutzer"), ("2fa", "row_2_fa"), ("t16", "t16"),
        ("—", "row"),
    ],
)  # fmt: skip
def test_entities_are_called_as_one_row(name: str, entity: str) -> None:
    """An entity has the name of its table in the singular."""
    assert name_entity(name) == entity


@given(NAMES)
def test_entities_have_names_that_a_catalog_takes(name: str) -> None:
    """Whatever a table is called, its entity is called by letters, digits and single underscores."""
    assert re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*", name_entity(name))


# -- rules


def test_markers_fit_the_column() -> None:
    """Of the marks of a kind the first is taken with which type and CHECKs leave a value."""
    checks = (
        Check(name="low", expression="email = lower(email) AND email LIKE '%.example.com'", columns=("email",)),
        Check(name="digits", expression="phone ~ '^[0-9]{10}$'", columns=("phone",)),
        Check(name="letters", expression="name !~ '_'", columns=("name",)),
    )
    shape = person(
        Column(name="name", type="text"), Column(name="email", type="text"), Column(name="phone", type="text"),
        checks=checks,
    )  # fmt: skip

    assert rules_of(shape) == ["name LIKE 'Fake %'", "email LIKE '%@%.example.com'", "phone LIKE '20255501__'"]


def test_unique_columns_keep_room_for_many_requests() -> None:
    """A mark that leaves a handful of values is not given to a column that is unique."""
    shape = person(Column(name="phone", type="text", nullable=False), uniques=(Unique(name="u", columns=("phone",)),))

    (rule,) = rules_of(shape)

    made = book(shape, rules=[Rule(id="r", kind="synthetic", table="people", expression=rule, fix="", source="")])
    drawn = {make_plan(made, "people", key).rows[0].values["phone"] for key in map(str, range(200))}
    assert len(drawn) == 200


def test_a_marker_without_a_value_is_left_out() -> None:
    """Where no mark fits, that is said instead."""
    shape = person(Column(name="email", type="character varying(5)"))

    (left_out,) = infer_markers(book(shape), shape, AS_OF)

    assert isinstance(left_out, LeftOut)
    assert (left_out.table, left_out.what) == ("public.people", "a marker for email")


def test_columns_that_no_plan_gives_get_no_marker() -> None:
    """References, generated columns, arrays and numbers are not marked."""
    parent = table("boxes", Column(name="email", type="text", nullable=False))
    key = ForeignKey(name="f", columns=("email",), parent="public.boxes", parent_columns=("email",))
    shape = person(
        Column(name="email", type="text"), Column(name="phone", type="integer"), Column(name="url", type="text[]"),
        Column(name="full_name", type="text", generated=True),
        foreign_keys=(key,),
    )  # fmt: skip

    assert list(infer_markers(book(parent, shape), shape, AS_OF)) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("start_date", "end_date", True), ("end_date", "start_date", False), ("valid_from", "valid_to", True),
        ("createdAt", "updatedAt", True), ("opened_at", "closed_on", True), ("period_start", "period_end", True),
        ("start_date", "trial_end_date", False), ("from", "to", True), ("issued", "expires_at", True),
        ("day", "night", False), ("a_start_start", "a_end_end", False),
    ],
)  # fmt: skip
def test_names_tell_which_date_comes_first(first: str, second: str, expected: bool) -> None:  # noqa: FBT001
    """Names that differ in one pair of words are ordered; what stands behind the word for the unit does not count."""
    assert are_ordered(first, second) is expected


@pytest.mark.parametrize(
    "check",
    ["start_on <= end_on", "(start_on IS NULL) OR (end_on IS NULL) OR (end_on > start_on)", "end_on - start_on >= 0"],
)
def test_an_order_that_a_check_keeps_is_not_repeated(check: str) -> None:
    """What the database refuses anyway needs no rule."""
    columns = (Column(name="start_on", type="date"), Column(name="end_on", type="date"))
    plain = person(*columns)
    checked = person(*columns, checks=(Check(name="c", expression=check, columns=("start_on", "end_on")),))

    assert rules_of(plain) == ["start_on <= end_on"]
    assert rules_of(checked) == []


def test_dates_of_different_types_are_not_ordered() -> None:
    """A date and a timestamp are not compared, nor are times of day, which may pass midnight."""
    shape = person(
        Column(name="start_on", type="date"), Column(name="end_on", type="timestamp with time zone"),
        Column(name="opens", type="time without time zone"), Column(name="closes", type="time without time zone"),
    )  # fmt: skip

    assert rules_of(shape) == []


@given(st.dictionaries(TELLING, TYPES, max_size=6), st.booleans())
def test_inferred_rules_can_be_kept(columns: dict[str, str], nullable: bool) -> None:  # noqa: FBT001
    """Where no CHECK stands against it, a plan keeps everything that is inferred, and the gate lets it pass."""
    shape = person(*(Column(name=name, type=type, nullable=nullable) for name, type in columns.items()))
    found = [*infer_order(book(shape), shape), *infer_markers(book(shape), shape, AS_OF)]
    made = book(shape, rules=[one.rule for one in found if isinstance(one, Guess)])

    assert Gate(made).check(make_plan(made, "people", "key")) == ()


def make_plan(rulebook: Rulebook, name: str, key: str) -> Plan:
    """Return the plan of one row of the table *name*."""
    scenario = f"title: T\nentities:\n  row: {{table: {name}}}\n"
    one = load_catalog({"shop/domain.yaml": "title: S\n", "shop/scenarios/one.yaml": scenario}).scenario("one")
    return plan(one, rulebook, overrides={}, run_id=RUN, request_key=key, seed=0, as_of=AS_OF)


# -- tables


def test_listed_values_are_found() -> None:
    """Enums and CHECKs list values; a column that may have others has none."""
    checks = (
        Check(name="s", expression="(state = ANY (ARRAY['new'::text, 'done'::text]))", columns=("state",)),
        Check(name="o", expression="(other = 'x'::text) OR (length(other) > 3)", columns=("other",)),
    )
    names = {"mood": "mood", "state": "text", "other": "text", "free": "text"}
    shape = person(*(Column(name=name, type=type) for name, type in names.items()), checks=checks)

    assert list_choices(book(shape), shape) == {"mood": ("sad", "ok"), "state": ("new", "done")}


def make_graph(**parents: str) -> Schema:
    """Return a schema of tables by name, each with the tables that it refers to."""
    key = Column(name="id", type="uuid", nullable=False)
    tables = []
    for name, targets in parents.items():
        columns = [Column(name=f"{target}_id", type="uuid") for target in targets.split()]
        keys = tuple(
            ForeignKey(name=one.name, columns=(one.name,), parent=f"public.{one.name[:-3]}", parent_columns=("id",))
            for one in columns
        )
        tables.append(table(name, key, *columns, foreign_keys=keys))
    return Schema(tables={one.id: one for one in tables})


def test_lists_are_small_tables_that_others_refer_to() -> None:
    """Reference data has rows, but few, refers to nothing, and is referred to."""
    schema = make_graph(kinds="", logs="", things="kinds", parts="things empty long", empty="", long="")
    standing = {"public.kinds": 3, "public.logs": 3, "public.things": 3, "public.empty": 0}
    standing["public.long"] = MAX_LISTED + 1

    assert find_lists(schema, standing) == {"public.kinds": 3}


def test_the_tables_in_the_middle_come_first() -> None:
    """Tables with the most references, in and out, are chosen, at most ten; lists and tables of tools are not."""
    names = {f"t{number}": "hub" for number in range(MAX_STARTERS)}
    schema = make_graph(kinds="", hub="kinds", alone="", alembic_version="", **names)

    chosen = choose_tables(schema, {"public.kinds"})

    assert chosen[0] == "public.hub"
    assert len(chosen) == MAX_STARTERS
    assert not {"public.kinds", "public.alone", "public.alembic_version"} & set(chosen)


@given(schemas())
def test_parents_come_before_children(schema: Schema) -> None:
    """Every table is listed once, and after all that it refers to, itself aside."""
    ordered = order_parents_first(schema, schema.tables)

    assert sorted(ordered) == sorted(schema.tables)
    for id in ordered:
        for key in schema.tables[id].foreign_keys:
            assert ordered.index(key.parent) <= ordered.index(id)


def test_a_table_brings_only_what_it_refers_to() -> None:
    """Asked for one table, the list has its ancestors and no others, circles included."""
    schema = make_graph(a="b", b="a c", c="", d="a")

    assert sorted(order_parents_first(schema, ["public.a"])) == ["public.a", "public.b", "public.c"]


@given(st.lists(st.tuples(NAMES.filter(lambda name: "." not in name), NAMES), min_size=1, max_size=5, unique=True))
def test_spelt_tables_are_found_again(names: list[tuple[str, str]]) -> None:
    """However tables and schemas are called, what a catalog writes leads back to the table."""
    ids = [".".join(pair) for pair in names]
    schema = Schema(tables={id: Table(id=id, columns=()) for id in ids}, search_path=(names[0][0], names[-1][0]))

    assert [schema.table(spell_table(schema, id)).id for id in ids] == ids


# -- files


@given(NAMES, NAMES, NAMES, NAMES, st.lists(NAMES, max_size=3))
def test_scenarios_can_be_read_whatever_names_are(one: str, two: str, three: str, four: str, more: list[str]) -> None:
    """A scenario's file is read by the catalog, and names the table, whatever the database calls things."""
    starter = Starter(
        id="one_row", entity="row", table=one, key=(two,), relations={three: four}, choices={four: more},
        remarks=tuple(more),
    )  # fmt: skip
    files = {"shop/domain.yaml": "title: S\n", "shop/scenarios/one_row.yaml": render_scenario(starter)}

    entity = load_catalog(files).scenario("one_row").entities["row"]

    assert (entity.table, entity.given) == (one, {})
    compile(render_test(starter), "test", "exec")


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.sampled_from(("temporal", "synthetic"))), max_size=4), NAMES)
def test_domains_can_be_read_whatever_names_are(parts: list[tuple[str, str, str, str]], note: str) -> None:
    """The rules of a domain's file are read as they were inferred, whatever the database calls things."""
    rules = [
        Rule(id=str(number), kind=kind, table=one, expression=two, fix=three, source="")  # type: ignore[arg-type]
        for number, (one, two, three, kind) in enumerate(parts)
    ]
    text = render_domain("shop", [Guess(rule=rule, why=note) for rule in rules], [note])

    read = load_catalog({"shop/domain.yaml": text}).domain("shop").rules

    said = {(rule.id, rule.kind, rule.table, rule.expression, rule.fix) for rule in read}
    assert said == {(rule.id, rule.kind, rule.table, rule.expression, rule.fix) for rule in rules}


def test_ids_of_scenarios_are_free() -> None:
    """A starter takes the next name where another domain has the first, and its own where only its own domain has."""
    schema = make_graph(loans="")
    theirs = {"other/scenarios/one_loan.yaml": "", "other/scenarios/one_public_loan.yaml": ""}
    ours = {"shop/scenarios/one_loan.yaml": ""}

    ids = [
        Inference(schema, files, domain="shop", run_id=RUN, seed=0, as_of=AS_OF).make_starter("public.loans").id
        for files in (theirs, ours)
    ]

    assert ids == ["one_public_loan_2", "one_loan"]
