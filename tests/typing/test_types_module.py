"""The module of types: its text, what checkers say to it, and that it is true of what a test gets."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing
from types import SimpleNamespace, UnionType
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_atdm._data import AtdmData, Row
from pytest_atdm._markers import Wish
from pytest_atdm._types import render_types_module
from pytest_atdm.core.errors import SchemaMismatch
from pytest_atdm.core.schema import Column, Schema, Table
from tests.core.schemas import catalog, situations
from tests.typing import atdm_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_atdm._session import AtdmSession


EXPECTED: Final = '''\
"""The scenarios of the catalog as types, written by ``atdm types``: do not edit.

A test names the class of its scenario: ``def test_it(atdm_data: SomeScenario)``. They
are for annotations only; nothing is an instance of them. What cannot be written as an
attribute is typed by item: ``row["class"]``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, overload

from pytest_atdm import Facts, Row

Mood = Literal["sad", "ok"]


@dataclass(frozen=True, init=False, eq=False)
class LinesRow(Mapping[str, Any]):
    """A row of the table public.lines."""

    id: int

    @overload
    def __getitem__(self, column: Literal["class"], /) -> str | None: ...
    @overload
    def __getitem__(self, column: str, /) -> Any: ...
    def __getitem__(self, column: str, /) -> Any:
        raise NotImplementedError


@dataclass(frozen=True, init=False, eq=False)
class OrdersRow(Mapping[str, Any]):
    """A row of the table public.orders."""

    id: int
    mood: Mood | None
    placed_on: datetime.date
    paid_on: datetime.date | str | None


