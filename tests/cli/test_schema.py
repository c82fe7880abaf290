"""``atdm schema show`` and ``atdm schema diff``."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm.cli.schema_diff import describe_change
from pytest_atdm.cli.schema_show import describe_schema
from pytest_atdm.core.schema import Attribute, Check, Column, Domain, ForeignKey, Schema, Table, Trigger, Unique
from pytest_atdm.core.schema_diff import Change, compare_schemas
from pytest_atdm.core.wire import load_schema
from tests.cli.shipped import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Atdm

CUSTOMERS: Final = Table(
    id="public.customers", columns=(Column(name="id", type="uuid", nullable=False),), primary_key=("id",)
)
ORDERS: Final = Table(
    id="public.orders",
    columns=(
        Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.orders_id_seq"),
        Column(name="customer_id", type="uuid", nullable=False),
        Column(name="mood", type="mood", default="'ok'::mood"),
        Column(name="total", type="price", nullable=False),
        Column(name="tax", type="numeric", generated=True, expression="(total * 0.2)"),
    ),
    primary_key=("id",),
    uniques=(Unique(name="orders_once", columns=("customer_id", "total")),),
    foreign_keys=(
        ForeignKey(
            name="orders_customer",
            columns=("customer_id",),
            parent="public.customers",
            parent_columns=("id",),
            on_delete="cascade",
        ),
    ),
    checks=(Check(name="orders_total", expression="(total > 0)", columns=("total",)),),
    triggers=(Trigger(name="orders_note", kind="before", events=("insert", "update"), function="public.note"),),
    row_security=True,
)
SHOP: Final = Schema(
    tables={ORDERS.id: ORDERS, CUSTOMERS.id: CUSTOMERS},
    enums={"mood": ("sad", "ok")},
    domains={"price": Domain(name="price", type="numeric(10,2)", nullable=False)},
    composites={"place": (Attribute(name="street", type="text"), Attribute(name="number", type="integer"))},
)
SHOWN: Final = f"""\
schema {SHOP.fingerprint}: 2 tables

public.customers
  id  uuid, not null
  primary key (id)
  referred to by public.orders (customer_id), orders_customer

public.orders
  id           bigint, not null, generated always as identity
  customer_id  uuid, not null
  mood         mood, default 'ok'::mood
  total        price, not null
  tax          numeric, generated as (total * 0.2)
  primary key (id)
  foreign key orders_customer (customer_id) to public.customers (id), on delete cascade
  unique orders_once: columns (customer_id, total)
  check orders_total: expression (total > 0), columns (total)
  trigger orders_note: kind before, events (insert, update), function public.note
  row security: yes

enums
  mood: (sad, ok)

domains
  price: type numeric(10,2), nullable no

composites
  place: (street text, number integer)

search path
  (public)"""


def test_a_schema_is_shown_for_people() -> None:
    """Columns, keys both ways, and whatever else is said of a table or type; what is as usual is left out."""
    assert "\n".join(describe_schema(SHOP)) == SHOWN


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(kind="added", path=("tables", "public.orders", "columns", "mood"), after=ORDERS.columns[2]),
         "tables > public.orders > columns > mood: type mood, default 'ok'::mood"),
        (Change(kind="removed", path=("enums", "mood"), before=("sad", "ok")), "enums > mood: (sad, ok)"),
        (Change(kind="changed", path=("tables", "t", "columns", "a", "nullable"), before=True, after=False),
         "tables > t > columns > a > nullable: yes -> no"),
        (Change(kind="changed", path=("tables", "t", "partitions"), before=None, after=()),
         "tables > t > partitions: none -> none"),
        (Change(kind="added", path=("tables", "public.customers"), after=CUSTOMERS),
         "tables > public.customers: columns (id uuid), primary key (id)"),
    ],
)  # fmt: skip
def test_a_change_is_told_in_a_line(change: Change, told: str) -> None:
    """Where it is, and what it made of what."""
    assert describe_change(change) == told


def test_the_schema_in_json_is_read_again(atdm: Atdm) -> None:
    """What ``show`` writes is the whole value: read strictly, it has the fingerprint that people are shown."""
    shown = atdm("schema", "show", "--output", "json")

    assert (shown.code, shown.err) == (0, "")
    fingerprint = load_schema(shown.out.encode()).fingerprint
    assert atdm("schema", "show").out.splitlines()[0] == f"schema {fingerprint}: {len(shown.payload['tables'])} tables"


def test_one_table_is_shown(atdm: Atdm) -> None:
    """``--table`` takes a name with or without its schema, and leaves out all others."""
    shown = atdm("schema", "show", "--table", "members")

    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("public.members\n  id ")
    assert "  referred to by public.claims (member_id), claims_member_id_fkey\n" in shown.out
    assert atdm("schema", "show", "--table", "public.members", "--output", "json").payload["id"] == "public.members"


def test_an_unknown_table_is_an_error(atdm: Atdm) -> None:
    """The nearest name is proposed."""
    outcome = atdm("schema", "show", "--table", "membrs")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        'error: --table: the database has no table "membrs"\nhint:  did you mean "members"?\ncode:  schema_mismatch\n'
    )


def save(atdm: Atdm, path: Path, **changes: Table | None) -> Schema:
    """Save the target's schema as it was when its tables were as *changes* say, and return it."""
    now = load_schema(atdm("schema", "show", "--output", "json").out.encode())
    tables = {**now.tables, **{f"public.{name}": table for name, table in changes.items()}}
    before = dataclasses.replace(now, tables={name: table for name, table in tables.items() if table is not None})
    path.write_text(json.dumps(dataclasses.asdict(before)))
    return before