class ScenarioData(Protocol):
    """What atdm_data offers in every scenario."""

    @property
    def facts(self) -> Facts:
        """Where the rows come from."""
        raise NotImplementedError

    def rows(self, entity: str) -> tuple[Row, ...]:
        """Return the rows of the entity as a tuple, also where it has only one."""
        raise NotImplementedError

    def __getitem__(self, entity: str, /) -> Any: ...
    def __contains__(self, entity: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...

    @overload
    def request(
        self,
        name: Literal["late_order"],
        /,
        **overrides: object,
    ) -> LateOrder: ...
    @overload
    def request(self, name: str, /, **overrides: object) -> Any: ...


class LateOrder(ScenarioData, Protocol):
    """The scenario late_order.

    Order that is late
    """

    lines: tuple[LinesRow, ...]
    order: OrdersRow
'''

SHOP: Final = Schema(
    tables={
        "public.orders": Table(
            id="public.orders",
            columns=(
                Column(name="id", type="bigint", nullable=False),
                Column(name="mood", type="mood"),
                Column(name="placed_on", type="date", nullable=False),
                Column(name="paid_on", type="date", default="'infinity'::date"),
            ),
        ),
        "public.lines": Table(
            id="public.lines",
            columns=(Column(name="id", type="bigint", nullable=False), Column(name="class", type="text")),
        ),
        "public.unused": Table(id="public.unused", columns=(Column(name="id", type="uuid"),)),
    },
    enums={"mood": ("sad", "ok"), "unused": ("a",)},
)
LATE_ORDER: Final = """\
title: Order that is late
entities:
  order: {table: orders}
  lines: {table: lines, count: 2}
"""


def load(source: str) -> dict[str, Any]:
    """Return the names of the module *source* after its import."""
    typing.clear_overloads()  # they are kept by the module's name
    module = type(sys)("atdm_loaded")
    sys.modules["atdm_loaded"] = module  # dataclasses look their module up
    exec(compile(source, "atdm_loaded.py", "exec"), module.__dict__)
    return module.__dict__


def find_members(kind: type) -> dict[str, Any]:
    """Return what the class *kind* promises by name, attributes and items alike."""
    module = sys.modules[kind.__module__].__dict__
    attributes = typing.get_type_hints(kind)
    items: dict[str, Any] = {}
    for overload in _find_overloads(kind, "__getitem__"):
        *_, name, found = typing.get_type_hints(overload, module).values()
        items |= dict.fromkeys(typing.get_args(name), found)
    return {**attributes, **items}


def _find_overloads(kind: type, name: str) -> Sequence[Any]:
    """A protocol has no function behind its overloads, which are found by what it would be called."""
    named = SimpleNamespace(__module__=kind.__module__, __qualname__=f"{kind.__qualname__}.{name}")
    return typing.get_overloads(named)  # type: ignore[arg-type]


def find_lies(rows: Mapping[str, Any], kind: type, *, whole: bool) -> Iterator[str]:
    """Yield where *rows* (a row, or the data of a scenario) are not what the class *kind* promises."""
    members = find_members(kind)
    if whole and set(members) != set(rows):
        yield f"{kind.__name__}: {sorted(set(members) ^ set(rows))}"
    for name, annotation in members.items():
        value = rows[name]
        if name in typing.get_type_hints(kind) and getattr(rows, name) is not value:
            yield f"{kind.__name__}.{name}: the attribute is another thing"
        yield from (f"{kind.__name__}.{name}: {lie}" for lie in _find_lies_of(value, annotation))


def _find_lies_of(value: object, annotation: Any) -> Iterator[str]:
    parts = typing.get_args(annotation)
    if isinstance(value, Row):
        yield from find_lies(value, annotation, whole="Reference" not in annotation.__name__)
    elif isinstance(value, tuple) and typing.get_origin(annotation) is tuple:
        yield from (lie for item in value for lie in _find_lies_of(item, parts[0]))
    elif Any not in (kinds := _find_kinds(annotation)) and type(value) not in kinds and value not in kinds:
        yield f"{value!r} is no {annotation}"


def _find_kinds(annotation: Any) -> list[object]:
    """Return the classes and labels of which *annotation* lets a value be one."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return list(parts)
    if origin in (UnionType, typing.Union):
        return [kind for part in parts for kind in _find_kinds(part)]
    return [origin or annotation]


class Named(dict[str, Any]):
    """The named entities of *data* by name; attributes are those of *data*."""

    def __init__(self, data: AtdmData) -> None:
        super().__init__({name: data[name] for name in data if "." not in name})
        self.data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)


def check_truth(session: AtdmSession, classes: Mapping[str, type], *wishes: Wish) -> list[str]:
    """Seed each of *wishes*, and return where what a test would see is not what the class of its scenario promises."""
    lies = []
    for wish in wishes:
        receipt, _ = session.seed(wish, request_key=str(wish), test="types")
        try:
            data = session.show(receipt, lambda *_: pytest.fail("not asked"))
            lies += list(find_lies(Named(data), classes[wish.scenario], whole=True))
        finally:
            session.reset(receipt, [])
    return lies


def render(session: AtdmSession) -> str:
    """Return the module for the catalog and the database of *session*."""
    return render_types_module(session.catalog, session.schema)


def test_the_module_is_this_text() -> None:
    """The whole module, as a reader finds it: tables and enums that no scenario uses are left out."""
    assert render_types_module(catalog(late_order=LATE_ORDER), SHOP) == EXPECTED


def test_the_committed_module_is_true_of_every_shipped_scenario(shipped: AtdmSession) -> None:
    """Rows that stand in a real database have the attributes and types of the class of their scenario."""
    classes = dict(zip(shipped.catalog.scenario_ids, _scenario_classes(vars(atdm_types)), strict=True))
    wishes = [Wish(name, {}) for name in shipped.catalog.scenario_ids]

    assert check_truth(shipped, classes, *wishes) == []


def test_odd_names_and_types_are_true_too(odd: AtdmSession) -> None:
    """So it is for every type of Postgres, names that no attribute can have, infinity, reference rows and no rows."""
    classes = dict(zip(odd.catalog.scenario_ids, _scenario_classes(load(render(odd))), strict=True))
    wishes = [
        Wish("1st-class", {}),
        Wish("odd_things", {}),
        Wish("odd_things", {"further": 0, "colour__code": "BLU"}),
        Wish("odd_things", {"thing__temper": None, "thing__two words": None, "thing__small": 4}),
    ]

    assert check_truth(odd, classes, *wishes) == []


def test_a_lie_is_noticed(shipped: AtdmSession) -> None:
    """Rows that are not what a class promises, in a value or a column that it lacks, are found."""
    text = render(shipped)
    for true, false in (("    fee: Decimal\n", "    fee: float\n"), ("    fee: Decimal\n", "")):
        assert true in text
        kind = load(text.replace(true, false))["ClaimDenialDuplicate"]

        assert check_truth(shipped, {"claim_denial_duplicate": kind}, Wish("claim_denial_duplicate", {})) != []


def test_ruff_and_mypy_accept_the_module(odd: AtdmSession, tmp_path: Path) -> None:
    """Where names hide types, words of Python or methods, ``ruff`` and ``mypy --strict`` still have nothing to say."""
    path = tmp_path / "odd_types.py"
    path.write_text(render(odd), encoding="utf-8")
    checks = (
        ["ruff", "format", "--isolated", "--diff"],
        ["ruff", "check", "--isolated", "--ignore=D105", "--select=E,F,I,UP,B,A,C4,D,PIE,PYI,RUF,SIM,TID"],
        ["mypy", "--strict", "--config-file="],
    )

    assert [answer for check in checks if (answer := _run([*check, str(path)]))] == []


def _run(command: list[str]) -> str:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@settings(max_examples=40)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.text(), st.text(min_size=1))
def test_any_name_compiles(columns: list[str], title: str, table: str) -> None:
    """Whatever columns, tables, enums and scenarios are called, the module compiles and promises each of them once."""
    schema = Schema(
        tables={
            f"public.{table}": Table(
                id=f"public.{table}", columns=tuple(Column(name=name, type=table, nullable=False) for name in columns)
            )
        },
        enums={table: tuple(columns)},
    )
    text = yaml.safe_dump({"title": title, "entities": {"a": {"table": f"public.{table}"}}}, default_style='"')

    module = load(render_types_module(catalog(x=text), schema))

    (scenario,) = _scenario_classes(module)
    (rows,) = typing.get_type_hints(scenario).values()
    assert set(find_members(rows)) == set(columns)
    assert {typing.get_args(found)[0] for found in find_members(rows).values()} == {columns[0]}


@given(situations())
def test_equal_arguments_give_equal_text(situation: tuple[Schema, str]) -> None:
    """The order in which tables and files were read does not show."""
    schema, scenario = situation
    turned = dataclasses.replace(schema, tables=dict(reversed(list(schema.tables.items()))))

    texts = {
        render_types_module(catalog(a=scenario, b=scenario), schema),
        render_types_module(catalog(b=scenario, a=scenario), turned),
    }

    assert len(texts) == 1


def test_a_catalog_without_scenarios_is_a_module_too() -> None:
    """It has the class that all scenarios share, and nothing is overloaded."""
    module = load(render_types_module(catalog(), SHOP))

    assert _find_overloads(module["ScenarioData"], "request") == []
    assert _scenario_classes(module) == []


def test_a_table_that_the_database_lacks_is_named() -> None:
    """A catalog that does not fit the database has no types."""
    with pytest.raises(
        SchemaMismatch, match=r'shop/scenarios/a\.yaml:1: entity "x": the database has no table "ordrs"'
    ):
        render_types_module(catalog(a='{"entities": {"x": {"table": "ordrs"}}}'), SHOP)


def _scenario_classes(module: dict[str, Any]) -> list[type]:
    base = module["ScenarioData"]
    return [kind for kind in module.values() if isinstance(kind, type) and base in kind.__bases__]