def test_a_schema_that_did_not_change(atdm: Atdm, tmp_path: Path) -> None:
    """Saved and compared, nothing differs, and no check finds anything."""
    (tmp_path / "schema.json").write_text(atdm("schema", "show", "--output", "json").out)

    outcome = atdm("schema", "diff", str(tmp_path / "schema.json"), "--strict", "--exact")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("the schema is as it was: sha256:")
    assert outcome.out.endswith(f"\n\nscenarios: {len(SHIPPED)} sound, 0 broken, 0 failing, 0 mended\n")


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 0), (("--exact",), 2)])
def test_a_change_that_breaks_nothing_fails_only_an_exact_check(
    atdm: Atdm, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    """A table more is a difference, and no scenario minds it."""
    before = save(atdm, tmp_path / "schema.json", claim_decision_notes=None)

    outcome = atdm("schema", "diff", str(tmp_path / "schema.json"), *words)

    assert (outcome.code, outcome.err) == (code, "")
    lines = outcome.out.splitlines()
    assert lines[0] == f"before  {before.fingerprint}"
    assert lines[3].startswith("added      tables > public.claim_decision_notes: columns (id bigint, ")
    assert lines[4:] == ["", f"scenarios: {len(SHIPPED)} sound, 0 broken, 0 failing, 0 mended"]


def test_a_comparison_in_json(atdm: Atdm, tmp_path: Path) -> None:
    """The differences are told in JSON with their paths and values, the scenarios by what becomes of them."""
    before = save(atdm, tmp_path / "schema.json", plans=None)

    payload = atdm("schema", "diff", str(tmp_path / "schema.json"), "--output", "json").payload

    assert payload["before"] == before.fingerprint != payload["after"]
    assert [(one["kind"], one["path"]) for one in payload["changes"]] == [("added", ["tables", "public.plans"])]
    assert payload["changes"][0]["after"]["id"] == "public.plans"
    assert sorted(payload["scenarios"]) == ["broken", "failing", "mended", "sound"]
    mended = [name for name, domain in SHIPPED.items() if domain == "healthcare"]
    assert sorted(payload["scenarios"]["mended"]) == mended
    assert sorted(payload["scenarios"]["sound"]) == [name for name in SHIPPED if name not in mended]


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        (None, "cannot be read: No such file or directory", "setting_error"),
        ("", "cannot be read: $.: Invalid JSON", "invalid_request"),
        ('{"tables": {}, "views": {}}', "cannot be read: $.views: Unexpected keyword argument", "invalid_request"),
        (
            '{"tables": {"public.a": {"id": 1, "columns": []}}}',
            "$.tables.public.a.id: Input should be",
            "invalid_request",
        ),
    ],
)
def test_what_is_no_schema_is_refused(atdm_alone: Atdm, tmp_path: Path, text: str | None, said: str, code: str) -> None:
    """A file is read as strictly as what the seeder answers, and before anything is started."""
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)

    outcome = atdm_alone("schema", "diff", str(path))

    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.endswith(f"code:  {code}\n")
    assert not (tmp_path / ".atdm").exists()


MIGRATION: Final = "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number integer NOT NULL);"
SCENARIO: Final = "title: A big order\nentities:\n  order: {table: orders, number: 9}\n"


def test_a_migration_that_breaks_a_scenario(run_atdm: Atdm, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenario is named with the error that a test would get, and a strict check fails."""
    monkeypatch.chdir(open_folder)
    for name, text in {
        "catalog/shop/domain.yaml": "title: A shop\nrules: {}\n",
        "catalog/shop/scenarios/big_order.yaml": SCENARIO,
        "migrations/shop/0001_orders.sql": MIGRATION,
    }.items():
        (open_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (open_folder / name).write_text(text)
    (open_folder / "schema.json").write_text(run_atdm("schema", "show", "--output", "json").out)
    (open_folder / "migrations/shop/0002_small.sql").write_text(
        "ALTER TABLE orders ADD CONSTRAINT small CHECK (number < 5);"
    )

    outcome = run_atdm("schema", "diff", "schema.json", "--strict")

    assert (outcome.code, outcome.err) == (2, "")
    lines = outcome.out.splitlines()
    assert lines[3].startswith("added      tables > public.orders > checks > small: expression (number < 5)")
    assert lines[5] == "scenarios: 0 sound, 1 broken, 0 failing, 0 mended"
    assert lines[7] == "broken  big_order: big_order: the gate has 1 finding:"
    assert "number < 5" in lines[8]
    assert outcome.out.count("[plan_rejected]") == 1


def test_the_whole_of_a_change_is_told() -> None:
    """Columns that change, move and go are each told at their place."""
    after = dataclasses.replace(
        ORDERS,
        columns=(ORDERS.columns[1], dataclasses.replace(ORDERS.columns[0], type="integer")),
        uniques=(),
    )

    told = [
        f"{one.kind} {describe_change(one)}"
        for one in compare_schemas(SHOP, dataclasses.replace(SHOP, tables={**SHOP.tables, ORDERS.id: after}))
    ]

    assert told == [
        "changed tables > public.orders > columns > id > type: bigint -> integer",
        "removed tables > public.orders > columns > mood: type mood, default 'ok'::mood",
        "removed tables > public.orders > columns > tax: type numeric, generated yes, expression (total * 0.2)",
        "removed tables > public.orders > columns > total: type price, nullable no",
        "reordered tables > public.orders > columns: (id, customer_id) -> (customer_id, id)",
        "removed tables > public.orders > uniques > orders_once: columns (customer_id, total)",
    ]
